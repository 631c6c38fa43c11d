"""Capacity closure (design rule 1): quota, limit range, instance types and pool size hold what can be asked for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TypeAlias

from settings import capacity
from settings.demand import demands, model_resources, of_pool
from settings.model import PlatformSettings
from settings.problems import Path, Problem
from settings.rooms import Demand, offered, rooms
from settings.types import Cpu, Memory
from settings.workload import Amounts, Resources
from settings.workloads import hosts

MOST_NODES = 1000
"""Largest `max` of a pool (settings.types.Replicas)."""


def requests_within_limits(settings: PlatformSettings) -> list[Problem]:
    """Requests never exceed limits; the API server refuses such a pod, the Deployment looks accepted."""
    out = []
    for path, resources, volumes in _stated(settings):
        for kind in Amounts.model_fields:
            request, limit = getattr(resources.requests, kind), getattr(resources.limits, kind)
            if request > limit:
                here = (*path, "resources", "requests", kind)
                out.append(Problem(path=here, reason=f"{request} is above its limit {limit}", fix=f"at most {limit}"))
        for key, size, kind, title in volumes:
            limit = getattr(resources.limits, kind)
            if size > limit:
                reason = f"{size} is above the limit of {title}, {limit}"
                fix = f"at most {limit}, or raise resources.limits.{kind}"
                out.append(Problem(path=(*path, *key), reason=reason, fix=fix))
    return out


_Volume: TypeAlias = tuple[tuple[str, ...], Memory, str, str]
"""Key of a size, the size, and the limit that it counts against: field and title."""


def _stated(settings: PlatformSettings) -> Iterator[tuple[Path, Resources, list[_Volume]]]:
    """Resources that somebody has written, and the volumes that count against their limits."""
    disk = ("ephemeral_storage", "local disk")
    for name, service in settings.services.items():
        yield ("services", name), service.resources, [(("scratch",), service.scratch, *disk)]
    for name, model in settings.models.items():
        resources = model_resources(settings, name)
        yield ("models", name), resources, [(("scratch",), model.scratch, *disk)]
    for name, cache in settings.caches.items():
        yield ("caches", name), cache.resources, []


def limit_range(settings: PlatformSettings) -> list[Problem]:
    """The limit range admits each container, and is itself in order."""
    out = []
    for name, namespace in settings.namespaces.items():
        bounds = namespace.limit_range
        for kind in ("cpu", "memory"):
            ladder = [
                (key, getattr(getattr(bounds, key), kind)) for key in ("min", "default_request", "default", "max")
            ]
            for (lower, low), (upper, high) in pairwise(ladder):
                if low > high:
                    path = ("namespaces", name, "limit_range", lower, kind)
                    out.append(Problem(path=path, reason=f"{low} is above {upper}, {high}", fix=f"at most {high}"))
    said: set[tuple[str | None, str, str, str]] = set()
    for demand in sorted(demands(settings), key=lambda demand: demand.placeholder):
        home = settings.namespaces.get(demand.namespace)
        for key, reason, fix in capacity.limit_range_faults(home, demand.requests, demand.limits) if home else ():
            fault = (demand.pool, demand.namespace, key, reason)
            if demand.placeholder and fault in said:
                continue  # it is as large as a model that has been told so here
            said.add(fault)
            out.append(
                Problem(
                    path=(*demand.path, "resources", *key.split(".")),
                    reason=f"{reason} of namespace {demand.namespace}",
                    fix=f"{fix}, or change limit_range of namespaces.{demand.namespace}",
                )
            )
    return out


def quota(settings: PlatformSettings) -> list[Problem]:
    """Each namespace's quota limits something, and holds (ceiling + surge) x requests and limits of what runs there."""
    out = []
    for name, namespace in settings.namespaces.items():
        if not capacity.hard_limits(namespace.quota):
            fix = 'for example {limits: {cpu: "16", memory: 32Gi}, pods: 15}'
            reason = f"limits nothing: namespace {name} could take every node"
            out.append(Problem(path=("namespaces", name, "quota"), reason=reason, fix=fix))
        for line in capacity.quota_lines(settings, name):
            if not line.fits:
                needed, there = line.shown(line.needed), line.shown(line.available)
                out.append(
                    Problem(
                        path=("namespaces", name, "quota", *line.what.replace("nvidia.com/", "").split(".")),
                        reason=f"{line.what} of namespace {name} needs {needed} at the ceilings ({line.sum}), "
                        f"the quota is {there}",
                        fix=f"at least {needed}, or lower a maximum, a limit or the surge",
                    )
                )
    return out


