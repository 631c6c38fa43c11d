"""HttpService: what a team's few lines become."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from components.serving.http_service import checksum
from policy.graph import SECRET
from tests.support import REMOVE, World

Deploy = Callable[..., World]


ALB = "alb.ingress.kubernetes.io"
ATTRIBUTES = {
    "access_logs.s3.enabled": "false",
    "deletion_protection.enabled": "false",
    "routing.http.drop_invalid_header_fields.enabled": "true",
}
"""What the load balancer is told beside its idle timeout."""


def attributes(annotations: dict[str, str]) -> dict[str, str]:
    return dict(part.split("=") for part in annotations[f"{ALB}/load-balancer-attributes"].split(","))


def pod(world: World, name: str) -> dict[str, Any]:
    template = world.object("Deployment", name).template
    assert template is not None
    spec: dict[str, Any] = template["spec"]
    return spec


def container(world: World, name: str) -> dict[str, Any]:
    (only,) = pod(world, name)["containers"]
    return only


def test_replicas_are_set_where_they_are_fixed_and_left_out_where_an_autoscaler_owns_them(deploy: Deploy) -> None:
    world = deploy()
    assert world.object("Deployment", "door").spec["replicas"] == 2
    assert "replicas" not in world.object("Deployment", "worker").spec
    assert world.object("HorizontalPodAutoscaler", "worker-hpa").spec["minReplicas"] == 2


def test_a_changed_variable_rolls_the_pods_and_nothing_else(deploy: Deploy) -> None:
    before = deploy().graph
    after = deploy(services__worker__config={"MODE": "bold"}).graph
    changed = [a.name for b, a in zip(before.resources, after.resources, strict=True) if a.inputs != b.inputs]
    assert sorted(changed) == ["worker-config", "worker-deployment"]
    assert checksum({"a": "1", "b": "2"}) == checksum({"b": "2", "a": "1"}) != checksum({"a": "1", "b": "3"})


def test_secrets_are_files_of_the_pods_group_and_never_variables(deploy: Deploy) -> None:
    world = deploy()
    secret = world.object("Secret", "worker-secrets", "back")
    assert secret.manifest["stringData"] == SECRET or secret.manifest["stringData"] == {"api-key": SECRET}
    volume = {v["name"]: v for v in pod(world, "worker")["volumes"]}["secrets"]
    assert volume["secret"] == {"secretName": "worker-secrets", "defaultMode": 0o440}
    mounts = {m["name"]: m for m in container(world, "worker")["volumeMounts"]}
    assert mounts["secrets"] == {"name": "secrets", "mountPath": "/etc/secrets", "readOnly": True}
    assert container(world, "worker")["envFrom"] == [{"configMapRef": {"name": "worker-config"}}]
    assert [o.name for o in world.graph.of_kind("Secret")] == ["worker-secrets"], "none where none is named"


def test_a_tainted_pool_is_selected_and_tolerated_and_no_other_taint_is(deploy: Deploy) -> None:
    world = deploy(services__worker__pool="cheap")
    assert pod(world, "worker")["nodeSelector"] == {"llmplatform.dev/pool": "cheap"}
    tolerations = [{"effect": "NoSchedule", "key": "tiny/spot", "operator": "Equal", "value": "present"}]
    assert pod(world, "worker")["tolerations"] == tolerations
    assert "tolerations" not in pod(world, "door")


def test_a_service_without_a_pool_may_run_on_any_node_without_a_taint(deploy: Deploy) -> None:
    world = deploy(services__door__pool=None)
    assert "nodeSelector" not in pod(world, "door")
    assert "tolerations" not in pod(world, "door")


def test_the_role_is_annotated_for_irsa_only(deploy: Deploy) -> None:
    key = "eks.amazonaws.com/role-arn"
    account = deploy().object("ServiceAccount", "door-sa")
    assert account.metadata["annotations"][key] == "arn:aws:iam::999988887777:role/tiny-dev-door-irsa"
    assert account.manifest["automountServiceAccountToken"] is False
    by_agent = deploy(aws__identity="pod-identity").object("ServiceAccount", "door-sa")
    assert "annotations" not in by_agent.metadata


@pytest.mark.parametrize(
    ("region", "arn", "host"),
    [
        ("cn-north-1", "arn:aws-cn:iam::999988887777:role/tiny-dev-door-irsa", "amazonaws.com.cn"),
        ("us-gov-west-1", "arn:aws-us-gov:iam::999988887777:role/tiny-dev-door-irsa", "amazonaws.com"),
    ],
)
def test_arns_and_registries_follow_the_partition(deploy: Deploy, region: str, arn: str, host: str) -> None:
    zones = [f"{region}a", f"{region}b"]
    certificate = f"{arn[: arn.index('iam')]}acm:{region}:999988887777:certificate/12345678-1234-1234-1234-123456789012"
    world = deploy(aws__region=region, aws__zones=zones, ingress__certificate_arn=certificate)
    account = world.object("ServiceAccount", "door-sa")
    assert account.metadata["annotations"]["eks.amazonaws.com/role-arn"] == arn
    assert container(world, "door")["image"] == f"999988887777.dkr.ecr.{region}.{host}/tiny-dev/door:v1.2.3"


def test_a_digest_is_part_of_the_image(deploy: Deploy) -> None:
    digest = "sha256:" + "a" * 64
    world = deploy(services__door__image={"digest": digest})
    assert container(world, "door")["image"].endswith(f"/tiny-dev/door:v1.2.3@{digest}")


def test_the_priority_class_is_made_first(deploy: Deploy) -> None:
    world = deploy()
    deployment = world.object("Deployment", "door")
    assert pod(world, "door")["priorityClassName"] == "serving"
    assert world.object("PriorityClass", "serving").resource.urn in deployment.resource.dependencies
    assert world.object("PriorityClass", "serving").manifest["globalDefault"] is False
    never = deploy(priorities__serving={"preempts": False}).object("PriorityClass", "serving")
    assert never.manifest["preemptionPolicy"] == "Never"


def test_the_progress_deadline_covers_a_new_node_and_the_whole_start_up(deploy: Deploy) -> None:
    assert deploy().object("Deployment", "door").spec["progressDeadlineSeconds"] == 600
    slow = {"startup": {"path": "/startup", "period": "10s", "failures": 90, "initial_delay": "5s"}}
    world = deploy(services__door__probes=slow)
    assert world.object("Deployment", "door").spec["progressDeadlineSeconds"] == 180 + 5 + 900


def test_the_grace_holds_the_drain_and_the_pre_stop_hook_waits_for_the_load_balancer(deploy: Deploy) -> None:
    world = deploy()
    assert container(world, "door")["lifecycle"] == {"preStop": {"sleep": {"seconds": 25}}}
    assert pod(world, "door")["terminationGracePeriodSeconds"] == 25 + 30 + 5
    assert container(world, "worker")["lifecycle"] == {"preStop": {"sleep": {"seconds": 15}}}
    annotations = world.object("Ingress", "door-ingress").metadata["annotations"]
    assert annotations[f"{ALB}/target-group-attributes"] == "deregistration_delay.timeout_seconds=30"
    assert attributes(annotations) == {**ATTRIBUTES, "idle_timeout.timeout_seconds": "40"}


def test_ingresses_of_one_group_agree_on_the_load_balancer(deploy: Deploy) -> None:
    world = deploy(services__worker__ingress={"host": "worker.example.com"}, services__worker__longest_request="50s")
    every = [ingress.metadata["annotations"] for ingress in world.graph.of_kind("Ingress")]
    assert len(every) == 3  # Grafana's, too
    assert [attributes(one) for one in every] == [{**ATTRIBUTES, "idle_timeout.timeout_seconds": "60"}] * 3


def test_an_ingress_of_another_class_carries_no_annotations_of_the_alb(deploy: Deploy) -> None:
    ingress = deploy(ingress__class_name="nginx", ingress__certificate_arn=None).object("Ingress", "door-ingress")
    assert ingress.spec["ingressClassName"] == "nginx"
    assert "annotations" not in ingress.metadata


def test_plain_http_is_all_there_is_without_a_certificate(deploy: Deploy) -> None:
    annotations = deploy(ingress__certificate_arn=None).object("Ingress", "door-ingress").metadata["annotations"]
    assert annotations["alb.ingress.kubernetes.io/listen-ports"] == '[{"HTTP": 80}]'
    assert not [key for key in annotations if "certificate" in key or "redirect" in key]


def test_one_replica_has_no_budget_and_more_have_one_that_lets_a_pod_go(deploy: Deploy) -> None:
    world = deploy(services__door__replicas=1)
    assert [b.name for b in world.graph.of_kind("PodDisruptionBudget")] == ["mind-pdb", "worker-pdb"]
    budget = deploy().object("PodDisruptionBudget", "door-pdb").spec
    assert budget["maxUnavailable"] == 1
    assert "minAvailable" not in budget
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_one_replica_that_may_become_more_has_a_budget_for_that_time(deploy: Deploy) -> None:
    scaling = {"kind": "hpa", "min": 1, "max": 2, "metrics": {"cpu": "70%"}}
    world = deploy(services__door__replicas=REMOVE, services__door__scaling=scaling)
    assert world.object("PodDisruptionBudget", "door-pdb").spec["maxUnavailable"] == 1


def test_variables_hold_routes_models_sagemaker_and_telemetry(deploy: Deploy) -> None:
    world = deploy()
    worker = world.object("ConfigMap", "worker-config").manifest["data"]
    assert worker["MIND_URL"] == "http://mind.back.svc.cluster.local:9000/v1"
    assert worker["SAGEMAKER_ENDPOINT_NAME"] == "worker-endpoint"
    assert worker["SAGEMAKER_TIMEOUT_MS"] == "20000"
    door = world.object("ConfigMap", "door-config").manifest["data"]
    assert door["WORK_SERVICE_URL"] == "http://worker.back.svc.cluster.local"
    assert '"blue": {\n        "weight": 70' in door["ROUTE_TABLE"]
    silent = deploy(observability=None).object("ConfigMap", "door-config").manifest["data"]
    assert not [key for key in silent if key.startswith("OTEL_")]


def test_another_service_port_stands_in_every_url(deploy: Deploy) -> None:
    world = deploy(services__worker__service_port=8080)
    assert world.object("Service", "worker").spec["ports"][0]["port"] == 8080
    door = world.object("ConfigMap", "door-config").manifest["data"]
    assert door["WORK_SERVICE_URL"] == "http://worker.back.svc.cluster.local:8080"
    assert '"url": "http://worker.back.svc.cluster.local:8080"' in door["ROUTE_TABLE"]
