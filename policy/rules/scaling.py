"""Replica counts: an autoscaler has room to move, and a drain can always go on (design rule 3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from policy.graph import Graph, KubernetesObject
from policy.reading import at, share, text, whole
from policy.rules.finding import Finding
from policy.rules.selectors import matches

SCALERS = ("HorizontalPodAutoscaler", "ScaledObject")
COUNTED = ("Deployment", "StatefulSet")
"""Workloads with a replica count."""

Target: TypeAlias = tuple[str, str | None, str]
"""Kind, namespace and name of a workload."""


def target(scaler: KubernetesObject) -> Target:
    """What an autoscaler scales; KEDA's means a Deployment where it names no kind."""
    kind, name = (text(at(scaler.spec, "scaleTargetRef", key)) for key in ("kind", "name"))
    return kind or "Deployment", scaler.namespace, name


def _range(scaler: KubernetesObject) -> tuple[int | None, int | None]:
    """Fewest and most replicas, with the API's defaults; None where that is not known yet."""
    if scaler.kind == "ScaledObject":
        return whole(scaler.spec.get("minReplicaCount"), 0), whole(scaler.spec.get("maxReplicaCount"), 100)
    return whole(scaler.spec.get("minReplicas"), 1), whole(scaler.spec.get("maxReplicas"))


def autoscalers(graph: Graph) -> list[Finding]:
    """Every autoscaler has a range that is one, and something to go by."""
    out = []
    for scaler in graph.of_kind(*SCALERS):
        least, most = _range(scaler)
        if least is not None and most is not None and least > most:
            out.append(Finding(str(scaler), f"its minimum {least} is above its maximum {most}", f"at most {most}"))
        if scaler.kind == "HorizontalPodAutoscaler" and least is not None and least < 1:
            reason = f"its minimum is {least}, and the API takes none below 1"
            out.append(Finding(str(scaler), reason, "1 or more; KEDA scales to zero"))
        if not scaler.spec.get("metrics" if scaler.kind == "HorizontalPodAutoscaler" else "triggers"):
            out.append(Finding(str(scaler), "it has nothing to scale on", "name at least one metric"))
    return out


def budgets(graph: Graph) -> list[Finding]:
    """A budget leaves a drain at least one pod to take when the autoscaler is at its minimum; several pods have one."""
    scalers = {target(scaler): scaler for scaler in graph.of_kind(*SCALERS)}
    counted = graph.of_kind(*COUNTED)
    found = graph.of_kind("PodDisruptionBudget")
    out = []
    for budget in found:
        guarded = [w for w in counted if _guards(budget, w)]
        floors = [_floor(w, scalers) for w in guarded]
        if guarded and None not in floors:
            out += [Finding(str(budget), *fault) for fault in _stuck(budget, max(1, sum(f or 0 for f in floors)))]
    for workload in counted:
        floor = _floor(workload, scalers)
        if floor is not None and floor > 1 and not any(_guards(budget, workload) for budget in found):
            reason = f"its {floor} pods have no disruption budget: one drain may take them all"
            out.append(Finding(str(workload), reason, "add a PodDisruptionBudget with maxUnavailable: 1"))
    return out


def _guards(budget: KubernetesObject, workload: KubernetesObject) -> bool:
    return budget.namespace == workload.namespace and matches(budget.spec.get("selector"), workload.pod_labels)


def _floor(workload: KubernetesObject, scalers: Mapping[Target, KubernetesObject]) -> int | None:
    """The fewest pods that its owner ever asks for; None where that is not known yet."""
    scaler = scalers.get((workload.kind, workload.namespace, workload.name))
    return whole(workload.spec.get("replicas"), 1) if scaler is None else _range(scaler)[0]


def _stuck(budget: KubernetesObject, floor: int) -> Iterator[tuple[str, str]]:
    """Why no pod could ever be evicted, with the fix."""
    stay, away = budget.spec.get("minAvailable"), budget.spec.get("maxUnavailable")
    fix = f"minAvailable: {floor - 1}" if floor > 1 else "maxUnavailable: 1, or more replicas"
    if (stay is None) == (away is None):
        which = "neither" if stay is None else "both"
        yield f"it gives {which} of minAvailable and maxUnavailable", "give one of the two"
    elif stay is not None and (staying := share(stay, floor)) is not None and staying >= floor:
        yield f"{stay} of {floor} pods must stay, so no drain can ever take one", fix
    elif away is not None and share(away, floor) == 0:
        yield f"{away} of {floor} pods may go, so no drain can ever take one", "maxUnavailable: 1"