def instance_fit(settings: PlatformSettings) -> list[Problem]:
    """Each pod fits the allocatable of enough instance types of its pool, after daemonsets."""
    out: list[Problem] = []
    for demand in demands(settings):
        if demand.pool is not None and demand.pool not in settings.node_pools:
            continue  # `references` has said so
        if demand.placeholder:
            continue  # of no resource it asks for more than some model of its pool, which is looked at
        # A pod without a pool goes to any; the pool that is least short of holding it is the one to talk about.
        faults = [_misfits(settings, demand, pool) for pool in hosts(settings, demand.pool)]
        least = min(faults, key=len) if faults else []
        out += least
    return out


def _misfits(settings: PlatformSettings, demand: Demand, pool: str) -> list[Problem]:
    """What of a pod is too large for the instance types of a pool, one problem for each resource."""
    spec, nodes = settings.node_pools[pool], rooms(settings, pool)
    if len(nodes) < len(set(spec.instance_types)) or not nodes:
        return []  # `node-pools` has said so
    wanted = max(1, min(spec.min_fitting_types, len(nodes)))
    fitting = sum(1 for node in nodes if node.holds(demand))
    if fitting >= wanted:
        return []
    best, asked = offered(nodes, wanted), demand.requests
    out = []
    if demand.gpus > best.gpus:
        return []  # `gpus` has said so
    for key, ask, offer, largest in (
        ("cpu", asked.cpu.milli, best.cpu, Cpu(max(best.cpu, 0))),
        ("memory", asked.memory.bytes, best.memory, _mib(best.memory)),
        ("ephemeral_storage", asked.ephemeral_storage.bytes, best.ephemeral_storage, _mib(best.ephemeral_storage)),
    ):
        if ask > offer:
            reason = (
                f"{getattr(asked, key)} fits {fitting} instance types of pool {pool}, {wanted} must hold it; "
                f"{best.instance_type} offers {largest} after daemonsets"
            )
            fix = f"at most {largest}, or larger instance types" if offer > 0 else "larger instance types"
            out.append(Problem(path=(*demand.path, "resources", "requests", key), reason=reason, fix=fix))
    if not out:
        reason = f"daemonsets take every place for a pod on {best.instance_type} of pool {pool}"
        out.append(Problem(path=demand.path, reason=reason, fix="larger instance types, or fewer daemonsets"))
    return out


def _mib(size: int) -> Memory:
    return Memory(max(size, 0) // (1 << 20) * (1 << 20))


def pool_size(settings: PlatformSettings) -> list[Problem]:
    """The most nodes of each pool hold all of its workloads at their ceilings plus surge."""
    out = []
    for name, pool in settings.node_pools.items():
        need = capacity.pool_need(settings, name)
        if need is not None and need.nodes > pool.max:
            pods = ", ".join(f"{d.pods} x {d.name}" for d in of_pool(settings, name))
            reason = f"{pods} need {need.nodes} nodes of {need.instance_type}, the pool ends at {pool.max}"
            lower = "lower a maximum, a request or the surge"
            fix = f"at least {need.nodes}, or {lower}" if need.nodes <= MOST_NODES else lower
            out.append(Problem(path=("node_pools", name, "max"), reason=reason, fix=fix))
    return out
