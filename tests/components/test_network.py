"""The VPC: what lies in which subnet, the ways out, and that nothing is open by oversight."""

from __future__ import annotations

from typing import Any

import pytest

from settings.addresses import cut
from tests.components.eks import ACCOUNT, CHINA, ENDPOINTS, ONE_NAT, PROTECT, Deploy, before, every, made, one, trust
from tests.support import World, kept

ZONES = ("us-west-2a", "us-west-2b")
VPC = made("ec2/vpc:Vpc", "network-vpc", "id")
SUBNET, TABLE = "ec2/subnet:Subnet", "ec2/routeTable:RouteTable"
ENDPOINT = "ec2/vpcEndpoint:VpcEndpoint"
OWN = {"kubernetes.io/cluster/tiny-dev": "shared"}
FOUND_BY = {
    "public": {"kubernetes.io/role/elb": "1"},
    "private": {"karpenter.sh/discovery": "tiny-dev"},
    "intra": {"kubernetes.io/role/internal-elb": "1"},
}


def ways(world: World) -> dict[str, Any]:
    """Subnet -> the routes of its table."""
    graph = world.graph
    ties = every(graph, "ec2/routeTableAssociation:RouteTableAssociation").values()
    routes = [r.inputs for r in every(graph, "ec2/route:Route").values()]
    return {
        tie.inputs["subnetId"]: [r for r in routes if r["routeTableId"] == tie.inputs["routeTableId"]] for tie in ties
    }


@pytest.mark.parametrize("kind", FOUND_BY)
def test_every_zone_has_a_subnet_of_each_kind_as_the_plan_cuts_them(eks: World, kind: str) -> None:
    cidrs = getattr(cut("10.0.0.0/16", 2), kind)
    for zone, cidr in zip(ZONES, cidrs, strict=True):
        subnet = one(eks.graph, SUBNET, f"network-{kind}-{zone}")
        assert (subnet["vpcId"], subnet["availabilityZone"], subnet["cidrBlock"]) == (VPC, zone, cidr)
        assert subnet["tags"] == {"Name": f"tiny-dev-{kind}-{zone}", **OWN, **FOUND_BY[kind]}
    assert len(every(eks.graph, SUBNET)) == 6


def test_no_subnet_gives_out_public_addresses_by_itself(variant: World) -> None:
    assert {s.inputs["mapPublicIpOnLaunch"] for s in every(variant.graph, SUBNET).values()} == {False}


def test_names_resolve_inside_since_a_private_endpoint_is_found_by_its_name(eks: World) -> None:
    vpc = one(eks.graph, "ec2/vpc:Vpc")
    assert (vpc["cidrBlock"], vpc["enableDnsHostnames"], vpc["enableDnsSupport"]) == ("10.0.0.0/16", True, True)


def test_each_zone_leaves_by_its_own_nat_the_public_ones_directly_and_intra_not_at_all(eks: World) -> None:
    found = ways(eks)
    for zone in ZONES:
        (public,) = found[made(SUBNET, f"network-public-{zone}", "id")]
        (private,) = found[made(SUBNET, f"network-private-{zone}", "id")]
        assert found[made(SUBNET, f"network-intra-{zone}", "id")] == []
        assert public["gatewayId"] == made("ec2/internetGateway:InternetGateway", "network-internet", "id")
        assert private["natGatewayId"] == made("ec2/natGateway:NatGateway", f"network-nat-{zone}", "id")
        nat = one(eks.graph, "ec2/natGateway:NatGateway", f"network-nat-{zone}")
        assert nat["subnetId"] == made(SUBNET, f"network-public-{zone}", "id")
        assert nat["allocationId"] == made("ec2/eip:Eip", f"network-nat-{zone}", "id")


def test_one_nat_is_everybodys_way_out_where_the_settings_say_so(deploy: Deploy) -> None:
    world = kept(deploy, **ONE_NAT)
    assert list(every(world.graph, "ec2/natGateway:NatGateway")) == ["network-nat-us-west-2a"]
    targets = {r["natGatewayId"] for zone in ZONES for r in ways(world)[made(SUBNET, f"network-private-{zone}", "id")]}
    assert targets == {made("ec2/natGateway:NatGateway", "network-nat-us-west-2a", "id")}


def test_a_nat_comes_after_the_route_that_it_works_by_and_goes_before_it(eks: World) -> None:
    for nat in every(eks.graph, "ec2/natGateway:NatGateway").values():
        assert "aws:ec2/internetGateway:InternetGateway network-internet" in before(eks.graph, nat)
        assert {f"aws:ec2/route:Route network-public-{zone}" for zone in ZONES} <= before(eks.graph, nat)


