"""The plan that checkov reads: names, blocks, references, and what stands where a marker was."""

from __future__ import annotations

import inspect
import json
import re
import sys
from dataclasses import replace

import pytest

from policy.graph import SECRET, Graph, Resource
from tests.judges.aws_sample import sample
from tests.judges.aws_types import FREE_FORM, TYPES, UnknownTypeError
from tests.judges.markers import MARKER, made_up
from tests.judges.terraform_plan import TerraformPlan, terraform_plan
from workbench.plan.outputs import resource_class

VPC = "${aws:ec2/vpc:Vpc net.vpc.id}"
UNUSED = {
    "aws:ec2/flowLog:FlowLog": {"tagFieldSpecifications"},
    "aws:ec2/launchTemplate:LaunchTemplate": {"secondaryInterfaces"},
    "aws:ec2/natGateway:NatGateway": {"availabilityZoneAddresses"},
    "aws:eks/cluster:Cluster": {"resources"},  # of the scheduler's scoring strategy
    "aws:route53/record:Record": {"coordinates"},
}
"""Lists of blocks of the SDK whose Terraform name nobody has looked up: the program uses none, and would be told."""


def made(type_: str, name: str = "it", **inputs: object) -> Resource:
    """A resource made by hand."""
    return Resource(urn=f"urn::{type_}::{name}", type=type_, name=name, custom=True, inputs=inputs)


def planned(*resources: Resource) -> TerraformPlan:
    """The plan of a stack of these."""
    return terraform_plan({"it": Graph.of(resources)})


def values(plan: TerraformPlan, address: str) -> dict:
    """What a plan says of a resource."""
    resources = plan.document["planned_values"]["root_module"]["resources"]
    return next(resource["values"] for resource in resources if resource["address"] == address)


def references(plan: TerraformPlan, address: str) -> dict:
    """What a resource refers to, by property."""
    configured = plan.document["configuration"]["root_module"]["resources"]
    found = next(resource["expressions"] for resource in configured if resource["address"] == address)
    return {key: expression["references"] for key, expression in found.items()}


def test_the_sample_holds_every_type_with_a_row_and_is_decided() -> None:
    plan = terraform_plan({"good": sample()})
    assert {resource.type for _, resource in plan.resources.values()} == set(TYPES)
    assert plan.undecided == {"good": ()}
    assert not MARKER.search(json.dumps(plan.document))


def test_an_aws_type_without_a_row_is_an_error_that_names_it() -> None:
    with pytest.raises(UnknownTypeError, match=re.escape("aws:sqs/queue:Queue has no row")):
        planned(made("aws:sqs/queue:Queue"))
    planned(made("kubernetes:core/v1:Namespace"), made("pulumi:providers:aws"))


def test_a_list_of_blocks_without_a_row_is_an_error_that_names_it() -> None:
    with pytest.raises(UnknownTypeError, match="secondaryInterfaces is a list of blocks without a row"):
        planned(made("aws:ec2/launchTemplate:LaunchTemplate", secondaryInterfaces=[{"deviceIndex": 1}]))


def test_names_and_blocks_are_terraforms() -> None:
    plan = terraform_plan({"good": sample()})
    assert values(plan, "aws_eks_node_group.good__nodes")["taint"] == [
        {"effect": "NO_SCHEDULE", "key": "nvidia.com/gpu", "value": "true"}
    ]
    assert values(plan, "aws_eks_node_group.good__nodes")["labels"] == {"pool": "gpu"}
    assert values(plan, "aws_ecr_repository.good__images")["encryption_configuration"][0]["encryption_type"] == "KMS"
    rule = values(plan, "aws_s3_bucket_server_side_encryption_configuration.good__telemetry")["rule"]
    assert rule[0]["apply_server_side_encryption_by_default"][0]["sse_algorithm"] == "aws:kms"
    template = values(plan, "aws_launch_template.good__nodes")
    assert template["metadata_options"][0]["http_put_response_hop_limit"] == 1
    assert template["block_device_mappings"][0]["ebs"][0]["encrypted"] == "true"
    assert isinstance(values(plan, "aws_iam_policy.good__read")["policy"], str)


def test_changes_say_what_values_say() -> None:
    document = terraform_plan({"good": sample()}).document
    after = {change["address"]: change["change"]["after"] for change in document["resource_changes"]}
    resources = document["planned_values"]["root_module"]["resources"]
    assert after == {resource["address"]: resource["values"] for resource in resources}


def test_a_marker_and_the_sdk_both_say_what_a_property_refers_to() -> None:
    vpc = made("aws:ec2/vpc:Vpc", "net.vpc")
    by_marker = made("aws:ec2/subnet:Subnet", "a", vpcId=VPC, tags={"in": "${aws:ec2/vpc:Vpc other.id}"})
    by_sdk = replace(made("aws:ec2/subnet:Subnet", "b", vpcId="vpc-1"), property_dependencies={"vpcId": (vpc.urn,)})
    plan = planned(vpc, by_marker, by_sdk)
    for address in ("aws_subnet.it__a", "aws_subnet.it__b"):
        assert references(plan, address) == {"vpc_id": ["aws_vpc.it__net_vpc"]}


def test_names_that_differ_in_a_dot_stay_apart() -> None:
    plan = planned(made("aws:ec2/vpc:Vpc", "a.b"), made("aws:ec2/vpc:Vpc", "a_b"))
    assert len(plan.resources) == 2


