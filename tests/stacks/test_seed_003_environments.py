"""Seed 003: what base, dev, staging and prod share and where they differ (S003-02, 25 to 27, 93 to 102)."""

from __future__ import annotations

import pytest

from tests.conftest import planned
from tests.seeds import planned_object
from tests.support import STACKS, stack_file

SERVICES = ["platform/gateway", "quant/quant-api", "finetune/finetune-api", "eval/eval-api"]
MODELS = [f"llm-baseline/{name}" for name in ("mistral-7b", "mistral-7b-awq", "mistral-7b-lora", "judge")]
CONFIGS = ["platform/gateway-config", "quant/quant-config", "finetune/finetune-config", "eval/eval-config"]
HOST = "111122223333.dkr.ecr.us-west-2.amazonaws.com"


def replicas(stack: str) -> dict[str, int | None]:
    """Service -> its replicas; None where an autoscaler owns them."""
    return {name: planned_object(stack, f"Deployment {name}").spec.get("replicas") for name in SERVICES}


def images(stack: str) -> list[str]:
    """The images of the four services."""
    return [planned_object(stack, f"Deployment {name}").containers[0]["image"] for name in SERVICES]


@pytest.mark.requirement("S003-02")
@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_every_environment_is_an_overlay_of_one_base(stack: str) -> None:
    overlay = stack_file(stack).overlay.data
    assert (overlay["base"], overlay["environment"]) == ("llm-optimization", stack)
    names = {str(thing) for thing in planned(stack).graph.objects}
    assert {f"Deployment {service}" for service in SERVICES} <= names


@pytest.mark.requirement("S003-25")
def test_dev_runs_one_small_gateway_behind_its_own_host() -> None:
    assert replicas("dev") == {
        "platform/gateway": 1,
        "quant/quant-api": 2,
        "finetune/finetune-api": 2,
        "eval/eval-api": 2,
    }
    (gateway,) = planned_object("dev", "Deployment platform/gateway").containers
    assert (gateway["resources"]["limits"]["cpu"], gateway["resources"]["limits"]["memory"]) == ("500m", "512Mi")
    assert planned("dev").graph.outputs["public_urls"]["gateway"].endswith("//api.dev.llmplatform.dev")


@pytest.mark.requirement("S003-26")
def test_staging_is_the_base_with_its_hosts_and_a_certificate() -> None:
    assert set(stack_file("staging").overlay.data) == {
        "base",
        "environment",
        "aws",
        "cluster",
        "ingress",
        "observability",
        "services",
    }
    assert set(stack_file("staging").overlay.data["ingress"]) == {"certificate_arn"}
    assert stack_file("staging").overlay.data["services"] == {
        "gateway": {"ingress": {"host": "api.staging.llmplatform.dev"}}
    }
    assert stack_file("staging").overlay.data["observability"] == {
        "grafana": {"host": "grafana.staging.llmplatform.dev"}
    }
    assert set(replicas("staging").values()) == {2}
    assert planned("staging").graph.of_kind("HorizontalPodAutoscaler") == ()


@pytest.mark.requirement("S003-27")
def test_prod_differs_in_replicas_hpa_budgets_headroom_and_ingress_and_not_in_limits() -> None:
    prod, staging = ({str(o) for o in planned(stack).graph.objects} for stack in ("prod", "staging"))
    assert staging <= prod
    assert prod - staging == {
        "HorizontalPodAutoscaler platform/gateway-hpa",
        "PodDisruptionBudget llm-baseline/mistral-7b-pdb",  # of models that have a second replica
        "PodDisruptionBudget llm-baseline/mistral-7b-awq-pdb",
        "PodDisruptionBudget llm-baseline/mistral-7b-lora-pdb",
        "Deployment llm-baseline/gpu-spot-headroom",  # a node that stands ready
        "NetworkPolicy llm-baseline/gpu-spot-headroom",
        "ServiceAccount llm-baseline/gpu-spot-headroom",
    }
    assert replicas("prod") != replicas("staging")
    for kind, name in (("PodDisruptionBudget", "gateway-pdb"), ("Ingress", "platform-ingress")):
        thing = f"{kind} platform/{name}"
        assert planned_object("prod", thing).spec != planned_object("staging", thing).spec
    for workload in (*SERVICES, *MODELS):
        ours, theirs = (planned_object(s, f"Deployment {workload}").containers[0] for s in ("prod", "staging"))
        assert ours["resources"] == theirs["resources"]


