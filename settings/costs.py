"""What a stack costs at rest: what AWS charges for while nobody uses the platform. List prices, without what is used.

Not counted: what is paid by use (traffic, logs, requests), and small standing items (keys, public addresses, the load
balancer, stored weights and images).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from settings.capacity import nodes_needed
from settings.demand import of_pool
from settings.eks import EksCluster
from settings.instances import known
from settings.model import PlatformSettings
from settings.nodes import NodePool
from settings.rooms import Demand, rooms
from settings.yaml_reader import read_file

TABLE = Path(__file__).parent / "data" / "prices.yaml"


@dataclass(frozen=True)
class Cost:
    """One line: so many of something for a month."""

    what: str
    count: int
    monthly: Decimal
    """USD."""


@cache
def _prices() -> dict[str, Any]:
    table: dict[str, Any] = read_file(TABLE).data
    return table


def _month(what: str) -> Decimal:
    row = _prices()[what]
    price = Decimal(row["price"])
    return price if row["per"].endswith("month") else price * _prices()["hours"]


def at_rest(settings: PlatformSettings) -> list[Cost]:
    """The lines of a stack that makes its cluster; empty for another."""
    spec = settings.cluster
    if not isinstance(spec, EksCluster):
        return []
    zones = len(settings.aws.zones)
    nats = zones if spec.network.nat == "per-zone" else 1
    endpoints = len(spec.network.endpoints) * zones
    out = [
        Cost("control plane", 1, _month("control_plane")),
        Cost("NAT gateways", nats, nats * _month("nat_gateway")),
        Cost("interfaces of service endpoints", endpoints, endpoints * _month("interface_endpoint")),
    ]
    for name, pool in settings.node_pools.items():
        out += _pool(settings, name, pool)
    return out


def _pool(settings: PlatformSettings, name: str, pool: NodePool) -> Iterator[Cost]:
    """Nodes at rest, at the on-demand price of the pool's dearest type, and their disks. Spot is cheaper, by how much
    AWS says from hour to hour.
    """
    kinds, nodes = known(pool.instance_types), nodes_at_rest(settings, name)
    if not kinds or not nodes:
        return
    dearest = max(kinds, key=lambda kind: kind.price)
    most = ", at most: spot costs less" if pool.capacity == "spot" else ""
    yield Cost(f"{dearest.name} of pool {name}{most}", nodes, nodes * dearest.price * _prices()["hours"])
    size = nodes * (pool.disk.size.bytes >> 30)
    yield Cost(f"GiB of disk of pool {name}", size, size * _month("gp3"))


def nodes_at_rest(settings: PlatformSettings, pool: str) -> int:
    """Nodes of a pool while every autoscaler is at its minimum and nothing is rolled out."""
    spec = settings.node_pools[pool]
    here = [d for demand in of_pool(settings, pool) if (d := _resting(settings, demand)).pods]
    needs = [nodes_needed(here, room) for room in rooms(settings, pool)] if here else []
    return min(max([spec.min, *(n for n in needs if n is not None)]), spec.max)


def _resting(settings: PlatformSettings, demand: Demand) -> Demand:
    """A workload without what it may grow by; downloads are done."""
    kind, name = str(demand.path[0]), str(demand.path[1])
    if kind == "caches":
        return replace(demand, pods=0)
    if kind == "node_pools":
        return demand
    workload = settings.services[name] if kind == "services" else settings.models[name]
    surge, growth = workload.rollout.max_surge, workload.scaling.ceiling - workload.scaling.floor
    beside = kind == "models" and demand.pool != settings.models[name].pool
    return replace(demand, pods=demand.pods - surge - (0 if beside else growth))