def test_two_stacks_do_not_meet() -> None:
    graph = Graph.of([made("aws:ec2/vpc:Vpc", "vpc"), made("aws:ec2/subnet:Subnet", vpcId="${aws:ec2/vpc:Vpc vpc.id}")])
    plan = terraform_plan({"dev": graph, "prod": graph})
    assert references(plan, "aws_subnet.prod__it") == {"vpc_id": ["aws_vpc.prod__vpc"]}
    assert {stack for stack, _ in plan.resources.values()} == {"dev", "prod"}


@pytest.mark.parametrize(
    ("type_", "inputs", "path"),
    [
        ("aws:eks/cluster:Cluster", {"vpcConfig": {"endpointPublicAccess": VPC}}, "vpcConfig.endpointPublicAccess"),
        ("aws:eks/cluster:Cluster", {"enabledClusterLogTypes": [VPC]}, "enabledClusterLogTypes[0]"),
        ("aws:eks/cluster:Cluster", {"version": VPC}, "version"),
        ("aws:ecr/repository:Repository", {"imageTagMutability": VPC}, "imageTagMutability"),
        ("aws:kms/key:Key", {"policy": VPC}, "policy"),
        ("aws:kms/key:Key", {"policy": '{"Statement": {"Action": ["' + VPC + '"]}}'}, "policy.Statement.Action[0]"),
        ("aws:kms/key:Key", {"policy": {"Statement": {"Principal": {"AWS": VPC}}}}, "policy.Statement.Principal.AWS"),
        ("aws:ec2/vpc:Vpc", {"tags": {"a": SECRET}}, "tags.a"),
    ],
)
def test_a_marker_where_a_judge_decides_is_undecided(type_: str, inputs: dict, path: str) -> None:
    found = planned(made(type_, **inputs)).undecided["it"]
    assert [(place.resource, place.path) for place in found] == [(f"{type_} it", path)]


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        ("aws:ec2/subnet:Subnet", {"vpcId": VPC, "tags": {"a": VPC}}),
        ("aws:eks/nodeGroup:NodeGroup", {"launchTemplate": {"version": VPC}, "subnetIds": [VPC]}),
        ("aws:kms/key:Key", {"policy": {"Statement": {"Resource": VPC, "Condition": {"StringEquals": {VPC: VPC}}}}}),
        ("aws:kms/key:Key", {"policy": {"Statement": {"Principal": {"AWS": "${aws:iam/role:Role a.arn}"}}}}),
        ("aws:iam/policy:Policy", {"policy": {"Statement": {"Resource": "x/${aws:PrincipalTag/team}"}}}),
    ],
)
def test_a_marker_that_is_a_reference_is_filled(type_: str, inputs: dict) -> None:
    plan = planned(made(type_, **inputs))
    assert plan.undecided == {"it": ()}
    assert "${aws:ec2" not in json.dumps(plan.document)


def test_what_stands_for_a_marker_has_its_form_and_is_its_own() -> None:
    vpc, role, cluster = "aws:ec2/vpc:Vpc", "aws:iam/role:Role", "aws:eks/cluster:Cluster"
    assert re.fullmatch(r"vpc-[0-9a-f]{17}", made_up(vpc, "a", "id"))
    assert made_up(vpc, "a", "id") == made_up(vpc, "a", "id") != made_up(vpc, "b", "id")
    assert made_up(vpc, "a", "id") in made_up(vpc, "a", "arn")
    assert re.fullmatch(r"arn:aws:iam::111122223333:role/a-[0-9a-f]{7}", made_up(role, "a", "arn"))
    issuer = made_up(cluster, "a", "identities[0].oidcs[0].issuer")
    assert issuer == "https://" + made_up(cluster, "a", "identities[0].oidcs[0].issuer", alone=False)
    assert made_up(cluster, "a", "vpcConfig.clusterSecurityGroupId").startswith("sg-")
    assert made_up(cluster, "a", "name") != made_up(cluster, "a", "endpoint")


@pytest.mark.parametrize("type_", sorted(TYPES))
def test_a_row_knows_every_list_of_blocks_that_the_sdk_has(type_: str) -> None:
    """And no other; and the only maps of the SDK that are not blocks are those that are free-form."""
    found = resource_class(type_)
    assert found is not None
    module = sys.modules[found.__module__]
    args = getattr(module, f"{found.__name__}InitArgs", None) or getattr(module, f"{found.__name__}Args")
    lists, maps, texts = _args(args, module)
    assert lists - set(TYPES[type_].blocks) == UNUSED.get(type_, set())
    assert set(TYPES[type_].blocks) <= lists | texts
    assert maps <= FREE_FORM


def _args(args: type, module: object, seen: frozenset = frozenset()) -> tuple[set[str], set[str], set[str]]:
    """Names of lists of blocks, of maps and of lists of texts in an Args class and in those that it holds."""
    lists, maps, texts = set(), set(), set()
    for name, annotation in inspect.get_annotations(args.__init__).items():
        words = str(annotation)
        inner = re.search(r"'(\w+Args)'", words)
        # Documents are strings of JSON in a plan, whatever the SDK takes besides.
        if inner and inner[1].startswith(("Policy", "LifecyclePolicy")) and "policy" in name:
            continue
        key = re.sub(r"_(\w)", lambda match: match[1].upper(), name.rstrip("_"))
        if "Mapping[" in words:
            maps.add(key)
        elif "Sequence[" in words:
            (lists if inner else texts).add(key)
        held = inner and getattr(sys.modules[f"{module.__name__.rpartition('.')[0]}"], inner[1], None)
        if held and held not in seen:
            within = _args(held, module, seen | {args})
            lists, maps, texts = lists | within[0], maps | within[1], texts | within[2]
    return lists, maps, texts
