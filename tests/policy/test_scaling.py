"""Ranges of autoscalers, and budgets that a drain gets past: red cases and green neighbours."""

from __future__ import annotations

import pytest

from tests.policy.support import added, edited, said, without
from tests.support import REMOVE

HPA = "HorizontalPodAutoscaler platform/gateway-hpa"
PDB = "PodDisruptionBudget platform/gateway-pdb"
QUANT = "Deployment quant/quant-api"


def scaled_object(**spec: object) -> dict[str, object]:
    metadata = {"name": "gateway", "namespace": "platform"}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": metadata,
        "spec": {"scaleTargetRef": {"name": "gateway"}, "triggers": [{"type": "cpu"}], **spec},
    }


RANGES = {
    "upside down": (("spec minReplicas", 11), f"{HPA}: its minimum 11 is above its maximum 10"),
    "from zero": (("spec minReplicas", 0), f"{HPA}: its minimum is 0, and the API takes none below 1"),
    "on nothing": (("spec metrics", []), f"{HPA}: it has nothing to scale on"),
}


@pytest.mark.parametrize(("change", "finds"), RANGES.values(), ids=RANGES)
def test_an_autoscaler_that_cannot_move_is_named(prod, change, finds) -> None:
    assert said("scale-ranges", edited(prod, HPA, *change)) == [finds]


@pytest.mark.parametrize("minimum", [10, 1, 3.0, REMOVE, "${config x.min}"])
def test_an_autoscaler_that_can_move_is_left_alone(prod, minimum) -> None:
    assert said("scale-ranges", edited(prod, HPA, "spec minReplicas", minimum)) == []


def test_keda_scales_from_zero_to_a_hundred_by_default(prod) -> None:
    base = without(prod, HPA)
    assert said("scale-ranges", added(base, scaled_object())) == []
    assert said("scale-ranges", added(base, scaled_object(minReplicaCount=101))) == [
        "ScaledObject platform/gateway: its minimum 101 is above its maximum 100"
    ]


BUDGETS = {
    "as many as the autoscaler's minimum": ("minAvailable", 3, "3 of 3 pods must stay, so no drain can ever take one"),
    "all": ("minAvailable", "100%", "100% of 3 pods must stay, so no drain can ever take one"),
    "a share that rounds up to all": ("minAvailable", "67%", "67% of 3 pods must stay, so no drain can ever take one"),
    "none may go": ("maxUnavailable", 0, "0 of 3 pods may go, so no drain can ever take one"),
    "no share may go": ("maxUnavailable", "0%", "0% of 3 pods may go, so no drain can ever take one"),
}
BUDGETS_GREEN = [("minAvailable", 2), ("minAvailable", "66%"), ("maxUnavailable", 1), ("maxUnavailable", "1%")]


@pytest.mark.parametrize(("key", "value", "reason"), BUDGETS.values(), ids=BUDGETS)
def test_a_budget_that_no_drain_gets_past_is_named(prod, key, value, reason) -> None:
    graph = edited(edited(prod, PDB, "spec minAvailable", REMOVE), PDB, f"spec {key}", value)
    assert said("drainable", graph) == [f"{PDB}: {reason}"]


@pytest.mark.parametrize(("key", "value"), BUDGETS_GREEN)
def test_a_budget_that_lets_a_pod_go_is_left_alone(prod, key, value) -> None:
    graph = edited(edited(prod, PDB, "spec minAvailable", REMOVE), PDB, f"spec {key}", value)
    assert said("drainable", graph) == []


def test_the_minimum_counts_and_not_what_runs_today(prod) -> None:
    assert said("drainable", edited(prod, HPA, "spec minReplicas", 2)) == [
        f"{PDB}: 2 of 2 pods must stay, so no drain can ever take one"
    ]


def test_a_fixed_count_is_its_own_minimum(prod) -> None:
    budget = "PodDisruptionBudget quant/quant-api-pdb"
    assert said("drainable", edited(prod, QUANT, "spec replicas", 1)) == [
        f"{budget}: 1 of 1 pods must stay, so no drain can ever take one"
    ]
    assert said("drainable", edited(prod, QUANT, "spec replicas", 2)) == []


def test_from_zero_pods_the_first_one_counts(prod) -> None:
    graph = added(without(prod, HPA), scaled_object(minReplicaCount=0))
    assert said("drainable", edited(graph, PDB, "spec minAvailable", 1)) == [
        f"{PDB}: 1 of 1 pods must stay, so no drain can ever take one"
    ]


@pytest.mark.parametrize(
    ("change", "which"), [(("spec minAvailable", REMOVE), "neither"), (("spec maxUnavailable", 1), "both")]
)
def test_a_budget_says_one_thing(prod, change, which) -> None:
    assert said("drainable", edited(prod, PDB, *change)) == [
        f"{PDB}: it gives {which} of minAvailable and maxUnavailable"
    ]


def test_what_is_not_known_yet_is_not_judged(prod) -> None:
    assert said("drainable", edited(prod, PDB, "spec minAvailable", "${config x.min}")) == []
    assert said("drainable", edited(prod, HPA, "spec minReplicas", "${config x.min}")) == []


def test_several_pods_without_a_budget_are_named(prod) -> None:
    graph = without(prod, "PodDisruptionBudget quant/quant-api-pdb")
    reason = "its 3 pods have no disruption budget: one drain may take them all"
    assert said("drainable", graph) == [f"{QUANT}: {reason}"]
    assert said("drainable", edited(graph, QUANT, "spec replicas", 1)) == []


def test_a_budget_of_another_namespace_guards_nobody_here(prod) -> None:
    graph = edited(prod, "PodDisruptionBudget quant/quant-api-pdb", "metadata namespace", "eval")
    assert f"{QUANT}: its 3 pods have no disruption budget: one drain may take them all" in said("drainable", graph)
