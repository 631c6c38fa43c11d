"""Every name that is used is defined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from settings.annotations import annotation_at, sample
from settings.model import PlatformSettings
from settings.problems import Path, Problem, one_of, suggest
from settings.workloads import workloads

_Reference: TypeAlias = tuple[Path, str | None, str]
"""The path of a name, the name (None: nothing is named there), and what it is the name of."""


def resolve(settings: PlatformSettings) -> list[Problem]:
    """Whatever is referred to by its name exists; no list names one thing twice."""
    known: dict[str, tuple[str, Iterable[str]]] = {
        "cache": ("caches", settings.caches),
        "model": ("models", settings.models),
        "namespace": ("namespaces", settings.namespaces),
        "node pool": ("node_pools", settings.node_pools),
        "priority": ("priorities", settings.priorities),
        "tier": ("tiers", settings.tiers),
    }
    out = [_missing(path, name, kind, *known[kind]) for path, name, kind in _references(settings) if name is not None]
    return [*(problem for problem in out if problem), *_routes(settings), *_doubles(settings)]


def _missing(path: Path, name: str, kind: str, key: str, known: Iterable[str]) -> Problem | None:
    words = list(known)
    if name in words:
        return None
    fix = (
        suggest(name, words)
        if words
        else f"define it, for example {key}: {{{name}: {sample(annotation_at((key, name), {}))}}}"
    )
    return Problem(path=path, reason=f'there is no {kind} "{name}"', fix=fix)


def _references(settings: PlatformSettings) -> Iterator[_Reference]:
    for name, namespace in settings.namespaces.items():
        yield ("namespaces", name, "tier"), namespace.tier, "tier"
    for path, workload in workloads(settings):
        yield from _placed(path, workload.namespace, workload.pool, workload.priority)
    for name, service in settings.services.items():
        yield from ((("services", name, "calls", i), model, "model") for i, model in enumerate(service.calls))
    for name, model in settings.models.items():
        yield ("models", name, "cache"), model.cache, "cache"
        yield ("models", name, "floor", "pool"), model.floor.pool if model.floor else None, "node pool"
    for name, cache in settings.caches.items():
        yield from _placed(("caches", name), cache.namespace, cache.pool, cache.priority)
    for name, pool in settings.node_pools.items():
        if room := pool.headroom:
            yield from _placed(("node_pools", name, "headroom"), room.namespace, None, room.priority)
    for name, daemonset in settings.daemonsets.items():
        yield from ((("daemonsets", name, "pools", i), p, "node pool") for i, p in enumerate(daemonset.pools or ()))
    if settings.observability:
        yield ("observability", "namespace"), settings.observability.namespace, "namespace"


def _placed(path: Path, namespace: str, pool: str | None, priority: str | None) -> Iterator[_Reference]:
    """What everything that makes pods refers to."""
    yield (*path, "namespace"), namespace, "namespace"
    yield (*path, "pool"), pool, "node pool"
    yield (*path, "priority"), priority, "priority"


def _routes(settings: PlatformSettings) -> Iterator[Problem]:
    for name, service in settings.services.items():
        others = set(settings.services) - {name}
        for route, spec in service.routes.items():
            to: Path = ("services", name, "routes", route, "to")
            if spec.to == name:
                yield Problem(path=to, reason=f"{name} forwards to itself", fix=f"use one of: {one_of(others)}")
            elif missing := _missing(to, spec.to, "service", "services", others):
                yield missing


def _doubles(settings: PlatformSettings) -> Iterator[Problem]:
    for name, service in settings.services.items():
        yield from _twice(("services", name, "calls"), service.calls)
    for name, daemonset in settings.daemonsets.items():
        yield from _twice(("daemonsets", name, "pools"), daemonset.pools or ())


def _twice(path: Path, names: tuple[str, ...]) -> Iterator[Problem]:
    doubles = sorted({name for name in names if names.count(name) > 1})
    yield from (Problem(path=path, reason=f"names {name} twice", fix="name it once") for name in doubles)
