"""Controllers and add-ons: what is installed, where, in which version, after what and with which role."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policy.rules.ownership import deleted_with
from settings.charts import ADDONS, CHARTS, CLUSTER_AUTOSCALER_IMAGES
from tests.components.eks import (
    ACCOUNT,
    ALONE,
    CERTIFIED,
    DNS,
    MIRROR,
    ON_AWS,
    POD_IDENTITY,
    ZONE,
    Deploy,
    before,
    every,
    made,
    one,
    releases,
)
from tests.conftest import planned
from tests.support import EKS, World, kept

ADDON = "eks/addon:Addon"
USUAL = {
    "aws-load-balancer-controller",
    "cluster-autoscaler",
    "dcgm-exporter",
    "external-secrets",
    "nvidia-device-plugin",
}


def values(world: World, chart: str) -> Any:
    return releases(world.graph)[chart].inputs["values"]


def configuration(world: World, addon: str) -> Any:
    return json.loads(one(world.graph, ADDON, f"{addon}-addon").get("configurationValues", "{}"))


# What there is


def test_what_the_platform_needs_is_installed_and_nothing_else(deploy: Deploy, eks: World) -> None:
    assert set(releases(eks.graph)) == USUAL
    assert set(releases(kept(deploy, **DNS).graph)) == USUAL | {"external-dns"}


@pytest.mark.parametrize(
    ("chart", "changes"),
    [
        ("aws-load-balancer-controller", {"ingress__class_name": "nginx", "ingress__certificate_arn": None}),
        ("external-secrets", {path: value for path, value in ALONE.items() if path not in EKS}),
        ("cluster-autoscaler", {f"node_pools__{p}__min": n for p, n in (("general", 4), ("cheap", 4), ("gpu", 3))}),
    ],
)
def test_a_controller_without_work_is_not_installed(deploy: Deploy, chart: str, changes: dict[str, Any]) -> None:
    assert chart not in releases(deploy(**EKS, **changes).graph)


def test_only_the_load_balancers_ingress_outlives_its_cluster(deploy: Deploy) -> None:
    """The controller takes the load balancer away first; with another class nothing in AWS hangs on it."""
    of_alb = deploy(**EKS).object("Ingress", "door-ingress").resource
    other = deploy(**EKS, ingress__class_name="nginx", ingress__certificate_arn=None)
    assert of_alb.deleted_with is None
    assert "cluster:Cluster" in other.object("Ingress", "door-ingress").resource.deleted_with
    assert deleted_with(other.graph) == []


@pytest.mark.requirement("S003-15")
@pytest.mark.parametrize("stack", ON_AWS)
def test_the_load_balancer_controller_runs_in_kube_system_where_no_teams_quota_counts_it(stack: str) -> None:
    controller = releases(planned(stack).graph)["aws-load-balancer-controller"].inputs
    assert (controller["chart"], controller["namespace"]) == ("aws-load-balancer-controller", "kube-system")
    assert controller["values"]["clusterName"] == f"llmplatform-{stack}"


# How


def test_a_release_is_pinned_whole_or_not_at_all_and_in_kube_system(variant: World) -> None:
    (cluster,) = every(variant.graph, "eks/cluster:Cluster").values()
    for name, release in releases(variant.graph).items():
        found = release.inputs
        assert (found["name"], found["namespace"]) == (name, "kube-system")
        assert found["version"] == CHARTS[name].version
        assert (found["atomic"], found["cleanupOnFail"], found["timeout"]) == (True, True, 600)
        assert release.deleted_with == cluster.urn, "with the cluster it is gone too"


def test_charts_come_from_their_own_repositories(eks: World) -> None:
    for name, release in releases(eks.graph).items():
        assert release.inputs["chart"] == name
        assert release.inputs["repositoryOpts"] == {"repo": CHARTS[name].repository}


@pytest.mark.parametrize("mirror", ["oci://registry.example.com/charts", "./charts"])
def test_charts_come_from_the_mirror_that_the_settings_name(deploy: Deploy, mirror: str) -> None:
    world = kept(deploy, **MIRROR | {"cluster__charts": mirror})
    for name, release in releases(world.graph).items():
        assert release.inputs["chart"] == f"{mirror}/{name}"
        assert "repositoryOpts" not in release.inputs
        assert release.inputs["version"] == CHARTS[name].version


def test_a_release_comes_after_nodes_names_and_metrics_and_goes_before_them(eks: World) -> None:
    for release in releases(eks.graph).values():
        first = before(eks.graph, release)
        assert "aws:eks/nodeGroup:NodeGroup general-group" in first
        assert {f"aws:{ADDON} {a}-addon" for a in ("coredns", "metrics-server", "aws-ebs-csi-driver")} <= first
        assert "aws:eks/accessPolicyAssociation:AccessPolicyAssociation control-plane-deployer" in first


@pytest.mark.parametrize(
    "chart", ["aws-load-balancer-controller", "cluster-autoscaler", "external-dns", "external-secrets"]
)
def test_a_controller_that_calls_aws_has_a_role_for_its_service_account(deploy: Deploy, chart: str) -> None:
    world = kept(deploy, **CERTIFIED)
    told = values(world, chart)
    account = told["rbac"]["serviceAccount"] if chart == "cluster-autoscaler" else told["serviceAccount"]
    role = made("iam/role:Role", f"{chart}-access-role", "arn")
    assert account == {"create": True, "name": chart, "annotations": {"eks.amazonaws.com/role-arn": role}}
    assert f"aws:iam/rolePolicy:RolePolicy {chart}-access-policy" in before(world.graph, releases(world.graph)[chart])


def test_with_pod_identity_no_annotation_names_a_role_and_the_association_is_there_first(deploy: Deploy) -> None:
    world = kept(deploy, **POD_IDENTITY)
    assert values(world, "external-secrets")["serviceAccount"]["annotations"] == {}
    tie = "aws:eks/podIdentityAssociation:PodIdentityAssociation external-secrets-access-association"
    assert tie in before(world.graph, releases(world.graph)["external-secrets"])


def test_controllers_run_on_nodes_that_stay(eks: World) -> None:
    steady = {"llmplatform.dev/pool": "general"}
    for chart in ("aws-load-balancer-controller", "cluster-autoscaler", "external-secrets"):
        assert values(eks, chart)["nodeSelector"] == steady
    for addon in ("coredns", "metrics-server"):
        assert configuration(eks, addon)["nodeSelector"] == steady
    assert configuration(eks, "aws-ebs-csi-driver")["controller"]["nodeSelector"] == steady


# What each is told


def test_the_load_balancer_controller_asks_no_metadata_service(eks: World) -> None:
    told = values(eks, "aws-load-balancer-controller")
    assert (told["region"], told["vpcId"]) == ("us-west-2", made("ec2/vpc:Vpc", "network-vpc", "id"))


def test_every_ingress_and_every_namespace_behind_a_load_balancer_waits_for_the_controller(eks: World) -> None:
    controller = "kubernetes:helm.sh/v3:Release aws-load-balancer-controller"
    for ingress in eks.graph.of_kind("Ingress"):
        assert controller in before(eks.graph, ingress.resource)
    assert controller in before(eks.graph, eks.object("Namespace", "front").resource)


@pytest.mark.requirement("S001-70")
def test_the_autoscaler_finds_the_groups_of_its_cluster_and_may_make_them_larger(eks: World) -> None:
    told = values(eks, "cluster-autoscaler")
    assert told["cloudProvider"] == "aws"
    assert told["autoDiscovery"] == {"clusterName": "tiny-dev"}
    policy = json.loads(one(eks.graph, "iam/rolePolicy:RolePolicy", "cluster-autoscaler-access-policy")["policy"])
    (resize,) = [s for s in policy["Statement"] if "autoscaling:SetDesiredCapacity" in s["Action"]]
    assert resize["Resource"] == [
        f"arn:aws:autoscaling:us-west-2:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/eks-*"
    ]


@pytest.mark.requirement("S001-71")
def test_a_node_that_is_not_needed_for_ten_minutes_is_taken_away(eks: World) -> None:
    assert values(eks, "cluster-autoscaler")["extraArgs"]["scale-down-unneeded-time"] == "10m"


@pytest.mark.parametrize("minor", ["1.34", "1.35"])
def test_the_autoscaler_is_of_the_clusters_minor(deploy: Deploy, minor: str) -> None:
    world = deploy(**EKS, cluster__version=minor)
    assert values(world, "cluster-autoscaler")["image"]["tag"] == CLUSTER_AUTOSCALER_IMAGES[minor].value


def test_external_dns_sees_one_zone(deploy: Deploy) -> None:
    told = values(kept(deploy, **DNS), "external-dns")
    assert told["domainFilters"] == ["example.com"]
    assert told["extraArgs"]["zone-id-filter"] == ZONE
    assert told["txtOwnerId"] == "tiny-dev"


def test_a_store_is_made_for_the_secrets_that_are_read_of_it_and_comes_before_them(eks: World) -> None:
    store = eks.object("ClusterSecretStore", "vault")
    assert store.spec["provider"]["aws"] == {"region": "us-west-2", "service": "SecretsManager"}
    assert "kubernetes:helm.sh/v3:Release external-secrets" in before(eks.graph, store.resource)
    (read,) = eks.graph.of_kind("ExternalSecret")
    assert "kubernetes:external-secrets.io/v1:ClusterSecretStore vault-store" in before(eks.graph, read.resource)


# Add-ons


def test_add_ons_are_in_the_versions_of_the_table_and_take_back_what_was_edited_by_hand(eks: World) -> None:
    addons = every(eks.graph, ADDON)
    assert {name.removesuffix("-addon") for name in addons} == set(ADDONS)
    for name, addon in addons.items():
        assert addon.inputs["addonVersion"] == ADDONS[name.removesuffix("-addon")]["1.35"].value
        assert addon.inputs["resolveConflictsOnCreate"] == "NONE"
        assert addon.inputs["resolveConflictsOnUpdate"] == "OVERWRITE"


def test_what_runs_on_nodes_comes_after_them_and_what_makes_them_ready_before(eks: World) -> None:
    group = "aws:eks/nodeGroup:NodeGroup general-group"
    addons = every(eks.graph, ADDON)
    after = {name.removesuffix("-addon") for name, addon in addons.items() if group in before(eks.graph, addon)}
    assert after == {"coredns", "metrics-server", "aws-ebs-csi-driver", "aws-efs-csi-driver"}


def test_network_policies_are_enforced_and_pods_start_without_a_call_to_ec2(eks: World) -> None:
    told = configuration(eks, "vpc-cni")
    assert told["enableNetworkPolicy"] == "true"
    assert told["env"]["ENABLE_PREFIX_DELEGATION"] == "true"


def test_nothing_is_done_in_the_cluster_before_the_deployer_may(variant: World) -> None:
    entry = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation control-plane-deployer"
    inside = [r for r in variant.graph.resources if r.custom and r.type.startswith("kubernetes:")]
    assert inside
    assert [r.name for r in inside if entry not in before(variant.graph, r)] == []
