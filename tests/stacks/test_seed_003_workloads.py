"""Seed 003: the Deployments of the four HTTP services (S003-03, 21, 50 to 63, 72 to 79, 85, 86)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import planned
from tests.seeds import planned_object
from tests.support import STACKS

GATEWAY, QUANT = "Deployment platform/gateway", "Deployment quant/quant-api"
FINETUNE, EVAL = "Deployment finetune/finetune-api", "Deployment eval/eval-api"
ALL_FOUR = [GATEWAY, QUANT, FINETUNE, EVAL]
MODELS = [f"Deployment llm-baseline/{name}" for name in ("mistral-7b", "mistral-7b-awq", "mistral-7b-lora", "judge")]
SECURITY = {
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsUser": 10001,  # the seed says 1000; docs/decisions/0006-seed-003-values.md
    "runAsGroup": 10001,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}
DISK = "128Mi"
"""Ours: without a limit of local disk one pod can fill the node's."""


def pod(stack: str, thing: str) -> Any:
    """The pod spec of a Deployment."""
    template = planned_object(stack, thing).template
    assert template is not None
    return template["spec"]


def container(stack: str, thing: str) -> Any:
    """The only container of a Deployment."""
    (only,) = pod(stack, thing)["containers"]
    return only


@pytest.mark.requirement("S003-21", "S003-85", "S003-86")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(
    ("namespace", "name", "stem"),
    [
        ("platform", "gateway", "gateway"),
        ("quant", "quant-api", "quant"),
        ("finetune", "finetune-api", "finetune"),
        ("eval", "eval-api", "eval"),
    ],
)
def test_every_service_has_its_four_objects(stack: str, namespace: str, name: str, stem: str) -> None:
    for thing in ("Deployment {n}", "Service {n}", "ConfigMap {s}-config", "ServiceAccount {s}-sa"):
        kind, _, pattern = thing.partition(" ")
        assert planned_object(stack, f"{kind} {namespace}/{pattern.format(n=name, s=stem)}").namespace == namespace


@pytest.mark.requirement("S003-03")
@pytest.mark.parametrize("stack", STACKS)
def test_every_container_of_every_workload_has_all_three_probes(stack: str) -> None:
    """Every one that is there to answer. A download ends by itself, and a placeholder does nothing: neither has a port
    that a probe could ask on.
    """
    workloads = planned(stack).graph.workloads
    others = [w for w in workloads if w.kind == "Job" or w.labels["component"] == "headroom"]
    answering = [w for w in workloads if w not in others]
    assert sorted(str(w) for w in answering) == sorted([*ALL_FOUR, *MODELS])
    for workload in answering:
        for only in workload.containers:
            assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(only), str(workload)
    assert not [str(w) for w in others for container in w.containers if container.get("ports")]


@pytest.mark.requirement("S003-50")
@pytest.mark.parametrize("stack", STACKS)
def test_the_gateway_is_called_and_selected_as_in_the_seed(stack: str) -> None:
    deployment = planned_object(stack, GATEWAY)
    assert (deployment.labels["app"], deployment.labels["component"]) == ("gateway", "api")
    assert (deployment.pod_labels["app"], deployment.pod_labels["component"]) == ("gateway", "api")
    assert deployment.spec["selector"] == {"matchLabels": {"app": "gateway"}}


@pytest.mark.requirement("S003-72")
@pytest.mark.parametrize("stack", STACKS)
def test_quant_api_is_called_and_selected_as_in_the_seed(stack: str) -> None:
    deployment = planned_object(stack, QUANT)
    assert (deployment.labels["app"], deployment.labels["team"]) == ("quant-api", "quantization")
    assert (deployment.pod_labels["app"], deployment.pod_labels["team"]) == ("quant-api", "quantization")
    assert deployment.spec["selector"] == {"matchLabels": {"app": "quant-api"}}


@pytest.mark.requirement("S003-50", "S003-72")
@pytest.mark.parametrize("thing", [GATEWAY, QUANT])
def test_the_base_runs_two_replicas(thing: str) -> None:
    assert planned_object("staging", thing).spec["replicas"] == 2


@pytest.mark.requirement("S003-30", "S003-31", "S003-33", "S003-34", "S003-35", "S003-36", "S003-50", "S003-64")
@pytest.mark.requirement("S003-65", "S003-66", "S003-72", "S003-80", "S003-81", "S003-82")
@pytest.mark.parametrize("stack", STACKS)
def test_objects_are_of_the_api_versions_of_the_seed(stack: str) -> None:
    core = ("Namespace", "ResourceQuota", "LimitRange", "Service", "ServiceAccount", "ConfigMap")
    assert {o.manifest["apiVersion"] for o in planned(stack).graph.of_kind(*core)} == {"v1"}
    assert {o.manifest["apiVersion"] for o in planned(stack).graph.of_kind("Deployment")} == {"apps/v1"}


@pytest.mark.requirement("S003-51", "S003-73", "S003-85", "S003-86")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("thing", ALL_FOUR)
def test_a_rollout_adds_one_pod_and_takes_none(stack: str, thing: str) -> None:
    assert planned_object(stack, thing).spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
    }


