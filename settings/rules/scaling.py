"""One owner per replica count, and an owner that can work (design rules 2 and 9)."""

from __future__ import annotations

from settings.model import PlatformSettings
from settings.problems import Path, Problem
from settings.workload import HpaScaling, ScalingDirection
from settings.workloads import workloads

MAX_WINDOW = 3600
MAX_PERIOD = 1800
"""Limits of autoscaling/v2 in seconds (kubernetes v1.36.3 pkg/apis/autoscaling/validation)."""
LEAST_SCALE_DOWN_WINDOW = 120
"""Seconds; scaling down faster than this thrashes (seed 001, S001-107)."""


def autoscaler(settings: PlatformSettings) -> list[Problem]:
    """An HPA has a range, at least one metric, and windows and rates that the API server accepts."""
    out = []
    for path, workload in workloads(settings):
        scaling = workload.scaling
        if not isinstance(scaling, HpaScaling):
            continue
        at: Path = (*path, "scaling")
        if scaling.min > scaling.max:
            fix = f"at most {scaling.max}"
            out.append(Problem(path=(*at, "min"), reason=f"{scaling.min} is above max, {scaling.max}", fix=fix))
        if scaling.min == scaling.max:
            reason = f"min and max are both {scaling.max}: the autoscaler can do nothing"
            out.append(Problem(path=(*at, "max"), reason=reason, fix=f"raise it, or say replicas: {scaling.max}"))
        if scaling.metrics.cpu is None and scaling.metrics.memory is None:
            fix = "for example metrics: {cpu: 70%}"
            out.append(Problem(path=(*at, "metrics"), reason="names no metric to scale on", fix=fix))
        for direction in ("scale_up", "scale_down"):
            out += _direction((*at, "behavior", direction), getattr(scaling.behavior, direction))
    return out


def _direction(at: Path, direction: ScalingDirection) -> list[Problem]:
    out = []
    if direction.window.seconds > MAX_WINDOW:
        out.append(
            Problem(path=(*at, "window"), reason=f"{direction.window} is above the API's limit 1h", fix="at most 1h")
        )
    if not direction.rates:
        fix = "for example rates: [{percent: 100%, period: 15s}]"
        out.append(Problem(path=(*at, "rates"), reason="is empty, so the count could never move this way", fix=fix))
    for index, rate in enumerate(direction.rates):
        here: Path = (*at, "rates", index)
        if (rate.percent is None) == (rate.pods is None):
            reason = "gives neither percent nor pods" if rate.percent is None else "gives both percent and pods"
            out.append(Problem(path=here, reason=reason, fix="give one of the two, for example {pods: 4, period: 15s}"))
        if not 1 <= rate.period.seconds <= MAX_PERIOD:
            fix = "for example 15s"
            out.append(Problem(path=(*here, "period"), reason=f"{rate.period} is outside 1s to 30m", fix=fix))
    return out


def stabilisation(settings: PlatformSettings) -> list[Problem]:
    """Scale-down waits long enough that a dip in traffic does not cost the pods that the next minute needs."""
    out = []
    for path, workload in workloads(settings):
        if isinstance(workload.scaling, HpaScaling):
            window = workload.scaling.behavior.scale_down.window
            if window.seconds < LEAST_SCALE_DOWN_WINDOW:
                out.append(
                    Problem(
                        path=(*path, "scaling", "behavior", "scale_down", "window"),
                        reason=f"{window} is under two minutes: the count would follow every dip in traffic",
                        fix="5m to 10m",
                        strict=True,
                    )
                )
    return out


def replicas(settings: PlatformSettings) -> list[Problem]:
    """Every service keeps at least two replicas: one alone is away at each drain, rollout and crash.

    What one replica of a model costs is measured in minutes, and there are other ways out: `outage` sees to them.
    """
    return [
        Problem(
            path=("services", name, "scaling", "replicas" if service.scaling.kind == "fixed" else "min"),
            reason="one replica is away at every drain, reclaim and crash",
            fix="at least 2",
            strict=True,
        )
        for name, service in settings.services.items()
        if service.scaling.floor < 2
    ]
