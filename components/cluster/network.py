"""The VPC: subnets for pods, for load balancers and for the control plane, and the ways out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.cluster.flow_log import NetworkLog, NetworkLogArgs
from settings.addresses import AddressPlan
from settings.eks import EksNetwork

EVERYWHERE = "0.0.0.0/0"
PREFIXED = (
    *("autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "elasticfilesystem", "monitoring"),
    *("sagemaker.api", "sagemaker.runtime", "sqs", "sts"),
)
"""Services whose endpoints in China are called cn.com.amazonaws... (aws/aws-cdk, vpc-endpoint.ts,
getDefaultEndpointPrefix); the others, S3's gateway among them, are called as elsewhere."""


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """What a VPC is cut into."""

    cluster: str
    """Name of the cluster that lives in it: load balancers and node autoscalers find its subnets by tags."""
    region: str
    """Where."""
    zones: Sequence[str]
    """Availability zones; one subnet of each kind in each."""
    vpc_cidr: str
    """Addresses of the VPC."""
    plan: AddressPlan
    """How they are cut."""
    spec: EksNetwork
    """Ways out."""
    account: str
    """Account id."""
    log_retention: int
    """Days that its flow logs are kept."""
    log_key_arn: pulumi.Input[str]
    """Key of its flow logs."""
    protect: bool
    """True: the engine does not delete it."""


