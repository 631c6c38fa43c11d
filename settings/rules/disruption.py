"""Disruption that can always drain (design rule 3), and rollouts that can always move."""

from __future__ import annotations

from settings.model import PlatformSettings
from settings.problems import Path, Problem
from settings.workload import Workload
from settings.workloads import workloads


def budget(settings: PlatformSettings) -> list[Problem]:
    """At the replica floor at least one eviction is allowed; otherwise a node drain never ends."""
    out = []
    for path, workload in workloads(settings):
        spec, floor = workload.disruption, workload.fewest
        at: Path = (*path, "disruption")
        if spec is None:
            continue
        if (spec.min_available is None) == (spec.max_unavailable is None):
            which = "neither" if spec.min_available is None else "both"
            reason = f"gives {which} of min_available and max_unavailable"
            fix = "give one of the two, for example max_unavailable: 1"
            fix += ", and null for the one that the platform file has" if which == "both" else ""
            out.append(Problem(path=at, reason=reason, fix=fix))
        elif spec.max_unavailable is not None and spec.max_unavailable >= floor > 1:
            out.append(
                Problem(
                    path=(*at, "max_unavailable"),
                    reason=f"{spec.max_unavailable} of {floor} replicas may be away: a drain may take all at once",
                    fix=f"at most {floor - 1} (the floor of scaling is {floor})",
                    strict=True,
                )
            )
        elif spec.min_available is not None and spec.min_available >= floor:
            fix = f"at most {floor - 1}" if floor > 1 else "max_unavailable: 1, or more replicas"
            out.append(
                Problem(
                    path=(*at, "min_available"),
                    reason=f"{spec.min_available} of {floor} replicas must stay, so no drain can ever take one",
                    fix=f"{fix} (the floor of scaling is {floor})",
                )
            )
    return out


def _said_elsewhere(path: Path, workload: Workload) -> bool:
    """True of a model of one replica: `outage` asks about its absence, whatever the cause; a surge needs a GPU more."""
    return path[0] == "models" and workload.fewest == 1


def rollout(settings: PlatformSettings) -> list[Problem]:
    """A rollout may add or remove at least one pod, and never takes away all of them."""
    out = []
    for path, workload in workloads(settings):
        spec, at, floor = workload.rollout, (*path, "rollout"), workload.fewest
        if spec.max_surge == 0 and spec.max_unavailable == 0:
            reason = "max_surge and max_unavailable are both 0: no rollout could ever move"
            out.append(Problem(path=at, reason=reason, fix="max_surge: 1"))
        if spec.max_unavailable >= floor and not _said_elsewhere(path, workload):
            out.append(
                Problem(
                    path=(*at, "max_unavailable"),
                    reason=f"{spec.max_unavailable} of {floor} replicas may be away in a rollout",
                    fix=f"at most {floor - 1}" + (", with max_surge: 1" if floor == 1 and not spec.max_surge else ""),
                    strict=True,
                )
            )
    return out
