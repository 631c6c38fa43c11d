"""The control plane: encrypted, logged, reached from inside, and open to nobody who is not named."""

from __future__ import annotations

from typing import Any

import pytest

from components.cluster.control_plane import POLICIES
from tests.components.eks import ACCESS, ACCOUNT, ADMINS, PROTECT, PUBLIC, Deploy, before, every, made, one, trust
from tests.support import World, kept

CLUSTER = "eks/cluster:Cluster"
ENTRY, ASSOCIATION = "eks/accessEntry:AccessEntry", "eks/accessPolicyAssociation:AccessPolicyAssociation"
EVERY_LOG = ["api", "audit", "authenticator", "controllerManager", "scheduler"]


def who(world: World) -> dict[str, Any]:
    """Principal -> policy and namespaces; each has an entry of its own."""
    entries = [e.inputs for e in every(world.graph, ENTRY).values()]
    ties = {a.inputs["principalArn"]: a.inputs for a in every(world.graph, ASSOCIATION).values()}
    assert sorted(e["principalArn"] for e in entries) == sorted(ties)
    assert {e["type"] for e in entries} == {"STANDARD"}
    return {
        arn: (tie["policyArn"].rpartition("/")[2], tie["accessScope"].get("namespaces")) for arn, tie in ties.items()
    }


def test_it_is_of_the_version_of_the_settings_and_installs_nothing_by_itself(eks: World) -> None:
    cluster = one(eks.graph, CLUSTER)
    assert (cluster["name"], cluster["version"]) == ("tiny-dev", "1.35")
    assert cluster["bootstrapSelfManagedAddons"] is False
    assert cluster["upgradePolicy"] == {"supportType": "STANDARD"}, "extended support costs six times as much"


def test_everything_it_does_is_logged_into_a_group_that_is_there_before(eks: World) -> None:
    assert one(eks.graph, CLUSTER)["enabledClusterLogTypes"] == EVERY_LOG
    group = one(eks.graph, "cloudwatch/logGroup:LogGroup", "control-plane-logs")
    assert (group["name"], group["retentionInDays"]) == ("/aws/eks/tiny-dev/cluster", 365)
    assert group["kmsKeyId"] == made("kms/key:Key", "logs-key", "arn")
    cluster = every(eks.graph, CLUSTER)["control-plane-cluster"]
    assert "aws:cloudwatch/logGroup:LogGroup control-plane-logs" in before(eks.graph, cluster)


def test_secrets_are_encrypted_with_a_key_of_our_own(eks: World) -> None:
    encryption = one(eks.graph, CLUSTER)["encryptionConfig"]
    assert encryption == {"provider": {"keyArn": made("kms/key:Key", "secrets-key", "arn")}, "resources": ["secrets"]}


def test_keys_rotate_are_described_and_belong_to_the_account(eks: World) -> None:
    keys = every(eks.graph, "kms/key:Key")
    assert set(keys) == {"secrets-key", "logs-key", "data-key"}
    for key in keys.values():
        assert (key.inputs["enableKeyRotation"], key.inputs["isEnabled"]) == (True, True)
        assert key.inputs["description"]
        assert key.inputs["deletionWindowInDays"] == 30


def test_its_interfaces_are_in_the_subnets_without_pods(eks: World) -> None:
    zones = ("us-west-2a", "us-west-2b")
    subnets = [made("ec2/subnet:Subnet", f"network-intra-{zone}", "id") for zone in zones]
    assert one(eks.graph, CLUSTER)["vpcConfig"]["subnetIds"] == subnets


def test_it_is_reached_from_inside_only(eks: World) -> None:
    endpoint = one(eks.graph, CLUSTER)["vpcConfig"]
    assert (endpoint["endpointPrivateAccess"], endpoint["endpointPublicAccess"]) == (True, False)
    assert "publicAccessCidrs" not in endpoint


def test_it_is_reached_from_outside_by_the_ranges_that_are_named(deploy: Deploy) -> None:
    endpoint = one(kept(deploy, **PUBLIC).graph, CLUSTER)["vpcConfig"]
    assert (endpoint["endpointPrivateAccess"], endpoint["endpointPublicAccess"]) == (True, True)
    assert endpoint["publicAccessCidrs"] == ["203.0.113.0/24"]


