"""How long a model is away when it starts anew: stated once, as node + image + weights + warm-up.

The kubelet's start-up probe begins when the container runs, so it covers weights and warm-up; the rollout's deadline
covers the whole; so does what a reclaimed spot node costs, whose notice the drain uses up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from settings import drain
from settings.demand import largest_model
from settings.gpu_memory import weights_size
from settings.model import PlatformSettings
from settings.types import Duration, Memory
from settings.workload import Calls, LivenessProbe, Probes, ReadinessProbe, StartupProbe

PERIOD = 10
"""Seconds between two calls of the start-up probe (production-stack and KServe: 60 x 10 s)."""
CALL = 5
"""Seconds that one call of it may take: while the server loads, nothing listens and a call fails at once."""
READ_RATE = Memory(100 << 20)
"""Bytes per second at which weights are read from a cache that nothing is said of: 62 s for 27B in 16 bits were
measured from a local disk (kaito#2325); a shared file system is slower."""
FASTEST_READ = Memory(1500 << 20)
"""Bytes per second that one client reads from EFS at most (EFS user guide, quotas: 1,500 MiB/s)."""
LONGEST = 7200
"""Seconds of weights and warm-up; a start that takes longer is a start that hangs."""


@dataclass(frozen=True)
class Budget:
    """The parts of a start, each at most so long."""

    node: Duration
    image: Duration
    weights: Duration
    warm_up: Duration

    @property
    def loading(self) -> Duration:
        """What the start-up probe waits for."""
        return Duration(self.weights.seconds + self.warm_up.seconds)

    @property
    def total(self) -> Duration:
        """From the decision to start a pod on a new node to its first answer."""
        return Duration(self.node.seconds + self.image.seconds + self.loading.seconds)

    @property
    def failures(self) -> int:
        """Calls of the start-up probe that may fail. The first is made at once, so the last of n comes after n - 1
        periods: with one more than the budget holds, nothing is killed within it.
        """
        return -(-self.loading.seconds // PERIOD) + 1

    def __str__(self) -> str:
        return f"node {self.node} + image {self.image} + weights {self.weights} + warm-up {self.warm_up}"


def weights_time(size: Memory | None, stated: Duration | None) -> Duration:
    """How long reading the weights takes: as stated, else by their size. A larger model never gets less time."""
    if stated is not None:
        return stated
    return Duration(-(-size.bytes // READ_RATE.bytes) if size else 0)


def budget(settings: PlatformSettings, name: str, pool: str | None = None) -> Budget:
    """The start-up budget of a model on its pool, or on another one."""
    model = settings.models[name]
    spec = settings.node_pools.get(pool or model.pool)
    return Budget(
        node=spec.node_start_up if spec else Duration(0),
        image=model.start_up.image,
        weights=weights_time(weights_size(model.source), model.start_up.weights),
        warm_up=model.start_up.warm_up,
    )


def probes(settings: PlatformSettings, name: str) -> Probes:
    """The three probes of a model server, on the one path that its engine has (S003-03)."""
    model, start = settings.models[name], budget(settings, name)
    path, live, ready = model.engine.health, model.probes.liveness, model.probes.readiness
    return Probes(
        startup=StartupProbe(
            path=path,
            initial_delay=Duration(0),
            period=Duration(PERIOD),
            failures=min(start.failures, LONGEST // PERIOD + 1),
            timeout=Duration(CALL),
        ),
        liveness=LivenessProbe(path=path, **_calls(live)),
        readiness=ReadinessProbe(path=path, **_calls(ready)),
    )


def _calls(calls: Calls) -> dict[str, Any]:
    return {"period": calls.period, "failures": calls.failures, "timeout": calls.timeout}


def deadline(settings: PlatformSettings, name: str, pool: str) -> Duration:
    """How long one pod of a rollout may take until it serves: its node comes, or its predecessor leaves one; then
    image and start-up probe.
    """
    start = budget(settings, name, pool)
    place = max(start.node.seconds, drain.solve_model(settings, name).grace.seconds)
    return Duration(place + start.image.seconds + start.failures * PERIOD)


@dataclass(frozen=True)
class Outage:
    """How long a model can be away, and why."""

    time: Duration
    cause: str
    """What takes it away, for example "a reclaim of its spot node"."""
    parts: str
    """How `time` comes about."""
    lone: bool
    """True if one node is lost, which headroom stands in for; a zone of spot capacity takes headroom along."""


def outage(settings: PlatformSettings, name: str) -> Outage | None:
    """What the loss of one node, or of one zone of spot capacity, costs a model; None where others go on serving.

    Two replicas are none if all their nodes are of one zone's spot market: it takes them together.
    """
    model = settings.models[name]
    pool = settings.node_pools.get(model.pool)
    if pool is None or (model.floor is not None and model.floor.pool != model.pool):
        return None
    alone = model.fewest < 2
    spot = pool.capacity == "spot"
    if alone:
        cause = "a reclaim of its spot node" if spot else "a crash or an upgrade of its node"
        return _away(settings, name, cause, lone=True)
    if spot and len(set(pool.zones or settings.aws.zones)) == 1:
        return _away(settings, name, "a reclaim of the spot nodes of its one zone", lone=False)
    return None


def _away(settings: PlatformSettings, name: str, cause: str, *, lone: bool) -> Outage:
    """A start from nothing, or on a node that headroom keeps ready.

    A notice saves nothing of it: the drain begins with it, and a pod that is told to go leaves its Service at once
    (seen on a real control plane, tests/live/test_reclaim.py).
    """
    start = budget(settings, name)
    ready = lone and settings.node_pools[settings.models[name].pool].headroom is not None
    seconds, parts = start.total.seconds, str(start)
    if ready and _has_image(settings, name):
        seconds = start.loading.seconds
        parts = f"weights {start.weights} + warm-up {start.warm_up} on a node of the headroom"
    elif ready:
        seconds = start.image.seconds + start.loading.seconds
        parts = f"image {start.image} + weights {start.weights} + warm-up {start.warm_up} on a node of the headroom"
    return Outage(Duration(seconds), cause, parts, lone)


def _has_image(settings: PlatformSettings, name: str) -> bool:
    """True if the nodes of its pool's headroom have its image: they run that of the pool's largest model."""
    largest = largest_model(settings, settings.models[name].pool)
    shown = settings.models[str(largest.path[1])] if largest is not None else settings.models[name]
    return shown.engine.pinned_image == settings.models[name].engine.pinned_image
