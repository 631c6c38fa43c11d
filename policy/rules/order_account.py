"""The order of what AWS makes: what each kind of resource needs beside what its inputs name."""

from __future__ import annotations

from collections.abc import Iterator

from policy.graph import Resource
from policy.reading import text
from policy.rules.scene import ADDON, AGENT, ASSOCIATION, ROLE, Edge, Scene, accounts_of, edges, takes, under
from policy.rules.scene import ROLE_ANNOTATION as ANNOTATION

CLUSTER = "aws:eks/cluster:Cluster"
NODES = "aws:eks/nodeGroup:NodeGroup"
ENTRY, ENTRY_POLICY = "aws:eks/accessEntry:AccessEntry", "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
SUBNET, VPC = "aws:ec2/subnet:Subnet", "aws:ec2/vpc:Vpc"
TABLE, TIE = "aws:ec2/routeTable:RouteTable", "aws:ec2/routeTableAssociation:RouteTableAssociation"
ROUTE, ENDPOINT = "aws:ec2/route:Route", "aws:ec2/vpcEndpoint:VpcEndpoint"
GATEWAY, NAT, ADDRESS = "aws:ec2/internetGateway:InternetGateway", "aws:ec2/natGateway:NatGateway", "aws:ec2/eip:Eip"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
RULES = (
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "aws:ec2/securityGroupRule:SecurityGroupRule",
)
BUCKET, BUCKET_POLICY = "aws:s3/bucket:Bucket", "aws:s3/bucketPolicy:BucketPolicy"
SHUT = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
REPOSITORY = "aws:ecr/repository:Repository"
PARTS = {"clusterName": CLUSTER, "role": ROLE, "bucket": BUCKET, "repository": REPOSITORY}
"""Inputs that name, in plain words, what a resource is a part of."""
ROLES = frozenset({"roleArn", "nodeRoleArn", "iamRoleArn", "serviceAccountRoleArn"})
"""Inputs that say in which role AWS works for a resource."""
NODE_ADDONS = ("vpc-cni", "kube-proxy", AGENT)
"""Add-ons without which a node does not become Ready, or no pod on it gets a role; every other one runs on nodes."""
ADDON_ACCOUNTS = {
    "vpc-cni": "aws-node",
    "aws-ebs-csi-driver": "ebs-csi-controller-sa",
    "aws-efs-csi-driver": "efs-csi-controller-sa",
}
"""Add-on -> the ServiceAccount, in kube-system, of its pods that call AWS (EKS user guide, add-ons' IAM roles)."""


def account(scene: Scene) -> Iterator[Edge]:
    """Every order that must hold between what AWS makes, and for releases in the cluster their roles."""
    for part in (_named, _roles, _clusters, _nodes, _addons, _ways_out, _buckets):
        yield from part(scene)


def _named(scene: Scene) -> Iterator[Edge]:
    for resource in scene.graph.resources:
        if not resource.custom or resource.type.startswith("pulumi:providers:"):
            continue
        yield from edges(resource, scene.markers.within(resource.inputs), "its inputs name it")
        for key, type_ in PARTS.items():
            if resource.type.startswith("aws:"):
                yield from edges(resource, scene.called(type_, resource.inputs.get(key)), "it is a part of it")


def _roles(scene: Scene) -> Iterator[Edge]:
    why = "in its role it may do nothing without it"
    for resource in scene.graph.resources:
        if resource.type.startswith("aws:") and resource.type != ASSOCIATION:
            for value in takes(resource, ROLES):
                for role in scene.called(ROLE, value):
                    yield from edges(resource, scene.rights(role), why)
    for addon in scene.of(ADDON):
        name = ADDON_ACCOUNTS.get(text(addon.inputs.get("addonName")))
        # Of the two that nodes wait for, neither has a pod before there is a node: in any order.
        early = scene.addons(AGENT) if addon.inputs.get("addonName") in NODE_ADDONS else []
        if name is not None:
            found = [r for r in scene.identity("kube-system", name) if r not in early]
            yield from edges(addon, found, why)
    for release in scene.graph.releases:
        for value in under(release.inputs.get("values"), ANNOTATION):
            for role in scene.called(ROLE, value):
                yield from edges(release, scene.rights(role), why)
        for name in accounts_of(release):
            yield from edges(release, scene.identity(text(release.inputs.get("namespace")), name), why)