@pytest.mark.requirement("S003-52", "S003-74")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("thing", ALL_FOUR)
def test_pods_say_where_they_are_scraped(stack: str, thing: str) -> None:
    template = planned_object(stack, thing).template
    assert template is not None
    annotations = template["metadata"]["annotations"]
    assert annotations["prometheus.io/scrape"] == "true"
    assert annotations["prometheus.io/port"] == "8000"
    assert annotations["prometheus.io/path"] == "/metrics"


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(
    ("thing", "settle", "longest", "grace"),
    [
        pytest.param(GATEWAY, 25, 60, 90, marks=pytest.mark.requirement("S003-54")),
        pytest.param(QUANT, 15, 30, 50, marks=pytest.mark.requirement("S003-73")),
        pytest.param(FINETUNE, 15, 60, 80, marks=pytest.mark.requirement("S003-85")),
        pytest.param(EVAL, 15, 45, 65, marks=pytest.mark.requirement("S003-86")),
    ],
)
def test_the_grace_period_holds_the_wait_and_the_longest_request(
    stack: str, thing: str, settle: int, longest: int, grace: int
) -> None:
    assert container(stack, thing)["lifecycle"] == {"preStop": {"sleep": {"seconds": settle}}}
    assert pod(stack, thing)["terminationGracePeriodSeconds"] == grace == settle + longest + 5


@pytest.mark.requirement("S003-55", "S003-75")
@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
@pytest.mark.parametrize("thing", ALL_FOUR)
def test_images_have_a_version_that_does_not_move(stack: str, thing: str) -> None:
    only = container(stack, thing)
    host = "111122223333.dkr.ecr.us-west-2.amazonaws.com"
    assert only["image"] == f"{host}/llmplatform-{stack}/{only['name']}:v1.0.0"
    assert only["imagePullPolicy"] == "Always"


@pytest.mark.requirement("S003-56", "S003-75")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("thing", ALL_FOUR)
def test_the_port_is_8000_and_called_http(stack: str, thing: str) -> None:
    assert container(stack, thing)["ports"] == [{"containerPort": 8000, "name": "http", "protocol": "TCP"}]


@pytest.mark.parametrize(
    ("stack", "thing", "requests", "limits"),
    [
        pytest.param("staging", GATEWAY, ("200m", "256Mi"), ("1", "1Gi"), marks=pytest.mark.requirement("S003-61")),
        pytest.param("prod", GATEWAY, ("200m", "256Mi"), ("1", "1Gi"), marks=pytest.mark.requirement("S003-61")),
        pytest.param(
            "dev", GATEWAY, ("200m", "256Mi"), ("500m", "512Mi"), marks=pytest.mark.requirement("S003-25", "S003-61")
        ),
        pytest.param("dev", QUANT, ("500m", "1Gi"), ("2", "4Gi"), marks=pytest.mark.requirement("S003-78")),
        pytest.param("staging", QUANT, ("500m", "1Gi"), ("2", "4Gi"), marks=pytest.mark.requirement("S003-78")),
        pytest.param("prod", QUANT, ("500m", "1Gi"), ("2", "4Gi"), marks=pytest.mark.requirement("S003-78")),
    ],
)
def test_resources_are_the_seeds(stack: str, thing: str, requests: tuple[str, str], limits: tuple[str, str]) -> None:
    found = container(stack, thing)["resources"]
    assert found["requests"] == {"cpu": requests[0], "memory": requests[1], "ephemeral-storage": DISK}
    assert found["limits"] == {"cpu": limits[0], "memory": limits[1], "ephemeral-storage": DISK}


@pytest.mark.requirement("S003-62", "S003-79")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("thing", ALL_FOUR)
def test_containers_are_restricted_and_can_still_write_to_tmp(stack: str, thing: str) -> None:
    assert container(stack, thing)["securityContext"] == SECURITY
    assert pod(stack, thing)["securityContext"] == {
        "fsGroup": 10001,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(stack, thing)["volumeMounts"] == [{"mountPath": "/tmp", "name": "tmp"}]
    assert pod(stack, thing)["volumes"] == [{"emptyDir": {"sizeLimit": "64Mi"}, "name": "tmp"}]


@pytest.mark.requirement("S003-63")
@pytest.mark.parametrize("stack", STACKS)
def test_gateway_pods_prefer_different_nodes(stack: str) -> None:
    term = {"labelSelector": {"matchLabels": {"app": "gateway"}}, "topologyKey": "kubernetes.io/hostname"}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    anti_affinity = {"preferredDuringSchedulingIgnoredDuringExecution": preferred}
    assert pod(stack, GATEWAY)["affinity"] == {"podAntiAffinity": anti_affinity}


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(
    ("stem", "team", "grace"),
    [
        pytest.param("finetune", "finetuning", 80, marks=pytest.mark.requirement("S003-85")),
        pytest.param("eval", "evaluation", 65, marks=pytest.mark.requirement("S003-86")),
    ],
)
def test_the_other_team_apis_have_the_shape_of_quant_api(stack: str, stem: str, team: str, grace: int) -> None:
    """The same Deployment under another name, but for the grace that follows from the longer route."""
    quant = planned_object(stack, QUANT)
    other = planned_object(stack, f"Deployment {stem}/{stem}-api")
    assert as_quant(other.labels, stem, team) == quant.labels
    theirs, ours = as_quant(other.spec, stem, team), as_quant(quant.spec, "quant", "quantization")
    assert theirs["template"]["spec"].pop("terminationGracePeriodSeconds") == grace
    assert ours["template"]["spec"].pop("terminationGracePeriodSeconds") == 50
    for spec in (theirs, ours):
        spec["template"]["metadata"]["annotations"].pop("llmplatform.dev/config-checksum")
    assert theirs == ours


def as_quant(value: Any, stem: str, team: str) -> Any:
    """A deep copy in which a team's names are quant's."""
    if isinstance(value, dict):
        return {key: as_quant(item, stem, team) for key, item in value.items()}
    if isinstance(value, list):
        return [as_quant(item, stem, team) for item in value]
    if not isinstance(value, str):
        return value
    return value.replace(team, "quantization").replace(f"{stem}-", "quant-")
