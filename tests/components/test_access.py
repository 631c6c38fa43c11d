"""Who may do what in AWS: one role for each ServiceAccount, and in no document a right that is wider than its use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from policy.graph import Graph, Resource
from tests.components.eks import (
    ACCOUNT,
    CERTIFIED,
    CONDITIONED,
    MAY,
    ON_AWS,
    PERMISSIONS,
    POD_IDENTITY,
    ZONE,
    Deploy,
    allowed,
    before,
    documents,
    every,
    made,
    one,
    trust,
    trusts,
)
from tests.conftest import planned
from tests.support import EKS, World, kept

CLUSTER = "eks/cluster:Cluster"
ISSUER = made(CLUSTER, "control-plane-cluster", "identities[0].oidcs[0].issuer")
PROVIDER = made("iam/openIdConnectProvider:OpenIdConnectProvider", "control-plane-oidc", "arn")
ROLE = "iam/role:Role"
POLICY, ATTACHMENT = "iam/rolePolicy:RolePolicy", "iam/rolePolicyAttachment:RolePolicyAttachment"
PODS = {
    "tiny-dev-aws-ebs-csi-driver": ("kube-system", "ebs-csi-controller-sa"),
    "tiny-dev-aws-efs-csi-driver": ("kube-system", "efs-csi-controller-sa"),
    "tiny-dev-aws-load-balancer-controller": ("kube-system", "aws-load-balancer-controller"),
    "tiny-dev-cluster-autoscaler": ("kube-system", "cluster-autoscaler"),
    "tiny-dev-door-irsa": ("front", "door-sa"),
    "tiny-dev-external-secrets": ("kube-system", "external-secrets"),
    "tiny-dev-vpc-cni": ("kube-system", "aws-node"),
    "tiny-dev-worker-irsa": ("back", "worker-sa"),
}
"""Role -> the ServiceAccount of the pods that take it."""
SERVICES = {"tiny-dev-cluster", "tiny-dev-flow-logs", "tiny-dev-nodes"}
"""Roles that AWS's services take."""
LOOKS = re.compile(r"[a-z0-9-]+:(Describe|Get|List)[A-Za-z]+")


def test_roles_are_those_of_pods_and_of_aws_services_and_no_others(eks: World) -> None:
    assert set(trusts(eks.graph)) == set(PODS) | SERVICES


@pytest.mark.requirement("S003-06")
@pytest.mark.parametrize("role", PODS)
def test_a_role_is_taken_by_one_service_account_of_this_cluster_for_sts_and_by_nobody_else(
    eks: World, role: str
) -> None:
    namespace, account = PODS[role]
    assert trust(eks.graph, role) == {
        "Effect": "Allow",
        "Action": ["sts:AssumeRoleWithWebIdentity"],
        "Principal": {"Federated": PROVIDER},
        "Condition": {
            "StringEquals": {
                f"{ISSUER}:aud": "sts.amazonaws.com",
                f"{ISSUER}:sub": f"system:serviceaccount:{namespace}:{account}",
            }
        },
    }


@pytest.mark.parametrize("role", PODS)
def test_with_pod_identity_a_role_is_given_to_one_service_account_and_can_be_given_to_no_other(
    deploy: Deploy, role: str
) -> None:
    graph = kept(deploy, **POD_IDENTITY).graph
    namespace, account = PODS[role]
    statement = trust(graph, role)
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": made(CLUSTER, "control-plane-cluster", "arn")},
        "StringEquals": {
            "aws:RequestTag/kubernetes-namespace": namespace,
            "aws:RequestTag/kubernetes-service-account": account,
            "aws:SourceAccount": ACCOUNT,
        },
    }
    ties = [a.inputs for a in every(graph, "eks/podIdentityAssociation:PodIdentityAssociation").values()]
    names = {r.inputs["name"]: made(ROLE, name, "arn") for name, r in every(graph, ROLE).items()}
    (tie,) = [t for t in ties if t["roleArn"] == names[role]]
    assert (tie["namespace"], tie["serviceAccount"], tie["clusterName"]) == (namespace, account, "tiny-dev")


def test_the_agent_that_hands_out_pod_identities_needs_no_web_identity(deploy: Deploy) -> None:
    graph = kept(deploy, **POD_IDENTITY).graph
    addons = every(graph, "eks/addon:Addon").values()
    assert not [a.name for a in addons if "serviceAccountRoleArn" in a.inputs]
    assert not [a for a in graph.of_kind("ServiceAccount") if "eks.amazonaws.com/role-arn" in str(a.metadata)]


