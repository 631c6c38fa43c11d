"""Seed 003: the gateway's autoscaler and the disruption budgets (S003-103 to 108)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import planned
from tests.seeds import planned_object

HPA = "HorizontalPodAutoscaler platform/gateway-hpa"


def utilisation(resource: str, percent: int) -> Any:
    """A metric of an HPA."""
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": resource, "target": target}}


def budgets(stack: str) -> dict[str, Any]:
    """Budget -> what of its spec is a number."""
    return {
        str(budget): {key: value for key, value in budget.spec.items() if isinstance(value, int)}
        for budget in planned(stack).graph.of_kind("PodDisruptionBudget")
    }


@pytest.mark.requirement("S003-103")
def test_prods_gateway_scales_from_three_to_ten() -> None:
    scaler = planned_object("prod", HPA)
    assert scaler.manifest["apiVersion"] == "autoscaling/v2"
    assert (scaler.spec["minReplicas"], scaler.spec["maxReplicas"]) == (3, 10)
    assert scaler.spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gateway"}


@pytest.mark.requirement("S003-103")
def test_the_platform_quota_admits_ten_gateways_and_a_rollout() -> None:
    hard = planned_object("prod", "ResourceQuota platform/platform-quota").spec["hard"]
    (gateway,) = planned_object("prod", "Deployment platform/gateway").containers
    assert 11 * int(gateway["resources"]["limits"]["cpu"]) <= int(hard["limits.cpu"])
    assert int(hard["pods"]) >= 11


@pytest.mark.requirement("S003-104")
def test_it_scales_on_cpu_and_memory() -> None:
    assert planned_object("prod", HPA).spec["metrics"] == [utilisation("cpu", 70), utilisation("memory", 80)]


@pytest.mark.requirement("S003-105")
def test_it_scales_down_by_a_tenth_a_minute_after_five_minutes() -> None:
    assert planned_object("prod", HPA).spec["behavior"]["scaleDown"] == {
        "stabilizationWindowSeconds": 300,
        "policies": [{"type": "Percent", "value": 10, "periodSeconds": 60}],
        "selectPolicy": "Max",
    }


@pytest.mark.requirement("S003-106")
def test_it_doubles_every_fifteen_seconds_after_a_minute() -> None:
    assert planned_object("prod", HPA).spec["behavior"]["scaleUp"] == {
        "stabilizationWindowSeconds": 60,
        "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
        "selectPolicy": "Max",
    }


@pytest.mark.requirement("S003-107", "S003-108")
def test_prods_budgets_keep_two_gateways_one_of_each_team_api_and_one_of_each_model_that_has_two() -> None:
    assert budgets("prod") == {
        "PodDisruptionBudget platform/gateway-pdb": {"minAvailable": 2},
        "PodDisruptionBudget quant/quant-api-pdb": {"minAvailable": 1},
        "PodDisruptionBudget finetune/finetune-api-pdb": {"minAvailable": 1},
        "PodDisruptionBudget eval/eval-api-pdb": {"minAvailable": 1},
        "PodDisruptionBudget llm-baseline/mistral-7b-pdb": {"maxUnavailable": 1},
        "PodDisruptionBudget llm-baseline/mistral-7b-awq-pdb": {"maxUnavailable": 1},
        "PodDisruptionBudget llm-baseline/mistral-7b-lora-pdb": {"maxUnavailable": 1},
    }
    assert planned_object("prod", "PodDisruptionBudget platform/gateway-pdb").manifest["apiVersion"] == "policy/v1"


@pytest.mark.requirement("S003-107", "S003-108")
@pytest.mark.parametrize(
    ("stack", "services"),
    [
        ("dev", ["quant/quant-api", "finetune/finetune-api", "eval/eval-api"]),
        ("staging", ["platform/gateway", "quant/quant-api", "finetune/finetune-api", "eval/eval-api"]),
        ("local", ["platform/gateway", "quant/quant-api", "finetune/finetune-api", "eval/eval-api"]),
    ],
)
def test_elsewhere_a_drain_takes_one_pod_at_a_time_of_whatever_has_several(stack: str, services: list[str]) -> None:
    assert budgets(stack) == {f"PodDisruptionBudget {service}-pdb": {"maxUnavailable": 1} for service in services}


@pytest.mark.requirement("S003-107")
@pytest.mark.parametrize("stack", ["dev", "staging", "prod", "local"])
def test_every_budget_lets_at_least_one_pod_go_at_the_fewest_replicas(stack: str) -> None:
    fewest = {"platform/gateway": 3} if stack == "prod" else {}
    for budget in planned(stack).graph.of_kind("PodDisruptionBudget"):
        workload = f"{budget.namespace}/{budget.name.removesuffix('-pdb')}"
        replicas = fewest.get(workload) or planned_object(stack, f"Deployment {workload}").spec["replicas"]
        assert replicas - budget.spec.get("minAvailable", replicas - 1) >= 1, str(budget)