class Network(pulumi.ComponentResource):
    """A VPC with public, private and intra subnets over all zones.

    Pods and nodes are in the private ones and go out by NAT; the control plane's interfaces, the endpoints of AWS
    services and internal load balancers are in the intra ones, which have no way out; the public ones hold NAT
    gateways and load balancers, and give nobody a public address by themselves.
    """

    vpc_id: pulumi.Output[str]
    """The VPC."""
    private: Mapping[str, pulumi.Output[str]]
    """Zone -> subnet of nodes and pods."""
    intra: Sequence[pulumi.Output[str]]
    """Subnets of the control plane's interfaces."""
    public: Sequence[pulumi.Output[str]]
    """Subnets of load balancers."""
    ways: tuple[pulumi.Resource, ...]
    """What nodes need to come up and to leave: routes, NAT, endpoints."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:Network", name, None, opts)
        self._logical = name
        self._args = args
        self._opts = pulumi.ResourceOptions(parent=self)
        self._vpc = self._make_vpc()
        # Taken over and emptied: whoever forgets to name a security group gets one that lets nothing through.
        aws.ec2.DefaultSecurityGroup(
            f"{name}-default", vpc_id=self._vpc.id, ingress=[], egress=[], tags=self._tag("default"), opts=self._opts
        )
        self._log()
        public, private, intra = (self._subnets(kind) for kind in ("public", "private", "intra"))
        tables, routes = self._ways_out(public, private)
        inner, ties = self._tables(intra, "intra", {})
        endpoints = self._endpoints(intra, [*tables.values(), *inner.values()])
        self.vpc_id = self._vpc.id
        self.private = {zone: subnet.id for zone, subnet in private.items()}
        self.intra = [subnet.id for subnet in intra.values()]
        self.public = [subnet.id for subnet in public.values()]
        self.ways = (*routes, *ties, *endpoints)
        self.register_outputs({"vpc_id": self.vpc_id})

    def _tag(self, role: str) -> dict[str, str]:
        return {"Name": f"{self._args.cluster}-{role}"}

    def _make_vpc(self) -> aws.ec2.Vpc:
        return aws.ec2.Vpc(
            f"{self._logical}-vpc",
            cidr_block=self._args.vpc_cidr,
            enable_dns_hostnames=True,  # without both, a private endpoint's name does not resolve inside
            enable_dns_support=True,
            tags=self._tag("vpc"),
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.protect),
        )

    def _log(self) -> None:
        args = NetworkLogArgs(
            vpc_id=self._vpc.id,
            group=f"/{self._args.cluster}/flow-logs",
            role=f"{self._args.cluster}-flow-logs",
            retention=self._args.log_retention,
            key_arn=self._args.log_key_arn,
            region=self._args.region,
            account=self._args.account,
        )
        NetworkLog(f"{self._logical}-log", args, self._opts)

    def _subnets(self, kind: str) -> dict[str, aws.ec2.Subnet]:
        found: dict[str, str] = {
            "public": "kubernetes.io/role/elb",
            "intra": "kubernetes.io/role/internal-elb",
        }
        by = {found[kind]: "1"} if kind in found else {"karpenter.sh/discovery": self._args.cluster}
        cidrs: Sequence[str] = getattr(self._args.plan, kind)
        return {
            zone: aws.ec2.Subnet(
                f"{self._logical}-{kind}-{zone}",
                vpc_id=self._vpc.id,
                availability_zone=zone,
                cidr_block=cidr,
                map_public_ip_on_launch=False,
                tags={**self._tag(f"{kind}-{zone}"), f"kubernetes.io/cluster/{self._args.cluster}": "shared", **by},
                opts=self._opts,
            )
            for zone, cidr in zip(self._args.zones, cidrs, strict=True)
        }

    def _ways_out(
        self, public: Mapping[str, aws.ec2.Subnet], private: Mapping[str, aws.ec2.Subnet]
    ) -> tuple[dict[str, aws.ec2.RouteTable], list[pulumi.Resource]]:
        """Routes to the internet: of the public subnets, and by NAT of the private ones."""
        gateway = aws.ec2.InternetGateway(
            f"{self._logical}-internet", vpc_id=self._vpc.id, tags=self._tag("internet"), opts=self._opts
        )
        _, outside = self._tables(public, "public", {zone: {"gateway_id": gateway.id} for zone in public})
        # A NAT gateway works once its own subnet reaches the internet, and AWS does not detach that before it is gone.
        first = pulumi.ResourceOptions(parent=self, depends_on=[gateway, *outside])
        nats = {}
        for zone in self._args.zones if self._args.spec.nat == "per-zone" else self._args.zones[:1]:
            tag = self._tag(f"nat-{zone}")
            address = aws.ec2.Eip(f"{self._logical}-nat-{zone}", domain="vpc", tags=tag, opts=first)
            nats[zone] = aws.ec2.NatGateway(
                f"{self._logical}-nat-{zone}",
                allocation_id=address.id,
                subnet_id=public[zone].id,
                tags=tag,
                # Another one could not have the address while this one has it.
                opts=pulumi.ResourceOptions.merge(first, pulumi.ResourceOptions(delete_before_replace=True)),
            )
        one = next(iter(nats.values()))
        by = {zone: {"nat_gateway_id": nats.get(zone, one).id} for zone in private}
        tables, routes = self._tables(private, "private", by)
        return tables, [*outside, *routes]

    def _tables(
        self,
        subnets: Mapping[str, aws.ec2.Subnet],
        kind: str,
        ways: Mapping[str, Mapping[str, pulumi.Input[str]]],
    ) -> tuple[dict[str, aws.ec2.RouteTable], list[pulumi.Resource]]:
        """A route table for each subnet, with a way out where there is one."""
        tables, parts = {}, list[pulumi.Resource]()
        for zone, subnet in subnets.items():
            name = f"{self._logical}-{kind}-{zone}"
            table = aws.ec2.RouteTable(name, vpc_id=self._vpc.id, tags=self._tag(f"{kind}-{zone}"), opts=self._opts)
            tables[zone] = table
            parts.append(
                aws.ec2.RouteTableAssociation(name, subnet_id=subnet.id, route_table_id=table.id, opts=self._opts)
            )
            if zone in ways:
                parts.append(
                    aws.ec2.Route(
                        name,
                        route_table_id=table.id,
                        destination_cidr_block=EVERYWHERE,
                        opts=self._opts,
                        **ways[zone],
                    )
                )
        return tables, parts

    def _endpoints(
        self, intra: Mapping[str, aws.ec2.Subnet], tables: Sequence[aws.ec2.RouteTable]
    ) -> list[pulumi.Resource]:
        """AWS services inside the VPC: S3 by routes, the others by an interface in each zone."""
        group = aws.ec2.SecurityGroup(
            f"{self._logical}-endpoints",
            description="AWS service endpoints: HTTPS from inside the VPC",
            vpc_id=self._vpc.id,
            tags=self._tag("endpoints"),
            opts=self._opts,
        )
        rule = aws.vpc.SecurityGroupIngressRule(
            f"{self._logical}-endpoints-https",
            security_group_id=group.id,
            description="HTTPS from inside the VPC",
            cidr_ipv4=self._args.vpc_cidr,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            opts=self._opts,
        )
        routed = aws.ec2.VpcEndpoint(
            f"{self._logical}-s3",
            vpc_id=self._vpc.id,
            service_name=self._service("s3"),
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in tables],
            tags=self._tag("s3"),
            opts=self._opts,
        )
        interfaces = [
            aws.ec2.VpcEndpoint(
                f"{self._logical}-{service.replace('.', '-')}",
                vpc_id=self._vpc.id,
                service_name=self._service(service),
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                security_group_ids=[group.id],
                subnet_ids=[subnet.id for subnet in intra.values()],
                tags=self._tag(service),
                opts=self._opts,
            )
            for service in self._args.spec.endpoints
        ]
        return [rule, routed, *interfaces]

    def _service(self, service: str) -> str:
        china = self._args.region.startswith("cn-") and service in PREFIXED
        return f"{'cn.' if china else ''}com.amazonaws.{self._args.region}.{service}"
