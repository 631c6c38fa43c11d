"""Capacity closure (design rule 1): quota, limit range, instance types and pool size hold what can be asked for."""

from __future__ import annotations

from itertools import pairwise

from settings import capacity
from settings.instances import instance_types
from settings.model import PlatformSettings
from settings.problems import Problem
from settings.types import Cpu, Memory
from settings.workload import Amounts


def requests_within_limits(settings: PlatformSettings) -> list[Problem]:
    """Requests never exceed limits; the API server refuses such a pod, the Deployment looks accepted."""
    out = []
    for name, service in settings.services.items():
        resources = service.resources
        for kind in Amounts.model_fields:
            request, limit = getattr(resources.requests, kind), getattr(resources.limits, kind)
            if request > limit:
                path = ("services", name, "resources", "requests", kind)
                out.append(Problem(path=path, reason=f"{request} is above its limit {limit}", fix=f"at most {limit}"))
        floor = service.scratch
        if floor > resources.limits.ephemeral_storage:
            reason = f"{floor} is above the limit of local disk, {resources.limits.ephemeral_storage}"
            fix = f"at most {resources.limits.ephemeral_storage}, or raise resources.limits.ephemeral_storage"
            out.append(Problem(path=("services", name, "scratch"), reason=reason, fix=fix))
    return out


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
    for demand in capacity.demands(settings):
        home = settings.namespaces.get(demand.namespace)
        for key, reason, fix in capacity.limit_range_faults(home, demand.requests, demand.limits) if home else ():
            out.append(
                Problem(
                    path=(*demand.path, "resources", *key.split(".")),
                    reason=f"{reason} of namespace {demand.namespace}",
                    fix=f"{fix}, or change limit_range of namespaces.{demand.namespace}",
                )
            )
    return out


def quota(settings: PlatformSettings) -> list[Problem]:
    """Each namespace's quota holds (ceiling + surge) x requests and limits of all that runs in it."""
    out = []
    for name in settings.namespaces:
        for line in capacity.quota_lines(settings, name):
            if not line.fits:
                needed, there = line.shown(line.needed), line.shown(line.available)
                out.append(
                    Problem(
                        path=("namespaces", name, "quota", *line.what.replace("nvidia.com/", "").split(".")),
                        reason=f"{line.what} needs {needed} at the ceilings ({line.sum}), the quota is {there}",
                        fix=f"at least {needed}, or lower a maximum, a limit or the surge",
                    )
                )
    return out


def instance_fit(settings: PlatformSettings) -> list[Problem]:
    """Each pod fits the allocatable of enough instance types of its pool, after daemonsets."""
    out = []
    for demand in capacity.demands(settings):
        pool = settings.node_pools.get(demand.pool or "")
        if pool is None or any(kind not in instance_types() for kind in pool.instance_types):
            continue  # no pool of its own, or `references` / `node-pools` has said so
        rooms = capacity.rooms(settings, demand.pool or "")
        fitting = [r.instance_type for r in rooms if r.holds(demand)]
        wanted = max(1, min(pool.min_fitting_types, len(rooms)))
        if rooms and len(fitting) < wanted:
            largest = rooms[-1]
            offer = f"{Cpu(max(largest.cpu, 0))} and {_mib(largest.memory)}"
            ask = f"{demand.requests.cpu} CPU, {demand.requests.memory}"
            out.append(
                Problem(
                    path=(*demand.path, "resources", "requests"),
                    reason=f"{ask} fits {len(fitting)} instance types of pool {demand.pool}, {wanted} are needed; "
                    f"{largest.instance_type} offers {offer} after daemonsets",
                    fix=f"request at most {offer}, or give the pool larger instance types",
                )
            )
    return out


def _mib(size: int) -> str:
    return str(Memory(max(size, 0) // (1 << 20) * (1 << 20)))


def pool_size(settings: PlatformSettings) -> list[Problem]:
    """The most nodes of each pool hold all of its workloads at their ceilings plus surge."""
    out = []
    for name, pool in settings.node_pools.items():
        rooms = capacity.rooms(settings, name)
        here = [d for d in capacity.demands(settings) if d.pool == name]
        needed = capacity.nodes_needed(here, rooms[0]) if rooms and here else 0
        if needed is not None and needed > pool.max:
            pods = ", ".join(f"{d.pods} x {d.name}" for d in here)
            out.append(
                Problem(
                    path=("node_pools", name, "max"),
                    reason=f"{pods} need {needed} nodes of {rooms[0].instance_type}, the pool ends at {pool.max}",
                    fix=f"at least {needed}, or lower a maximum, a request or the surge",
                )
            )
    return out