@pytest.mark.requirement("S003-06", "S003-65", "S003-81")
@pytest.mark.parametrize("stack", ON_AWS)
def test_the_role_that_a_service_account_names_is_made_here_trusts_it_and_is_this_environments(stack: str) -> None:
    graph = planned(stack).graph
    accounts = {
        (account.namespace, account.name): account.metadata["annotations"]["eks.amazonaws.com/role-arn"]
        for account in graph.of_kind("ServiceAccount")
        if "annotations" in account.metadata
    }
    assert {("platform", "gateway-sa"), ("quant", "quant-sa"), ("finetune", "finetune-sa"), ("eval", "eval-sa")} == set(
        accounts
    )
    for (namespace, name), arn in accounts.items():
        role = arn.rpartition("/")[2]
        assert role.startswith(f"llmplatform-{stack}-")
        exact = trust(graph, role)["Condition"]["StringEquals"]
        assert exact[f"{ISSUER}:sub"] == f"system:serviceaccount:{namespace}:{name}"


def test_a_service_calls_its_own_endpoint_and_what_its_team_has_stated(deploy: Deploy) -> None:
    graph = kept(deploy, **PERMISSIONS).graph
    endpoint = f"arn:aws:sagemaker:us-west-2:{ACCOUNT}:endpoint/worker-endpoint"
    worker, door = allowed(graph, "worker-access-policy"), allowed(graph, "door-access-policy")
    assert set(worker) == {"InvokeEndpoint"}
    assert worker["InvokeEndpoint"]["Resource"] == [endpoint]
    assert {a.partition(":")[2] for a in worker["InvokeEndpoint"]["Action"]} == {
        "InvokeEndpoint",
        "InvokeEndpointWithResponseStream",
    }
    assert set(door) == {"Stated1", "Stated2"}
    assert (door["Stated1"]["Action"], door["Stated1"]["Resource"]) == (MAY["actions"], MAY["resources"])
    assert "Condition" not in door["Stated1"]
    assert door["Stated2"]["Condition"] == CONDITIONED["conditions"]


def test_a_service_that_asks_nothing_of_aws_has_a_role_without_a_policy(eks: World) -> None:
    policies = every(eks.graph, POLICY)
    attached = every(eks.graph, ATTACHMENT).values()
    assert "door-access-policy" not in policies
    assert not [a.name for a in attached if a.inputs["role"] == "tiny-dev-door-irsa"]


def test_only_controllers_that_aws_maintains_have_policies_that_aws_maintains(eks: World) -> None:
    found = {(a.inputs["role"], a.inputs["policyArn"]) for a in every(eks.graph, ATTACHMENT).values()}
    policy = "arn:aws:iam::aws:policy"
    assert {pair for pair in found if pair[0] in PODS} == {
        ("tiny-dev-aws-ebs-csi-driver", f"{policy}/service-role/AmazonEBSCSIDriverPolicy"),
        ("tiny-dev-aws-efs-csi-driver", f"{policy}/service-role/AmazonEFSCSIDriverPolicy"),
        ("tiny-dev-vpc-cni", f"{policy}/AmazonEKS_CNI_Policy"),
    }


def test_the_autoscaler_resizes_the_groups_of_its_cluster_only(eks: World) -> None:
    statements = allowed(eks.graph, "cluster-autoscaler-access-policy")
    resize = statements["ResizeOwnGroups"]
    groups = f"arn:aws:autoscaling:us-west-2:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/eks-*"
    assert resize["Resource"] == [groups]
    owned = {"aws:ResourceTag/k8s.io/cluster-autoscaler/tiny-dev": "owned"}
    assert resize["Condition"] == {"StringEquals": owned}
    assert statements["ReadPools"]["Resource"] == [f"arn:aws:eks:us-west-2:{ACCOUNT}:nodegroup/tiny-dev/*/*"]


def test_external_secrets_reads_the_secrets_that_are_named_and_lists_none(eks: World) -> None:
    (read,) = allowed(eks.graph, "external-secrets-access-policy").values()
    assert read["Resource"] == [f"arn:aws:secretsmanager:us-west-2:{ACCOUNT}:secret:tiny-dev/hugging-face-token-??????"]
    assert {a.partition(":")[2] for a in read["Action"]} == {"DescribeSecret", "GetSecretValue"}


def test_external_dns_changes_records_of_its_zone_only(deploy: Deploy) -> None:
    statements = allowed(kept(deploy, **CERTIFIED).graph, "external-dns-access-policy")
    zone = f"arn:aws:route53:::hostedzone/{ZONE}"
    assert statements["ChangeRecords"]["Resource"] == [zone]
    assert statements["ReadRecords"]["Resource"] == [zone]
    assert all(LOOKS.fullmatch(action) for action in statements["Look"]["Action"])


def balancing(graph: Graph) -> dict[str, Any]:
    return allowed(graph, "aws-load-balancer-controller-access-policy")


