"""Every workload of the settings, whatever its kind: what rules that ask the same of all of them go over."""

from __future__ import annotations

from collections.abc import Iterator

from settings.model import PlatformSettings
from settings.nodes import NodePool
from settings.problems import Path
from settings.workload import Workload

FLOOR_SUFFIX = "-floor"
"""What the Deployment of a model's floor is called after."""


def workloads(settings: PlatformSettings) -> Iterator[tuple[Path, Workload]]:
    """The path and spec of every service and every model, services first."""
    yield from ((("services", name), service) for name, service in settings.services.items())
    yield from ((("models", name), model) for name, model in settings.models.items())


def hosts(settings: PlatformSettings, pool: str | None) -> dict[str, NodePool]:
    """The pools that pods of a workload can land on: its own, or every pool without a repelling taint.

    Empty where its own does not exist, which `references` says.
    """
    if pool is not None:
        return {pool: settings.node_pools[pool]} if pool in settings.node_pools else {}
    return {
        key: value
        for key, value in settings.node_pools.items()
        if all(taint.effect == "PreferNoSchedule" for taint in value.taints)
    }
