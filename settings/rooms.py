"""What a node of a pool offers to workloads, and what one of them asks of it. Arithmetic only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from settings.instances import InstanceType, instance_types
from settings.model import PlatformSettings
from settings.node_groups import most_pods
from settings.problems import Path
from settings.workload import Amounts


@dataclass(frozen=True)
class Demand:
    """What one workload asks for."""

    name: str
    path: Path
    """Its entry in the settings."""
    namespace: str
    pool: str | None
    requests: Amounts
    limits: Amounts
    pods: int
    """Most replicas plus surge."""
    gpus: int = 0
    """GPUs of one pod."""
    placeholder: bool = False
    """True of a pod that keeps room for the largest of its pool's models."""


@dataclass(frozen=True)
class Room:
    """What a node offers to workloads: allocatable less daemonsets."""

    instance_type: str
    cpu: int
    memory: int
    ephemeral_storage: int
    pods: int
    gpus: int

    def holds(self, demand: Demand) -> bool:
        """True if one more pod fits."""
        return self.times(demand) > 0

    def times(self, demand: Demand) -> int:
        """How many of these pods fit."""
        amounts = demand.requests
        return max(
            0,
            min(
                self.cpu // amounts.cpu.milli,
                self.memory // amounts.memory.bytes,
                self.ephemeral_storage // amounts.ephemeral_storage.bytes,
                self.pods,
                *([self.gpus // demand.gpus] if demand.gpus else []),
            ),
        )

    def without(self, demand: Demand, pods: int = 1) -> Room:
        """What is left after so many more pods."""
        return Room(
            self.instance_type,
            self.cpu - demand.requests.cpu.milli * pods,
            self.memory - demand.requests.memory.bytes * pods,
            self.ephemeral_storage - demand.requests.ephemeral_storage.bytes * pods,
            self.pods - pods,
            self.gpus - demand.gpus * pods,
        )


def room(settings: PlatformSettings, pool: str, kind: InstanceType) -> Room:
    """What one node of a pool offers, if it is of this instance type."""
    sets = [d for d in settings.daemonsets.values() if d.pools is None or pool in d.pools]
    return Room(
        kind.name,
        kind.cpu.milli - sum(d.cpu.milli for d in sets if d.cpu),
        kind.memory.bytes - sum(d.memory.bytes for d in sets if d.memory),
        settings.node_pools[pool].disk.pods_share.bytes,
        min(kind.pods, most_pods(settings.node_pools[pool])) - len(sets),
        kind.gpus,
    )


def rooms(settings: PlatformSettings, pool: str) -> list[Room]:
    """What a node of each known instance type of a pool offers, smallest first."""
    known = instance_types()
    kinds = [known[t] for t in dict.fromkeys(settings.node_pools[pool].instance_types) if t in known]
    return sorted((room(settings, pool, kind) for kind in kinds), key=lambda r: (r.cpu, r.memory, r.instance_type))


def offered(rooms: Iterable[Room], types: int) -> Room:
    """What at least so many of the rooms offer: a pod within it fits each of the `types` largest."""
    largest = sorted(rooms, key=lambda r: (r.cpu, r.memory, r.ephemeral_storage, r.pods))[-types:]
    return Room(
        " and ".join(r.instance_type for r in largest),
        cpu=min(r.cpu for r in largest),
        memory=min(r.memory for r in largest),
        ephemeral_storage=min(r.ephemeral_storage for r in largest),
        pods=min(r.pods for r in largest),
        gpus=min(r.gpus for r in largest),
    )
