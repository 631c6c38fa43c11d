"""The stand-in for the AWS provider, without an engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pulumi import _types
from pulumi.provider.experimental import provider as protocol
from pulumi.provider.experimental.property_value import PropertyValue

from policy.replacements import REPLACES, ROWS
from tests.standin import schema
from tests.standin.driver import REGION, Driver, urn
from tests.standin.identity import identify
from tests.standin.provider import RefusedError
from tests.standin.settings import NO_ACCOUNT
from tests.standin.values import UNKNOWN, plain, plain_map, wrapped_map


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    return Driver(tmp_path)


# --- checks


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("version", 1.35, "a number stands where a text is expected"),
        ("version", True, "a boolean stands where a text is expected"),
        ("deletionProtection", "true", "a text stands where a boolean is expected"),
        ("tags", ["a"], "a list stands where a map is expected"),
        ("enabledClusterLogTypes", "api", "a text stands where a list is expected"),
        ("encryptionConfig", [], "a list stands where a map is expected"),
    ],
)
def test_a_wrong_kind_of_value_is_named(driver: Driver, field: str, value: Any, reason: str) -> None:
    cluster = {"roleArn": "arn:aws:iam::1:role/x", "vpcConfig": {"subnetIds": ["subnet-1"]}}
    assert driver.check("aws:eks/cluster:Cluster", wrapped_map({**cluster, field: value})) == {
        field: f"{field}: {reason}"
    }


def test_a_whole_number_is_no_fraction(driver: Driver) -> None:
    key = wrapped_map({"deletionWindowInDays": 7.5})
    assert driver.check("aws:kms/key:Key", key).keys() == {"deletionWindowInDays"}
    assert driver.check("aws:kms/key:Key", wrapped_map({"deletionWindowInDays": 7})) == {}


def test_a_type_that_the_sdk_does_not_have_is_refused(driver: Driver) -> None:
    assert "no class for aws:eks/klaster:Klaster" in driver.check("aws:eks/klaster:Klaster", {})[""]


def test_a_policy_is_a_text_or_a_map_and_a_text_once_it_is_there(driver: Driver) -> None:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}
    role = "aws:iam/role:Role"
    assert driver.check(role, wrapped_map({"assumeRolePolicy": json.dumps(policy)})) == {}
    assert driver.check(role, wrapped_map({"assumeRolePolicy": policy})) == {}
    assert driver.check(role, wrapped_map({"assumeRolePolicy": 7})) != {}
    made = driver.create(role, "nodes", {"assumeRolePolicy": policy})
    assert json.loads(plain(made.properties["assumeRolePolicy"])) == policy


# --- the provider's own configuration


def test_the_providers_own_settings_are_checked_too(driver: Driver) -> None:
    assert driver.check_config(region=REGION, defaultTags='{"tags": {"a": "b"}}', version="7.51.1") == {}
    assert driver.check_config() == {"region": "region: is required and missing"}
    assert driver.check_config(region=REGION, regoin="x").keys() == {"regoin"}
    assert driver.check_config(region=REGION, defaultTags='{"tagz": {}}').keys() == {"defaultTags.tagz"}
    assert driver.check_config(region=REGION, defaultTags="{").keys() == {"defaultTags"}
    assert driver.check_config(region=REGION, maxRetries='"many"').keys() == {"maxRetries"}


def test_credentials_of_another_account_are_refused(driver: Driver) -> None:
    assert driver.check_config(region=REGION, allowedAccountIds=f'["{NO_ACCOUNT}"]') == {}
    refused = driver.check_config(region=REGION, allowedAccountIds='["111122223333"]')
    assert refused == {"allowedAccountIds": f"allowedAccountIds: AWS account ID not allowed: {NO_ACCOUNT}"}


# --- what is made


def test_ids_and_arns_look_real_and_stay_the_same(driver: Driver, tmp_path: Path) -> None:
    made = driver.create("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16", "tags": {"Name": "main"}})
    out = plain_map(made.properties)
    assert made.resource_id.startswith("vpc-")
    assert len(made.resource_id) == len("vpc-0123456789abcdef0")
    assert out["arn"] == f"arn:aws:ec2:{REGION}:{NO_ACCOUNT}:vpc/{made.resource_id}"
    assert out["tagsAll"] == {"Name": "main", "team": "ml"}
    assert "id" not in out
    again = Driver(tmp_path / "another").create("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"})
    assert again.resource_id == made.resource_id


@pytest.mark.parametrize(
    ("type_", "inputs", "identity", "arn"),
    [
        ("aws:eks/cluster:Cluster", {"name": "prod"}, "prod", "eks:us-west-2:1:cluster/prod"),
        ("aws:iam/role:Role", {"name": "nodes", "path": "/llm/"}, "nodes", "iam::1:role/llm/nodes"),
        ("aws:iam/policy:Policy", {"name": "p", "policy": "{}"}, "arn:aws:iam::1:policy/p", "iam::1:policy/p"),
        ("aws:s3/bucket:Bucket", {"bucket": "weights"}, "weights", "s3:::weights"),
        ("aws:s3/bucketVersioning:BucketVersioning", {"bucket": "weights"}, "weights", None),
        ("aws:ecr/repository:Repository", {"name": "a/b"}, "a/b", "ecr:us-west-2:1:repository/a/b"),
        ("aws:kms/alias:Alias", {"name": "alias/eks"}, "alias/eks", "kms:us-west-2:1:alias/eks"),
        ("aws:cloudwatch/logGroup:LogGroup", {"name": "/aws/x"}, "/aws/x", "logs:us-west-2:1:log-group:/aws/x"),
        ("aws:sqs/queue:Queue", {"name": "q"}, "q", "sqs:us-west-2:1:q"),
        ("aws:eks/addon:Addon", {"clusterName": "prod", "addonName": "vpc-cni"}, "prod:vpc-cni", None),
        ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", {"role": "r", "policyArn": "a"}, "r/a", None),
    ],
)
def test_identities(type_: str, inputs: dict[str, Any], identity: str, arn: str | None) -> None:
    found = identify(type_, urn(type_, "it"), inputs, account="1", region=REGION)
    assert found.id == identity
    if arn is not None:
        assert found.arn == f"arn:aws:{arn}"


def test_a_cluster_answers_with_the_given_one(tmp_path: Path) -> None:
    driver = Driver(tmp_path, endpoint="https://127.0.0.1:6443", ca="Q0E=")
    inputs = {"name": "prod", "roleArn": "arn:aws:iam::1:role/x", "vpcConfig": {"subnetIds": []}}
    out = plain_map(driver.create("aws:eks/cluster:Cluster", "main", inputs).properties)
    assert out["endpoint"] == "https://127.0.0.1:6443"
    assert out["certificateAuthority"] == {"data": "Q0E="}
    assert out["identities"][0]["oidcs"][0]["issuer"].startswith(f"https://oidc.eks.{REGION}.amazonaws.com/id/")
    assert out["vpcConfig"]["clusterSecurityGroupId"].startswith("sg-")
    assert "outpostConfig" not in out
    preview = plain_map(driver.create("aws:eks/cluster:Cluster", "main", inputs, preview=True).properties)
    assert preview["endpoint"] == UNKNOWN.value
    assert preview["certificateAuthority"] == UNKNOWN.value


def test_secrets_are_seen_through_and_stay_secrets(driver: Driver) -> None:
    secret = "aws:secretsmanager/secretVersion:SecretVersion"
    hidden = {"secretId": PropertyValue("s"), "secretString": PropertyValue("x", is_secret=True)}
    assert driver.check(secret, hidden) == {}
    assert driver.check(secret, {**hidden, "secretString": PropertyValue(7.0, is_secret=True)}) != {}
    made = driver.create(secret, "it", hidden)
    assert made.properties["secretString"].is_secret
    kept = driver.read(secret, made.resource_id)
    assert kept.properties["secretString"] == PropertyValue("x", is_secret=True)
    assert kept.inputs["secretString"].is_secret


def test_what_is_gone_reads_as_gone(driver: Driver) -> None:
    made = driver.create("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"})
    assert driver.read("aws:ec2/vpc:Vpc", made.resource_id).properties == made.properties
    driver.state.file("aws:ec2/vpc:Vpc", made.resource_id).unlink()
    assert driver.read("aws:ec2/vpc:Vpc", made.resource_id).resource_id == ""


def test_a_name_is_taken_only_once_and_a_random_id_never(driver: Driver) -> None:
    driver.create("aws:s3/bucket:Bucket", "a", {"bucket": "weights"})
    with pytest.raises(RefusedError, match="Bucket weights already exists"):
        driver.create("aws:s3/bucket:Bucket", "b", {"bucket": "weights"})
    first, second = (driver.create("aws:ec2/vpc:Vpc", "main", {}) for _ in range(2))
    assert first.resource_id != second.resource_id


def test_what_is_referred_to_must_be_there(driver: Driver) -> None:
    addon = {"clusterName": "prod", "addonName": "vpc-cni"}
    with pytest.raises(RefusedError, match="no cluster found for clusterName: prod"):
        driver.create("aws:eks/addon:Addon", "cni", addon)
    with pytest.raises(RefusedError, match="'vpc-0123456789abcdef0' does not exist"):
        driver.create("aws:ec2/subnet:Subnet", "a", {"vpcId": "vpc-0123456789abcdef0"})
    assert [entry.refused is None for entry in driver.state.journal()] == [False, False]


def test_what_a_test_wants_to_fail_fails(tmp_path: Path) -> None:
    driver = Driver(tmp_path, fails="gpu")
    driver.create("aws:ec2/vpc:Vpc", "main", {})
    with pytest.raises(RefusedError, match="LimitExceededException: no more Vpcs"):
        driver.create("aws:ec2/vpc:Vpc", "gpu", {})
    assert [made.urn for made in driver.state.all()] == [urn("aws:ec2/vpc:Vpc", "main")]


def test_what_is_still_used_is_not_deleted(driver: Driver) -> None:
    vpc = driver.create("aws:ec2/vpc:Vpc", "main", {})
    subnet = driver.create("aws:ec2/subnet:Subnet", "a", {"vpcId": vpc.resource_id, "tags": {"of": vpc.resource_id}})
    with pytest.raises(RefusedError, match=rf"{vpc.resource_id} has a dependent object: Subnet a \(subnet-"):
        driver.delete("aws:ec2/vpc:Vpc", "main", vpc.resource_id)
    driver.delete("aws:ec2/subnet:Subnet", "a", subnet.resource_id)
    driver.delete("aws:ec2/vpc:Vpc", "main", vpc.resource_id)
    assert [(e.call, e.name, e.refused is None) for e in driver.state.journal("delete")] == [
        ("delete", "main", False),
        ("delete", "a", True),
        ("delete", "main", True),
    ]
    assert driver.state.all() == []


def test_a_name_is_a_reference_only_where_it_says_of_what(driver: Driver) -> None:
    driver.create("aws:iam/role:Role", "nodes", {"name": "llm"})
    driver.create("aws:efs/fileSystem:FileSystem", "weights", {"creationToken": "llm"})
    driver.create("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "cni", {"role": "llm", "policyArn": "x"})
    with pytest.raises(RefusedError, match=r"RolePolicyAttachment cni \(llm/x\)$"):
        driver.delete("aws:iam/role:Role", "nodes", "llm")


def test_look_ups_are_refused(driver: Driver) -> None:
    with pytest.raises(RefusedError, match="answers no look-ups"):
        driver._run(driver.provider.invoke(protocol.InvokeRequest("aws:index/getCallerIdentity:getCallerIdentity", {})))


# --- changes


def test_a_change_is_named_by_its_path(driver: Driver) -> None:
    old = {"version": "1.34", "vpcConfig": {"subnetIds": ["a", "b"]}, "tags": {"x": "1"}}
    new = {"version": "1.35", "vpcConfig": {"subnetIds": ["a"]}, "tags": {"x": "1", "y": "2"}}
    found = driver.diff("aws:eks/cluster:Cluster", old, new)
    kinds = {path: change.kind.name for path, change in found.detailed_diff.items()}
    assert kinds == {"version": "UPDATE", "vpcConfig.subnetIds[1]": "DELETE", "tags.y": "ADD"}
    assert (found.changes, found.replaces, found.delete_before_replace) == (True, [], False)
    same = driver.diff("aws:eks/cluster:Cluster", old, old)
    assert (same.changes, same.detailed_diff) == (False, {})


def test_a_change_of_the_providers_tags_is_one_of_the_resource(driver: Driver) -> None:
    old = {"tags": {"x": "1"}}
    assert not driver.diff("aws:ec2/vpc:Vpc", old, old, tagsAll={"x": "1", "team": "ml"}).changes
    found = driver.diff("aws:ec2/vpc:Vpc", old, old, tagsAll={"x": "1", "team": "web"})
    assert list(found.detailed_diff) == ["tagsAll.team"]


def test_some_changes_need_a_new_resource(driver: Driver) -> None:
    old = {"name": "prod", "roleArn": "a", "encryptionConfig": {"provider": {"keyArn": "k"}}}
    found = driver.diff("aws:eks/cluster:Cluster", old, {**old, "roleArn": "b"})
    assert (found.replaces, found.delete_before_replace) == (["roleArn"], True)  # its name is taken
    assert driver.diff("aws:eks/cluster:Cluster", old, {**old, "name": "other"}).delete_before_replace is False
    bare = {key: value for key, value in old.items() if key != "encryptionConfig"}
    assert driver.diff("aws:eks/cluster:Cluster", old, bare).replaces == ["encryptionConfig"]
    assert driver.diff("aws:eks/cluster:Cluster", bare, old).replaces == []
    vpc = driver.diff("aws:ec2/vpc:Vpc", {"cidrBlock": "a"}, {"cidrBlock": "b"})
    assert (vpc.replaces, vpc.delete_before_replace) == (["cidrBlock"], False)


@pytest.mark.parametrize(
    ("type_", "path"),
    [(t, path) for t, row in ROWS.items() for path in (*REPLACES[t], *row.gone, *row.unique)],
)
def test_the_table_of_replacements_names_fields_that_there_are(type_: str, path: str) -> None:
    shape = schema.arguments(type_)
    for part in path.split("."):
        kind = shape.fields[part]
        while getattr(schema.members(kind)[0], "__origin__", None) is not None:
            kind = schema.members(kind)[0].__args__[-1]
        only = schema.members(kind)[0]
        shape = schema.shape(only) if isinstance(only, type) and _types.is_input_type(only) else schema.Shape({}, set())


def test_a_launch_template_counts_its_versions(driver: Driver) -> None:
    type_ = "aws:ec2/launchTemplate:LaunchTemplate"
    made = driver.create(type_, "gpu", {"name": "gpu"})
    assert plain(made.properties["latestVersion"]) == 1
    assert driver.update(type_, made, {"name": "gpu"}, preview=True)["latestVersion"] == UNKNOWN.value
    out = driver.update(type_, made, {"name": "gpu", "imageId": "ami-1"})
    assert (out["latestVersion"], out["imageId"], out["arn"]) == (2, "ami-1", plain(made.properties["arn"]))