def _clusters(scene: Scene) -> Iterator[Edge]:
    for cluster in scene.of(CLUSTER):
        wanted = f"/aws/eks/{cluster.inputs.get('name')}/cluster"
        groups = [g for g in scene.of("aws:cloudwatch/logGroup:LogGroup") if g.inputs.get("name") == wanted]
        yield from edges(cluster, groups, "EKS writes into it, and makes one without a key or an end where it is gone")
    for policy in scene.of(ENTRY_POLICY):
        who = (policy.inputs.get("principalArn"), policy.inputs.get("clusterName"))
        entries = [e for e in scene.of(ENTRY) if (e.inputs.get("principalArn"), e.inputs.get("clusterName")) == who]
        yield from edges(policy, entries, "a policy is given to an entry")


def _nodes(scene: Scene) -> Iterator[Edge]:
    for group in scene.of(NODES):
        first = [a for a in scene.addons(*NODE_ADDONS) if _same_cluster(a, group)]
        yield from edges(group, first, "no node is Ready without it, and none leaves in order")
        for subnet in _subnets(scene, group):
            yield from edges(group, (*ways(scene, subnet), *endpoints(scene, subnet)), "nodes come and leave by it")


def _addons(scene: Scene) -> Iterator[Edge]:
    for addon in scene.of(ADDON):
        if addon.inputs.get("addonName") not in NODE_ADDONS:
            groups = [group for group in scene.of(NODES) if _same_cluster(addon, group)]
            yield from edges(addon, groups, "its pods run on these nodes, and it is not active before they do")


def _same_cluster(one: Resource, other: Resource) -> bool:
    return one.inputs.get("clusterName") == other.inputs.get("clusterName")


def _subnets(scene: Scene, resource: Resource) -> list[Resource]:
    return [r for r in scene.markers.within(resource.inputs) if r.type == SUBNET]


def ways(scene: Scene, subnet: Resource) -> Iterator[Resource]:
    """How a subnet is connected: its tie to a route table, and the routes of that."""
    for tie in scene.naming(TIE, "subnetId", subnet):
        yield tie
        for table in scene.called(TABLE, tie.inputs.get("routeTableId")):
            yield from scene.naming(ROUTE, "routeTableId", table)


def endpoints(scene: Scene, subnet: Resource) -> Iterator[Resource]:
    """The services of AWS that are reached from a subnet inside the VPC, and who lets its requests in there."""
    tables = [
        t for tie in scene.naming(TIE, "subnetId", subnet) for t in scene.called(TABLE, tie.inputs.get("routeTableId"))
    ]
    for vpc in scene.called(VPC, subnet.inputs.get("vpcId")):
        for endpoint in scene.naming(ENDPOINT, "vpcId", vpc):
            routed = [r for r in scene.markers.within(endpoint.inputs.get("routeTableIds")) if r.type == TABLE]
            if not routed or any(table in routed for table in tables):
                yield endpoint
                yield from doors(scene, endpoint)


def doors(scene: Scene, resource: Resource) -> Iterator[Resource]:
    """The rules of the security groups that a resource names."""
    for group in (r for r in scene.markers.within(resource.inputs) if r.type == GROUP):
        for type_ in RULES:
            yield from scene.naming(type_, "securityGroupId", group)


def _ways_out(scene: Scene) -> Iterator[Edge]:
    for nat in scene.of(NAT):
        for subnet in _subnets(scene, nat):
            yield from edges(nat, ways(scene, subnet), "it reaches the internet by it")
            gateways = [
                gateway
                for vpc in scene.called(VPC, subnet.inputs.get("vpcId"))
                for gateway in scene.naming(GATEWAY, "vpcId", vpc)
            ]
            why = "AWS does not detach it while the VPC has a public address"
            for later in (nat, *scene.called(ADDRESS, nat.inputs.get("allocationId"))):
                yield from edges(later, gateways, why)


def _buckets(scene: Scene) -> Iterator[Edge]:
    for bucket in scene.of(BUCKET):
        for policy in scene.naming(BUCKET_POLICY, "bucket", bucket):
            yield from edges(policy, scene.naming(SHUT, "bucket", bucket), "S3 refuses two changes of access at a time")
        for cycle in scene.naming(LIFECYCLE, "bucket", bucket):
            versions = scene.naming(VERSIONING, "bucket", bucket)
            yield from edges(cycle, versions, "it says what becomes of old versions")


def buckets(scene: Scene, name: str) -> list[Resource]:
    """What a writer into a bucket needs: the bucket, and the policy that lets it write."""
    found = scene.called(BUCKET, name)
    return [*found, *(policy for bucket in found for policy in scene.naming(BUCKET_POLICY, "bucket", bucket))]
