"""Seed 003: namespaces, quotas, limit ranges, identity (S003-01 to 06, 30 to 38)."""

from __future__ import annotations

import pytest

from tests.conftest import planned
from tests.seeds import planned_object
from tests.support import STACKS

NAMESPACES = ["eval", "finetune", "llm-baseline", "observability", "platform", "quant"]
ON_AWS = ["dev", "prod", "staging"]
PLATFORM_QUOTA = {
    "requests.cpu": "4",
    "requests.memory": "8Gi",
    "limits.cpu": "12",  # the seed says 8; docs/decisions/0006-seed-003-values.md
    "limits.memory": "16Gi",
    "pods": "20",
    "services": "10",
    "configmaps": "20",
    "secrets": "20",
}
TEAM_QUOTA = {
    "requests.cpu": "8",
    "requests.memory": "16Gi",
    "limits.cpu": "16",
    "limits.memory": "32Gi",
    "pods": "15",
}
TEAM_LIMITS = {
    "type": "Container",
    "default": {"cpu": "1", "memory": "2Gi"},
    "defaultRequest": {"cpu": "250m", "memory": "512Mi"},
    "max": {"cpu": "4", "memory": "8Gi"},
    "min": {"cpu": "100m", "memory": "128Mi"},
}


@pytest.mark.requirement("S003-01")
@pytest.mark.parametrize("stack", STACKS)
def test_there_are_six_namespaces(stack: str) -> None:
    assert sorted(n.name for n in planned(stack).graph.of_kind("Namespace")) == NAMESPACES


@pytest.mark.requirement("S003-01", "S003-30")
@pytest.mark.parametrize("stack", STACKS)
def test_the_platform_namespace_is_of_tier_platform_and_says_who_manages_it(stack: str) -> None:
    labels = planned_object(stack, "Namespace platform").labels
    assert labels["tier"] == "platform"
    assert labels["app.kubernetes.io/managed-by"] == "pulumi"
    assert "team" not in labels


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(
    ("namespace", "team"),
    [
        pytest.param("quant", "quantization", marks=pytest.mark.requirement("S003-34")),
        pytest.param("finetune", "finetuning", marks=pytest.mark.requirement("S003-37")),
        pytest.param("eval", "evaluation", marks=pytest.mark.requirement("S003-38")),
    ],
)
def test_a_team_namespace_has_the_labels_the_quota_and_the_limit_range_of_quant(
    stack: str, namespace: str, team: str
) -> None:
    labels = planned_object(stack, f"Namespace {namespace}").labels
    assert (labels["tier"], labels["team"]) == ("team", team)
    assert labels["app.kubernetes.io/managed-by"] == "pulumi"
    quota = planned_object(stack, f"ResourceQuota {namespace}/{namespace}-quota")
    assert quota.spec == {"hard": TEAM_QUOTA}
    limits = planned_object(stack, f"LimitRange {namespace}/{namespace}-limits")
    assert limits.spec == {"limits": [TEAM_LIMITS]}


@pytest.mark.requirement("S003-31", "S003-32")
@pytest.mark.parametrize("stack", STACKS)
def test_the_platform_quota_holds_what_prod_can_ask_for(stack: str) -> None:
    assert planned_object(stack, "ResourceQuota platform/platform-quota").spec == {"hard": PLATFORM_QUOTA}


@pytest.mark.requirement("S003-31")
def test_a_platform_quota_of_eight_cpus_would_stop_the_gateway_under_its_ceiling() -> None:
    """Why S003-31 is decided otherwise: the numbers of the seed itself."""
    (container,) = planned_object("prod", "Deployment platform/gateway").containers
    most = planned_object("prod", "HorizontalPodAutoscaler platform/gateway-hpa").spec["maxReplicas"]
    surge = planned_object("prod", "Deployment platform/gateway").spec["strategy"]["rollingUpdate"]["maxSurge"]
    needed = (most + surge) * int(container["resources"]["limits"]["cpu"])
    assert 8 < needed <= int(PLATFORM_QUOTA["limits.cpu"])


