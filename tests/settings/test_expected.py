"""What the plan expects of the cluster: only what these settings need."""

from __future__ import annotations

from typing import Any

from settings.expected import expected
from tests.support import on_eks, resolved, tiny


def on_eks_told(**changes: Any) -> str:
    return "\n".join(f"{e.what}: {e.why}" for e in expected(resolved(on_eks(**changes)).settings))


def told(**changes: Any) -> str:
    return "\n".join(thing.what for thing in expected(resolved(tiny(**changes)).settings))


def test_gpus_are_expected_where_a_model_runs_on_them() -> None:
    without: dict[str, Any] = {"models__mind": None, "caches__store": None, "services__worker__calls": []}
    without |= {"services__door__routes__work__variants": None}
    for part in ("NVIDIA driver", "device plugin", "root volumes of at least 100Gi"):
        assert part in told(), part
        assert part not in told(**without), part


def test_a_node_autoscaler_is_expected_where_counts_differ() -> None:
    fixed = {
        "node_pools__gpu__min": 3,
        "node_pools__gpu__max": 3,
        "node_pools__cheap": None,
        "node_pools__general__max": 2,
    }
    assert "a node autoscaler" in told()
    assert "a node autoscaler" not in told(**fixed, node_pools__general__min=2)


def test_metrics_are_expected_where_an_autoscaler_reads_them() -> None:
    fixed = {"services__worker__scaling": None, "services__worker__replicas": 2}
    assert "metrics-server" in told()
    assert "metrics-server" not in told(**fixed)


def test_a_network_policy_is_worth_what_the_cluster_makes_of_it() -> None:
    assert "a CNI that enforces network policies" in told()


def test_a_cluster_of_this_program_expects_nothing_that_the_program_makes() -> None:
    made = ("nodes with", "autoscaler", "NVIDIA", "root volumes", "metrics-server", "CNI", "StorageClass")
    made += ("IngressClass", "External Secrets", "ClusterSecretStore")
    for part in made:
        assert part not in on_eks_told(), part


def test_a_cluster_of_this_program_expects_its_two_administrators_and_who_else_is_named() -> None:
    found = on_eks_told(cluster__access={"team": {"principal": "arn:aws:iam::999988887777:user/somebody"}})
    assert "IAM role arn:aws:iam::999988887777:role/deployer: runs `pulumi up`" in found
    assert "IAM role arn:aws:iam::999988887777:role/break-glass: " in found
    assert "IAM role or user arn:aws:iam::999988887777:user/somebody: access team" in found


def test_images_are_pushed_by_somebody_and_a_secret_is_put_into_its_store() -> None:
    assert "images pushed to ECR: door, worker, tag v1.2.3" in on_eks_told()
    assert "registry registry.example.com, open to the nodes" in on_eks_told(registry__host="registry.example.com")
    assert "secret tiny-dev/hugging-face-token in AWS Secrets Manager: store vault" in on_eks_told()
    assert "Secrets Manager" not in on_eks_told(hub__token=None)


def test_telemetry_is_run_by_somebody_else_anywhere() -> None:
    for found in (told(), on_eks_told()):
        assert "Service otel-collector:4317" in found
        assert "Service grafana:3000" in found


def test_host_names_lie_in_a_zone_or_are_published_by_somebody() -> None:
    zone = {"zone": "example.com", "zone_id": "Z0123456789ABCDEFGHIJ"}
    published = "DNS records that lead to the load balancer: of door.example.com, watch.example.com"
    assert published in on_eks_told()
    named = on_eks_told(cluster__dns=zone)
    assert published not in named
    assert "hosted zone example.com (Z0123456789ABCDEFGHIJ): records of door.example.com, watch.example.com" in named


def test_quotas_are_expected_where_nobody_has_said_them() -> None:
    assert "quota of" not in on_eks_told()
    found = on_eks_told(aws__quotas={"standard": 32, "standard_spot": 32})
    assert "quota of 28 vCPU for g_spot (L-3819A6DF): pools gpu at their most" in found


def test_a_bucket_for_the_load_balancers_log_is_expected_unless_it_is_ours() -> None:
    ours = "tiny-dev-doors-999988887777-us-west-2"
    bucket = {"doors": {"holds": "load-balancer-logs", "expire": 30}}
    assert f"S3 bucket {ours}" in on_eks_told(ingress__access_log={"bucket": ours})
    assert "S3 bucket" not in on_eks_told(ingress__access_log={"bucket": ours}, buckets=bucket)
    assert "S3 bucket" not in on_eks_told()


def test_another_ingress_class_is_expected_of_others_on_eks_too() -> None:
    assert "IngressClass nginx" in on_eks_told(ingress__class_name="nginx", ingress__certificate_arn=None)