def test_whoever_forgets_a_security_group_gets_one_that_lets_nothing_through(eks: World) -> None:
    group = one(eks.graph, "ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert (group["vpcId"], group["ingress"], group["egress"]) == (VPC, [], [])


def test_every_group_and_rule_is_described_and_no_rule_lets_the_world_in(variant: World) -> None:
    rules = every(variant.graph, "vpc/securityGroupIngressRule:SecurityGroupIngressRule").values()
    groups = every(variant.graph, "ec2/securityGroup:SecurityGroup").values()
    assert all(r.inputs["description"] for r in (*rules, *groups))
    assert all("ingress" not in group.inputs and "egress" not in group.inputs for group in groups)
    assert {rule.inputs.get("cidrIpv4", "10.0.0.0/16") for rule in rules} == {"10.0.0.0/16"}
    assert {(rule.inputs["ipProtocol"], rule.inputs["fromPort"] == rule.inputs["toPort"]) for rule in rules} == {
        ("tcp", True)
    }


def test_everything_that_passes_the_vpc_is_logged_encrypted_and_kept_a_year(eks: World) -> None:
    flows = one(eks.graph, "ec2/flowLog:FlowLog")
    assert (flows["vpcId"], flows["trafficType"]) == (VPC, "ALL")
    assert flows["logDestination"] == made("cloudwatch/logGroup:LogGroup", "network-log-group", "arn")
    group = one(eks.graph, "cloudwatch/logGroup:LogGroup", "network-log-group")
    assert (group["name"], group["retentionInDays"]) == ("/tiny-dev/flow-logs", 365)
    assert group["kmsKeyId"] == made("kms/key:Key", "logs-key", "arn")
    assert flows["iamRoleArn"] == made("iam/role:Role", "network-log-role", "arn")
    narrowed = trust(eks.graph, "tiny-dev-flow-logs")
    assert narrowed["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert narrowed["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_aws_services_are_reached_inside_the_vpc_from_subnets_without_pods(deploy: Deploy) -> None:
    graph = kept(deploy, **ENDPOINTS).graph
    interfaces = {n: e.inputs for n, e in every(graph, ENDPOINT).items() if e.inputs["vpcEndpointType"] == "Interface"}
    assert {e["serviceName"].removeprefix("com.amazonaws.us-west-2.") for e in interfaces.values()} == set(
        ENDPOINTS["cluster__network__endpoints"]
    )
    for endpoint in interfaces.values():
        assert endpoint["privateDnsEnabled"] is True
        assert endpoint["subnetIds"] == [made(SUBNET, f"network-intra-{zone}", "id") for zone in ZONES]
        assert endpoint["securityGroupIds"] == [made("ec2/securityGroup:SecurityGroup", "network-endpoints", "id")]
    rule = one(graph, "vpc/securityGroupIngressRule:SecurityGroupIngressRule", "network-endpoints-https")
    assert (rule["cidrIpv4"], rule["fromPort"], rule["toPort"]) == ("10.0.0.0/16", 443, 443)


def test_s3_is_reached_by_the_routes_of_every_subnet_that_has_pods_or_interfaces(eks: World) -> None:
    gateway = one(eks.graph, ENDPOINT, "network-s3")
    assert (gateway["serviceName"], gateway["vpcEndpointType"]) == ("com.amazonaws.us-west-2.s3", "Gateway")
    tables = {made(TABLE, f"network-{kind}-{zone}", "id") for kind in ("private", "intra") for zone in ZONES}
    assert set(gateway["routeTableIds"]) == tables


def test_services_are_called_otherwise_in_china(deploy: Deploy) -> None:
    endpoints = every(deploy(**CHINA).graph, ENDPOINT).values()
    there = {f"cn.com.amazonaws.cn-north-1.{service}" for service in ("ecr.api", "ecr.dkr", "sagemaker.runtime", "sts")}
    alike = {f"com.amazonaws.cn-north-1.{service}" for service in ("logs", "s3")}
    assert {e.inputs["serviceName"] for e in endpoints} == there | alike


def test_the_vpc_stays_where_the_stack_is_protected(deploy: Deploy, eks: World) -> None:
    protected = kept(deploy, **PROTECT).graph
    assert every(protected, "ec2/vpc:Vpc")["network-vpc"].protect
    assert not every(eks.graph, "ec2/vpc:Vpc")["network-vpc"].protect
