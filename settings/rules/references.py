"""Every name that is used is defined."""

from __future__ import annotations

from collections.abc import Iterable

from settings.model import PlatformSettings
from settings.problems import Path, Problem, one_of, suggest


def resolve(settings: PlatformSettings) -> list[Problem]:
    """Namespaces, tiers, pools, services, models and priorities that are referred to exist; no list names one twice."""
    out: list[Problem] = []

    def refer(path: Path, name: str | None, kind: str, known: Iterable[str]) -> None:
        words = list(known)
        if name is not None and name not in words:
            out.append(Problem(path=path, reason=f'there is no {kind} "{name}"', fix=suggest(name, words)))

    for name, namespace in settings.namespaces.items():
        refer(("namespaces", name, "tier"), namespace.tier, "tier", settings.tiers)
    for name, service in settings.services.items():
        at: Path = ("services", name)
        refer((*at, "namespace"), service.namespace, "namespace", settings.namespaces)
        refer((*at, "pool"), service.pool, "node pool", settings.node_pools)
        refer((*at, "priority"), service.priority, "priority", settings.priorities)
        for route, spec in service.routes.items():
            to: Path = (*at, "routes", route, "to")
            others = set(settings.services) - {name}
            if spec.to == name:
                out.append(Problem(path=to, reason=f"{name} forwards to itself", fix=f"use one of: {one_of(others)}"))
            else:
                refer(to, spec.to, "service", others)
        for index, model in enumerate(service.calls):
            refer((*at, "calls", index), model, "model", settings.models)
        out += _twice((*at, "calls"), service.calls)
    for name, model_spec in settings.models.items():
        refer(("models", name, "namespace"), model_spec.namespace, "namespace", settings.namespaces)
    for name, daemonset in settings.daemonsets.items():
        for index, pool in enumerate(daemonset.pools or ()):
            refer(("daemonsets", name, "pools", index), pool, "node pool", settings.node_pools)
        out += _twice(("daemonsets", name, "pools"), daemonset.pools or ())
    if settings.observability:
        refer(("observability", "namespace"), settings.observability.namespace, "namespace", settings.namespaces)
    return out


def _twice(path: Path, names: tuple[str, ...]) -> list[Problem]:
    doubles = sorted({name for name in names if names.count(name) > 1})
    return [Problem(path=path, reason=f"names {name} twice", fix="name it once") for name in doubles]