def test_the_load_balancer_controller_changes_only_what_bears_its_clusters_tag(eks: World) -> None:
    looks = ("Look", "ServiceRole", "InVpc")
    for sid, statement in balancing(eks.graph).items():
        keys = {key for tests in statement.get("Condition", {}).values() for key in tests}
        tags = {key for key in keys if key.endswith(("elbv2.k8s.aws/cluster", "kubernetes.io/cluster/tiny-dev"))}
        assert tags or sid in looks, f"{sid} reaches what is not the cluster's"


def test_nobody_puts_the_clusters_tag_on_what_was_there_before(eks: World) -> None:
    """Or else every load balancer of the account could be made one's own first, and deleted then."""
    for sid, statement in balancing(eks.graph).items():
        if {"elasticloadbalancing:AddTags", "ec2:CreateTags"} & set(statement["Action"]):
            exact = statement["Condition"]["StringEquals"]
            made_now = any(key.endswith(":CreateAction") for key in exact)
            assert made_now or exact.get("aws:ResourceTag/elbv2.k8s.aws/cluster") == "tiny-dev", sid


def test_the_load_balancer_controller_puts_the_web_acl_in_front_where_there_is_one(deploy: Deploy, eks: World) -> None:
    acl = f"arn:aws:wafv2:us-west-2:{ACCOUNT}:regional/webacl/tiny/12345678-1234-1234-1234-123456789012"
    guarded = deploy(**EKS, ingress__waf_arn=acl)
    assert acl in balancing(guarded.graph)["Firewall"]["Resource"]
    assert "Firewall" not in balancing(eks.graph)


def test_add_ons_that_call_aws_start_with_their_role(eks: World) -> None:
    for addon, policy in (
        ("vpc-cni", "amazoneks_cni_policy"),
        ("aws-ebs-csi-driver", "amazonebscsidriverpolicy"),
    ):
        resource = every(eks.graph, "eks/addon:Addon")[f"{addon}-addon"]
        assert resource.inputs["serviceAccountRoleArn"] == made(ROLE, f"{addon}-role", "arn")
        assert f"aws:{ATTACHMENT} {addon}-{policy}" in before(eks.graph, resource)


def test_pods_start_with_their_role_and_its_rights(eks: World) -> None:
    worker = eks.object("Deployment", "worker").resource
    assert {f"aws:{ROLE} worker-access-role", f"aws:{POLICY} worker-access-policy"} <= before(eks.graph, worker)


# Every document


def rights(graph: Graph) -> Iterator[tuple[str, Resource, Any]]:
    """Every statement that allows something, by where it stands."""
    for resource, path, document in documents(graph):
        for statement in document["Statement"]:
            if statement["Effect"] == "Allow":
                yield f"{resource.name} {path} {statement.get('Sid', '')}", resource, statement


def listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def check(graph: Graph) -> None:
    found = list(rights(graph))
    assert found
    for where, resource, statement in found:
        actions, principal = listed(statement["Action"]), statement.get("Principal")
        governs = (
            resource.type == "aws:kms/key:Key"
        )  # the policy of a key: its resource is the key, however it is spelt
        assert "*" not in actions, where
        assert principal != "*", where
        assert "*" not in listed((principal or {}).get("AWS", [])), where
        if not governs:
            assert not [a for a in actions if a.endswith(":*")], where
        if "Resource" in statement and not governs and "Condition" not in statement:
            wide = [r for r in listed(statement["Resource"]) if r == "*"]
            assert not wide or all(LOOKS.fullmatch(a) for a in actions), f"{where}: {actions} on everything"


def test_no_document_of_any_variant_allows_a_change_of_everything_without_a_condition(variant: World) -> None:
    check(variant.graph)


@pytest.mark.parametrize("stack", ON_AWS)
def test_no_document_of_any_stack_allows_a_change_of_everything_without_a_condition(stack: str) -> None:
    check(planned(stack).graph)


def test_the_services_of_aws_act_for_this_account_only(variant: World) -> None:
    for where, _, statement in rights(variant.graph):
        service = (statement.get("Principal") or {}).get("Service", "")
        looks = listed(statement["Action"]) == ["kms:DescribeKey"]
        if service and service != "ec2.amazonaws.com" and not looks:  # instances are this account's by nature
            keys = {key for tests in statement["Condition"].values() for key in tests}
            assert keys & {"aws:SourceAccount", "aws:SourceArn", "kms:EncryptionContext:aws:logs:arn"}, where


def test_names_of_roles_and_policies_do_not_meet(variant: World) -> None:
    names = [r.inputs["name"] for r in every(variant.graph, ROLE).values()]
    assert len(names) == len(set(names))
    assert max(map(len, names)) <= 64
    assert not [p for p in every(variant.graph, POLICY) if one(variant.graph, POLICY, p)["role"] not in names]
