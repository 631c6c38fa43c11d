"""Capacity closure: what everything asks for at its maximum, against what holds it. Arithmetic only.

Namespace quota, limit range, instance types and pool size are four independent ways to end up with a pod that never
starts. Each is computed at the workload's ceiling plus its surge, since a rollout at the ceiling is when it is found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from settings.demand import demands, of_pool
from settings.model import PlatformSettings
from settings.rooms import Demand, Room, rooms
from settings.tenancy import Namespace, Quota
from settings.types import Cpu, Memory
from settings.workload import Amounts


@dataclass(frozen=True)
class Line:
    """One row of a closure: so much is needed, so much is there."""

    what: str
    """As Kubernetes names it, for example limits.cpu."""
    needed: int
    available: int
    unit: str
    """m (CPU), bytes, or empty for counts."""
    sum: str
    """How `needed` comes about."""

    @property
    def fits(self) -> bool:
        """True if nothing is short."""
        return self.needed <= self.available

    def shown(self, number: int) -> str:
        """A number of this row as users write it."""
        if self.unit == "m":
            return str(Cpu(number)) if number else "0"
        if self.unit == "bytes":
            return str(Memory(number)) if number else "0"
        return str(number)

    def __str__(self) -> str:
        return f"{self.what} {self.shown(self.needed)} of {self.shown(self.available)}"


def hard_limits(quota: Quota) -> dict[str, str]:
    """A quota as Kubernetes spells it; what is not set is not limited."""
    values = {
        "configmaps": quota.configmaps,
        "limits.cpu": quota.limits.cpu,
        "limits.memory": quota.limits.memory,
        "pods": quota.pods,
        "requests.cpu": quota.requests.cpu,
        "requests.memory": quota.requests.memory,
        "requests.nvidia.com/gpu": quota.requests.gpu,
        "secrets": quota.secrets,
        "services": quota.services,
    }
    return {key: str(value) for key, value in values.items() if value is not None}


def quota_lines(settings: PlatformSettings, name: str) -> list[Line]:
    """A namespace's quota against the sum of its workloads at their ceilings plus surge."""
    quota = settings.namespaces[name].quota
    here = [d for d in demands(settings) if d.namespace == name]
    rows: list[tuple[str, Cpu | Memory | int | None, list[tuple[Demand, int]], str]] = [
        ("requests.cpu", quota.requests.cpu, [(d, d.requests.cpu.milli) for d in here], "m"),
        ("requests.memory", quota.requests.memory, [(d, d.requests.memory.bytes) for d in here], "bytes"),
        ("limits.cpu", quota.limits.cpu, [(d, d.limits.cpu.milli) for d in here], "m"),
        ("limits.memory", quota.limits.memory, [(d, d.limits.memory.bytes) for d in here], "bytes"),
        ("requests.nvidia.com/gpu", quota.requests.gpu, [(d, d.gpus) for d in here], ""),
        ("pods", quota.pods, [(d, 1) for d in here], ""),
    ]
    out = []
    for what, available, each, unit in rows:
        if available is not None:
            out.append(_line(what, available, each, unit))
    return out + _object_lines(settings, name)


def _line(what: str, available: Cpu | Memory | int, each: list[tuple[Demand, int]], unit: str) -> Line:
    match available:
        case Cpu():
            size = available.milli
        case Memory():
            size = available.bytes
        case _:
            size = available
    line = Line(what, sum(amount * d.pods for d, amount in each), size, unit, "")
    terms = [f"{d.name} {d.pods} x {line.shown(amount)}" for d, amount in each if amount]
    return Line(what, line.needed, line.available, unit, " + ".join(terms))


def _object_lines(settings: PlatformSettings, name: str) -> list[Line]:
    quota = settings.namespaces[name].quota
    services = [s for s in settings.services.values() if s.namespace == name]
    models = [m for m in settings.models.values() if m.namespace == name]
    caches = [c for c in settings.caches.values() if c.namespace == name]
    tokens = len(caches) if settings.hub.token is not None else 0
    counted = (
        ("services", quota.services, len(services) + len(models), "Services"),
        ("configmaps", quota.configmaps, len(services) + len(caches) + 1, "ConfigMaps and kube-root-ca.crt"),
        ("secrets", quota.secrets, sum(1 for s in services if s.secrets) + tokens, "Secrets"),
    )
    return [Line(what, used, room, "", f"{used} {kind}") for what, room, used, kind in counted if room is not None]


def limit_range_faults(namespace: Namespace, requests: Amounts, limits: Amounts) -> list[tuple[str, str, str]]:
    """Where a limit range rejects a container: (key under resources, what is wrong, value that works)."""
    low, high = namespace.limit_range.min, namespace.limit_range.max
    out = []
    for kind in ("cpu", "memory"):
        limit, request = getattr(limits, kind), getattr(requests, kind)
        most, least = getattr(high, kind), getattr(low, kind)
        if limit > most:
            out.append((f"limits.{kind}", f"{limit} is above the largest limit {most}", str(most)))
        if request < least:
            out.append((f"requests.{kind}", f"{request} is below the smallest request {least}", str(least)))
    return out


@dataclass(frozen=True)
class PoolNeed:
    """How many nodes a pool must be able to have."""

    nodes: int
    """Nodes that hold every pod of the pool at once."""
    instance_type: str
    """The type that takes most of them."""


def pool_need(settings: PlatformSettings, pool: str) -> PoolNeed | None:
    """The most nodes that a pool's workloads need at their ceilings, whichever of its types is bought.

    None if nothing asks for the pool, or if no type of it holds every pod (which `instance_fit` says).
    """
    here = of_pool(settings, pool)
    needs = [(nodes_needed(here, r), r.instance_type) for r in rooms(settings, pool)] if here else []
    counted = [PoolNeed(nodes, kind) for nodes, kind in needs if nodes is not None]
    return max(counted, key=lambda need: need.nodes, default=None)


def nodes_needed(demand: Iterable[Demand], room: Room) -> int | None:
    """Nodes that hold every pod at once by first fit, largest first; None if some pod fits no empty node.

    First fit needs at most 22 % more nodes than the best packing where one resource binds, and may need more where
    pods bind on different ones: a refusal may be early, never late. Nodes that are filled alike are counted together:
    thousands of pods cost no more than ten.
    """
    ordered = sorted(demand, key=lambda d: (-d.gpus, -d.requests.cpu.milli, -d.requests.memory.bytes, d.name))
    filled: list[tuple[Room, int]] = []
    for workload in ordered:
        if not room.holds(workload):
            return None
        left, after = workload.pods, list[tuple[Room, int]]()
        for node, count in filled:
            new, left = _fill(node, count, workload, left)
            after += new
        if left:
            each = room.times(workload)
            new, _ = _fill(room, -(-left // each), workload, left)
            after += new
        filled = after
    return sum(count for _, count in filled)


def _fill(node: Room, count: int, workload: Demand, pods: int) -> tuple[list[tuple[Room, int]], int]:
    """So many alike nodes after as many of the pods as they take, first node first; and the pods left over."""
    each = node.times(workload)
    taken = min(pods, each * count)
    full, rest = divmod(taken, each) if each else (0, 0)
    partly = 1 if rest else 0
    groups = [
        (node.without(workload, each), full),
        (node.without(workload, rest), partly),
        (node, count - full - partly),
    ]
    return [(after, number) for after, number in groups if number], pods - taken
