"""EC2 instance types: what a node of each really offers. The table is data with its source, data/instances.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from settings.types import Cpu, Memory
from settings.yaml_reader import read_file

TABLE = Path(__file__).parent / "data" / "instances.yaml"

MAX_PODS, MAX_PODS_LARGE, LARGE = 110, 250, 30
"""What EKS lets the kubelet take, up to and above 30 vCPU, whatever the network interfaces could (awsdocs/
amazon-eks-user-guide latest/ug/nodes/choosing-instance-type.adoc, max-pods calculator)."""


@dataclass(frozen=True)
class InstanceType:
    """One row of the table."""

    name: str
    arch: str
    vcpu: int
    pods: int
    """Most pods that the kubelet takes."""
    cpu: Cpu
    """Allocatable CPU."""
    memory: Memory
    """Allocatable memory."""
    price: Decimal
    """USD an hour, on demand."""
    gpus: int = 0
    gpu: str | None = None
    """Name of its GPUs, as settings/data/gpus.yaml has it."""
    gpu_memory: Memory | None = None
    """Memory of one GPU."""


@cache
def instance_types() -> dict[str, InstanceType]:
    """Every known instance type by its name."""
    rows: dict[str, dict[str, Any]] = read_file(TABLE).data["types"]
    return {name: _row(name, row) for name, row in rows.items()}


def known(names: Iterable[str]) -> list[InstanceType]:
    """Those of the names that the table has, in their order; `nodes` says of the others that it lacks them."""
    return [kind for name in names if (kind := instance_types().get(name))]


def _row(name: str, row: dict[str, Any]) -> InstanceType:
    allocatable, gpu = row["allocatable"], row.get("gpu")
    return InstanceType(
        name=name,
        arch=row["arch"],
        vcpu=row["vcpu"],
        pods=min(row["pods"], MAX_PODS if row["vcpu"] <= LARGE else MAX_PODS_LARGE),
        cpu=Cpu.parse(allocatable["cpu"]),
        memory=Memory.parse(allocatable["memory"]),
        price=Decimal(row["price"]),
        gpus=gpu["count"] if gpu else 0,
        gpu=gpu["name"] if gpu else None,
        gpu_memory=Memory.parse(gpu["memory"]) if gpu else None,
    )