@pytest.mark.requirement("S003-93")
@pytest.mark.parametrize("stack", STACKS)
def test_every_object_and_every_pod_has_the_common_labels(stack: str) -> None:
    for thing in planned(stack).graph.objects:
        for labels in (thing.labels, thing.pod_labels) if thing.template else (thing.labels,):
            assert labels["app.kubernetes.io/part-of"] == "llm-optimization-platform", str(thing)
            assert labels["app.kubernetes.io/managed-by"] == "pulumi", str(thing)


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param("dev", marks=pytest.mark.requirement("S003-94")),
        pytest.param("prod", marks=pytest.mark.requirement("S003-97")),
        "staging",
        "local",
    ],
)
def test_every_object_and_every_pod_says_its_environment(environment: str) -> None:
    for thing in planned(environment).graph.objects:
        assert thing.labels["environment"] == environment, str(thing)
        assert not thing.template or thing.pod_labels["environment"] == environment, str(thing)


@pytest.mark.requirement("S003-93", "S003-94", "S003-97")
@pytest.mark.parametrize("stack", STACKS)
def test_selectors_hold_the_app_alone(stack: str) -> None:
    for service in SERVICES:
        app = {"app": service.partition("/")[2]}
        assert planned_object(stack, f"Deployment {service}").spec["selector"] == {"matchLabels": app}
        assert planned_object(stack, f"Service {service}").spec["selector"] == app
    for budget in planned(stack).graph.of_kind("PodDisruptionBudget"):
        assert budget.spec["selector"] == {"matchLabels": {"app": budget.name.removesuffix("-pdb")}}


@pytest.mark.requirement("S003-95")
def test_dev_takes_its_images_from_devs_registry_with_a_tag_that_stays() -> None:
    names = ("gateway", "quant-api", "finetune-api", "eval-api")
    assert images("dev") == [f"{HOST}/llmplatform-dev/{name}:v1.0.0" for name in names]


@pytest.mark.requirement("S003-100")
def test_prod_takes_v1_0_0_from_prods_registry() -> None:
    names = ("gateway", "quant-api", "finetune-api", "eval-api")
    assert images("prod") == [f"{HOST}/llmplatform-prod/{name}:v1.0.0" for name in names]


@pytest.mark.parametrize(
    ("stack", "level"),
    [
        pytest.param("dev", "DEBUG", marks=pytest.mark.requirement("S003-96")),
        pytest.param("prod", "INFO", marks=pytest.mark.requirement("S003-101")),
        ("staging", "INFO"),
    ],
)
def test_the_log_level_is_the_environments(stack: str, level: str) -> None:
    for config in CONFIGS:
        assert planned_object(stack, f"ConfigMap {config}").manifest["data"]["LOG_LEVEL"] == level


@pytest.mark.requirement("S003-98")
def test_prod_leaves_the_gateways_replicas_to_its_autoscaler() -> None:
    assert "replicas" not in planned_object("prod", "Deployment platform/gateway").spec
    target = planned_object("prod", "HorizontalPodAutoscaler platform/gateway-hpa").spec["scaleTargetRef"]
    assert target == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gateway"}


@pytest.mark.requirement("S003-99")
def test_prod_runs_three_of_each_team_api() -> None:
    assert replicas("prod") == {
        "platform/gateway": None,
        "quant/quant-api": 3,
        "finetune/finetune-api": 3,
        "eval/eval-api": 3,
    }


@pytest.mark.requirement("S003-102")
def test_prod_has_an_ingress_with_its_own_host_and_certificate() -> None:
    ingress = planned_object("prod", "Ingress platform/platform-ingress")
    assert [rule["host"] for rule in ingress.spec["rules"]] == ["api.llmplatform.dev"]
    assert ingress.metadata["annotations"]["alb.ingress.kubernetes.io/certificate-arn"].startswith("arn:aws:acm:")
