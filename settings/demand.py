"""What everything asks for at its maximum: services, models and their floors, downloads, headroom. Arithmetic only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from settings import names, weights
from settings.instances import instance_types
from settings.model import PlatformSettings
from settings.rooms import Demand, Room, rooms
from settings.types import Cpu, Memory
from settings.workload import Amounts, Resources
from settings.workloads import FLOOR_SUFFIX, hosts

WRITABLE = Memory(512 << 20)
"""Local disk of a model's pod beside its scratch: what the container writes elsewhere, and its logs."""
STEP = Memory(256 << 20)
"""Memory of a model that nobody states is a multiple of this."""


def demands(settings: PlatformSettings) -> list[Demand]:
    """What every workload asks for, sorted by name."""
    kinds = (_of_services, _of_models, _of_downloads, _of_headroom)
    return sorted((d for kind in kinds for d in kind(settings)), key=lambda d: (d.name, d.path))


def of_pool(settings: PlatformSettings, pool: str) -> list[Demand]:
    """What a pool must hold: what names it, and what names none if it is the only one that takes such pods."""
    alone = list(hosts(settings, None)) == [pool]
    return [d for d in demands(settings) if d.pool == pool or (d.pool is None and alone)]


def _of_services(settings: PlatformSettings) -> Iterator[Demand]:
    for name, service in settings.services.items():
        yield Demand(
            name=name,
            path=("services", name),
            namespace=service.namespace,
            pool=service.pool,
            requests=service.resources.requests,
            limits=service.resources.limits,
            pods=service.scaling.ceiling + service.rollout.max_surge,
        )


def _of_models(settings: PlatformSettings) -> Iterator[Demand]:
    for name, model in settings.models.items():
        size = model_resources(settings, name)
        own = Demand(
            name=name,
            path=("models", name),
            namespace=model.namespace,
            pool=model.pool,
            requests=size.requests,
            limits=size.limits,
            pods=model.scaling.ceiling + model.rollout.max_surge,
            gpus=model.gpus,
        )
        yield own
        if model.floor is not None:
            count = model.floor.replicas + model.rollout.max_surge
            yield replace(own, name=f"{name}{FLOOR_SUFFIX}", pool=model.floor.pool, pods=count)


def _of_downloads(settings: PlatformSettings) -> Iterator[Demand]:
    """All downloads of a cache at once: so it is when a platform starts."""
    for name, cache in settings.caches.items():
        jobs = len(weights.of_cache(settings, name))
        requests, limits = cache.resources.requests, cache.resources.limits
        if jobs:
            yield Demand(name, ("caches", name), cache.namespace, cache.pool, requests, limits, jobs)


def _of_headroom(settings: PlatformSettings) -> Iterator[Demand]:
    for pool, spec in settings.node_pools.items():
        largest = largest_model(settings, pool)
        if spec.headroom is not None and largest is not None:
            yield replace(
                largest,
                name=names.headroom(pool),
                path=("node_pools", pool, "headroom"),
                namespace=spec.headroom.namespace,
                pods=spec.headroom.replicas,
                placeholder=True,
            )


def largest_model(settings: PlatformSettings, pool: str) -> Demand | None:
    """What headroom keeps room for: the most that any model of a pool asks for, of each resource by itself.

    Its name and path are those of the model with the most GPUs, then memory: its image is the one to have on the node.
    """
    here = [d for d in _of_models(settings) if d.pool == pool]
    if not here:
        return None
    first = max(here, key=lambda d: (d.gpus, d.requests.memory, d.requests.cpu, d.name))
    return replace(first, requests=_most(d.requests for d in here), limits=_most(d.limits for d in here))


def _most(amounts: Iterable[Amounts]) -> Amounts:
    every = list(amounts)
    return Amounts(**{kind: max(getattr(a, kind) for a in every) for kind in Amounts.model_fields})


def resources_of(demand: Demand) -> Resources:
    """Requests and limits of one pod."""
    return Resources(requests=demand.requests, limits=demand.limits)


def model_resources(settings: PlatformSettings, name: str) -> Resources:
    """Requests and limits of one pod of a model: as set, else its GPUs' share of the pool's smallest node.

    Whoever has the GPU of a node has the node: what is left beside it serves nobody else. Memory is limited to the
    request, so that no node runs out of it; CPU to the node's own, since starting is bound by it.
    """
    model = settings.models[name]
    if model.resources is not None:
        return model.resources
    pools = set(model.pools) & set(settings.node_pools)
    shares = [_share(node, model.gpus) for pool in sorted(pools) for node in rooms(settings, pool)]
    cpu, memory, most = (min(amounts, default=0) for amounts in zip(*shares, strict=True)) if shares else (0, 0, 0)
    request = Amounts(
        cpu=Cpu(max(100, cpu)), memory=max(STEP, Memory(memory)), ephemeral_storage=model.scratch + WRITABLE
    )
    limit = request.model_copy(update={"cpu": Cpu(max(100, cpu, most))})
    return Resources(requests=request, limits=limit)


def _share(node: Room, gpus: int) -> tuple[int, int, int]:
    """What so many of a node's GPUs come with, rounded down: CPU, memory, and the CPU of the bare node."""
    parts = max(1, node.gpus // gpus)
    bare = instance_types()[node.instance_type].cpu.milli
    return (
        node.cpu // parts // 100 * 100,
        node.memory // parts // STEP.bytes * STEP.bytes,
        bare // parts // 100 * 100,
    )