@pytest.mark.requirement("S003-33")
@pytest.mark.parametrize("stack", STACKS)
def test_the_platform_limit_range_is_the_seeds(stack: str) -> None:
    assert planned_object(stack, "LimitRange platform/platform-limits").spec == {
        "limits": [
            {
                "type": "Container",
                "default": {"cpu": "500m", "memory": "512Mi"},
                "defaultRequest": {"cpu": "100m", "memory": "128Mi"},
                "max": {"cpu": "2", "memory": "4Gi"},
                "min": {"cpu": "50m", "memory": "64Mi"},
            }
        ]
    }


@pytest.mark.requirement("S003-35", "S003-36")
@pytest.mark.parametrize("stack", STACKS)
def test_the_quota_and_the_limit_range_of_quant_are_the_seeds(stack: str) -> None:
    assert planned_object(stack, "ResourceQuota quant/quant-quota").spec == {"hard": TEAM_QUOTA}
    assert planned_object(stack, "LimitRange quant/quant-limits").spec == {"limits": [TEAM_LIMITS]}


@pytest.mark.requirement("S003-04")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_namespace_has_a_quota_and_a_limit_range(stack: str, namespace: str) -> None:
    hard = planned_object(stack, f"ResourceQuota {namespace}/{namespace}-quota").spec["hard"]
    assert {"requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "pods"} <= set(hard)
    (limits,) = planned_object(stack, f"LimitRange {namespace}/{namespace}-limits").spec["limits"]
    assert set(limits) == {"type", "default", "defaultRequest", "max", "min"}


@pytest.mark.requirement("S003-05")
@pytest.mark.parametrize("stack", STACKS)
def test_gpus_in_llm_baseline_are_bounded_in_the_one_form_that_kubernetes_counts(stack: str) -> None:
    hard = planned_object(stack, "ResourceQuota llm-baseline/llm-baseline-quota").spec["hard"]
    assert hard["requests.nvidia.com/gpu"] == "10"  # eight that serve, and two that leave while others come
    assert "limits.nvidia.com/gpu" not in hard


@pytest.mark.requirement("S003-06", "S003-65", "S003-81")
@pytest.mark.parametrize("stack", ON_AWS)
def test_every_service_account_of_a_service_has_a_role_of_its_own_in_each_environment(stack: str) -> None:
    accounts = planned(stack).graph.of_kind("ServiceAccount")
    roles = {
        str(account): account.metadata["annotations"]["eks.amazonaws.com/role-arn"]
        for account in accounts
        if "annotations" in account.metadata
    }
    arn = f"arn:aws:iam::111122223333:role/llmplatform-{stack}"
    assert roles == {
        "ServiceAccount eval/eval-sa": f"{arn}-eval-api-irsa",
        "ServiceAccount finetune/finetune-sa": f"{arn}-finetune-api-irsa",
        "ServiceAccount platform/gateway-sa": f"{arn}-gateway-irsa",
        "ServiceAccount quant/quant-sa": f"{arn}-quant-api-irsa",
    }
    assert {str(account) for account in accounts} - set(roles) == {  # nothing of theirs is in AWS
        *(f"ServiceAccount llm-baseline/{name}-sa" for name in ("mistral-7b", "mistral-7b-awq", "mistral-7b-lora")),
        "ServiceAccount llm-baseline/judge-sa",
        "ServiceAccount llm-baseline/weights-sa",
        *(["ServiceAccount llm-baseline/gpu-spot-headroom"] if stack == "prod" else []),
    }


@pytest.mark.requirement("S003-53")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(
    ("workload", "account"),
    [
        ("platform/gateway", "gateway-sa"),
        ("quant/quant-api", "quant-sa"),
        ("finetune/finetune-api", "finetune-sa"),
        ("eval/eval-api", "eval-sa"),
    ],
)
def test_a_workload_runs_under_its_own_service_account(stack: str, workload: str, account: str) -> None:
    template = planned_object(stack, f"Deployment {workload}").template
    assert template is not None
    assert template["spec"]["serviceAccountName"] == account
    assert planned_object(stack, f"ServiceAccount {workload.split('/', maxsplit=1)[0]}/{account}").name == account