def test_whoever_makes_it_gets_no_rights_by_that(eks: World) -> None:
    config = one(eks.graph, CLUSTER)["accessConfig"]
    assert config == {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}


def test_deployer_and_break_glass_administer_it_and_nobody_else_comes_in(eks: World) -> None:
    assert who(eks) == dict.fromkeys(ADMINS.values(), ("AmazonEKSClusterAdminPolicy", None))


def test_others_come_in_as_their_entry_says(deploy: Deploy) -> None:
    found = who(kept(deploy, **ACCESS))
    assert {arn.rpartition("/")[2]: rights for arn, rights in found.items() if arn not in ADMINS.values()} == {
        "ops": ("AmazonEKSAdminPolicy", None),
        "backend": ("AmazonEKSEditPolicy", ["back"]),
        "guests": ("AmazonEKSViewPolicy", None),
    }
    scopes = {n: a.inputs["accessScope"]["type"] for n, a in every(kept(deploy, **ACCESS).graph, ASSOCIATION).items()}
    assert scopes["control-plane-backend"] == "namespace"
    assert {scope for name, scope in scopes.items() if name != "control-plane-backend"} == {"cluster"}


def test_every_policy_that_settings_can_name_is_one_of_eks() -> None:
    from typing import get_args

    from settings.eks import AccessEntry

    assert set(get_args(AccessEntry.model_fields["policy"].annotation)) == set(POLICIES)


def test_an_entry_is_there_before_its_policy(eks: World) -> None:
    for name, tie in every(eks.graph, ASSOCIATION).items():
        assert f"aws:{ENTRY} {name}" in before(eks.graph, tie)


def test_eks_itself_works_for_this_account_only(eks: World) -> None:
    statement = trust(eks.graph, "tiny-dev-cluster")
    assert statement["Principal"] == {"Service": "eks.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    attached = one(eks.graph, "iam/rolePolicyAttachment:RolePolicyAttachment", "control-plane-policy")
    assert attached["policyArn"] == "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
    cluster = every(eks.graph, CLUSTER)["control-plane-cluster"]
    assert "aws:iam/rolePolicyAttachment:RolePolicyAttachment control-plane-policy" in before(eks.graph, cluster)


@pytest.mark.parametrize("service", ["ec2/route:Route network-private-us-west-2a", "ec2/vpcEndpoint:VpcEndpoint"])
def test_the_network_is_there_before_it(eks: World, service: str) -> None:
    first = before(eks.graph, every(eks.graph, CLUSTER)["control-plane-cluster"])
    assert [thing for thing in first if thing.startswith(f"aws:{service}")]


def test_its_issuer_is_known_to_iam_and_its_tokens_are_for_sts(eks: World) -> None:
    provider = one(eks.graph, "iam/openIdConnectProvider:OpenIdConnectProvider")
    assert provider["clientIdLists"] == ["sts.amazonaws.com"]
    assert provider["url"] == made(CLUSTER, "control-plane-cluster", "identities[0].oidcs[0].issuer")


def test_what_cannot_be_made_again_stays_where_the_stack_is_protected(deploy: Deploy, eks: World) -> None:
    kinds = (CLUSTER, "ec2/vpc:Vpc", "kms/key:Key", "ecr/repository:Repository")
    protected, free = kept(deploy, **PROTECT).graph, eks.graph
    for kind in kinds:
        assert all(r.protect for r in every(protected, kind).values()), kind
        assert not any(r.protect for r in every(free, kind).values()), kind
    assert one(protected, CLUSTER)["deletionProtection"] is True
    assert one(free, CLUSTER)["deletionProtection"] is False


def test_another_account_than_the_settings_name_is_refused_and_everything_is_tagged(eks: World) -> None:
    provider = next(r for r in eks.graph.resources if r.type == "pulumi:providers:aws").inputs
    assert ACCOUNT in str(provider["allowedAccountIds"])
    assert provider["region"] == "us-west-2"
    for tag in ('"environment": "dev"', '"managed-by": "pulumi"', '"part-of": "tiny-platform"'):
        assert tag.replace(" ", "") in str(provider["defaultTags"]).replace(" ", "").replace("'", '"')
