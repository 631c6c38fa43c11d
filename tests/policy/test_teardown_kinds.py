"""Each kind of order, on the smallest graph that asks for it: required by what is there, missed where none says it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from policy.graph import Graph, Resource
from policy.rules.teardown import order, required
from tests.conftest import planned
from tests.policy.support import resource_of
from tests.policy.test_teardown import MADE
from tests.policy.variants import VARIANTS, variant

AWS = {
    "Addon": "eks/addon",
    "AccessEntry": "eks/accessEntry",
    "AccessPolicyAssociation": "eks/accessPolicyAssociation",
    "Bucket": "s3/bucket",
    "BucketLifecycleConfiguration": "s3/bucketLifecycleConfiguration",
    "BucketPolicy": "s3/bucketPolicy",
    "BucketPublicAccessBlock": "s3/bucketPublicAccessBlock",
    "BucketVersioning": "s3/bucketVersioning",
    "Cluster": "eks/cluster",
    "Eip": "ec2/eip",
    "FileSystem": "efs/fileSystem",
    "FlowLog": "ec2/flowLog",
    "InternetGateway": "ec2/internetGateway",
    "LogGroup": "cloudwatch/logGroup",
    "MountTarget": "efs/mountTarget",
    "NatGateway": "ec2/natGateway",
    "NodeGroup": "eks/nodeGroup",
    "PodIdentityAssociation": "eks/podIdentityAssociation",
    "Repository": "ecr/repository",
    "Role": "iam/role",
    "RolePolicy": "iam/rolePolicy",
    "RolePolicyAttachment": "iam/rolePolicyAttachment",
    "Route": "ec2/route",
    "RouteTable": "ec2/routeTable",
    "RouteTableAssociation": "ec2/routeTableAssociation",
    "SecurityGroup": "ec2/securityGroup",
    "SecurityGroupIngressRule": "vpc/securityGroupIngressRule",
    "Subnet": "ec2/subnet",
    "Vpc": "ec2/vpc",
    "VpcEndpoint": "ec2/vpcEndpoint",
}
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"


def aws(kind: str, name: str = "a", called: str | None = None, **inputs: Any) -> Resource:
    """A resource of AWS; `called` is its name there."""
    inputs |= {"name": called} if called else {}
    type_ = f"aws:{AWS[kind]}:{kind}"
    return Resource(urn=f"urn::{type_}::{name}", type=type_, name=name, custom=True, inputs=inputs)


def of(kind: str, name: str = "a", path: str = "id") -> str:
    """What stands for a property of one."""
    return f"${{aws:{AWS[kind]}:{kind} {name}.{path}}}"


def release(chart: str, name: str = "a", **values: Any) -> Resource:
    """A Helm release."""
    type_ = "kubernetes:helm.sh/v3:Release"
    inputs = {"chart": f"oci://mirror.example.com/charts/{chart}", "namespace": "kube-system", "values": values}
    return Resource(urn=f"urn::{type_}::{name}", type=type_, name=name, custom=True, inputs=inputs)


def thing(kind: str, name: str = "a", *, api: str = "v1", namespace: str | None = "x", **parts: Any) -> Resource:
    """An object of Kubernetes."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **parts.pop("metadata", {})}
    return resource_of({"apiVersion": api, "kind": kind, "metadata": metadata, **parts})


def pods(**pod: Any) -> Resource:
    """A Deployment."""
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a"}], **pod}}
    return thing("Deployment", api="apps/v1", spec={"template": template})


ROLE = aws("Role", called="worker")
POLICY = aws("RolePolicy", role="worker")
ATTACHED = aws("RolePolicyAttachment", role=of("Role", path="name"))
ARN = of("Role", path="arn")
ASSOCIATION = aws("PodIdentityAssociation", namespace="kube-system", serviceAccount="robot", roleArn=ARN)
AGENT = aws("Addon", "agent", addonName="eks-pod-identity-agent", clusterName="c")
CLUSTER = aws("Cluster", called="c")
NODES = aws("NodeGroup", clusterName="c", subnetIds=[of("Subnet")])
SUBNET = aws("Subnet", vpcId=of("Vpc"), tags={"kubernetes.io/role/elb": "1"})
VPC = aws("Vpc")
TABLE, TIE = aws("RouteTable"), aws("RouteTableAssociation", subnetId=of("Subnet"), routeTableId=of("RouteTable"))
ROUTE = aws("Route", routeTableId=of("RouteTable"), gatewayId=of("InternetGateway"))
INTERNET = aws("InternetGateway", vpcId=of("Vpc"))
GROUP, DOOR = aws("SecurityGroup"), aws("SecurityGroupIngressRule", securityGroupId=of("SecurityGroup"))
FILES = aws("FileSystem")
ALB = {"annotations": {"alb.ingress.kubernetes.io/scheme": "internet-facing"}}
INGRESS = thing("Ingress", spec={"ingressClassName": "alb"}, metadata=ALB)
CONTROLLER = release("aws-load-balancer-controller", enableServiceMutatorWebhook=False)
EFS = thing(
    "StorageClass", "efs", namespace=None, provisioner="efs.csi.aws.com", parameters={"fileSystemId": of("FileSystem")}
)
CLAIM = thing("PersistentVolumeClaim", spec={"storageClassName": "efs"})

OWN = "RolePolicy -> Role"

CASES: dict[str, tuple[list[Resource], set[str]]] = {
    "a marker": ([aws("FlowLog", logDestination=of("LogGroup")), aws("LogGroup")], {"FlowLog -> LogGroup"}),
    "a marker inside a text": (
        [aws("Role", assumeRolePolicy=f'{{"Resource": "{of("LogGroup", "x.y-z", "arn")}"}}'), aws("LogGroup", "x.y-z")],
        {"Role -> LogGroup"},
    ),
    "a name": ([aws("Addon", addonName="vpc-cni", clusterName="c"), CLUSTER], {"Addon -> Cluster"}),
    "a name of another": ([aws("Addon", addonName="vpc-cni", clusterName="d"), CLUSTER], set()),
    "a role of AWS's own": (
        [aws("FlowLog", iamRoleArn=ARN), ROLE, POLICY, ATTACHED],
        {
            "FlowLog -> Role",
            "FlowLog -> RolePolicy",
            "FlowLog -> RolePolicyAttachment",
            "RolePolicy -> Role",
            "RolePolicyAttachment -> Role",
        },
    ),
    "a role that is named by its ARN": (
        [aws("FlowLog", iamRoleArn="arn:aws:iam::111122223333:role/worker"), ROLE],
        {"FlowLog -> Role"},
    ),
    "a role of another name": ([aws("FlowLog", iamRoleArn="arn:aws:iam::1:role/other"), ROLE, POLICY], {OWN}),
    "a role of a release": (
        [release("x", serviceAccount={"annotations": {ROLE_ANNOTATION: ARN}}), ROLE, POLICY],
        {"Release -> Role", "Release -> RolePolicy", OWN},
    ),
    "a role of a release, by the agent": (
        [release("x", serviceAccount={"name": "robot"}), ASSOCIATION, AGENT, ROLE],
        {"Release -> PodIdentityAssociation", "Release -> Addon", "Release -> Role", "PodIdentityAssociation -> Role"},
    ),
    "a role of an add-on, by the agent": (
        [
            aws("Addon", addonName="aws-ebs-csi-driver", clusterName="c"),
            replace(ASSOCIATION, inputs={**ASSOCIATION.inputs, "serviceAccount": "ebs-csi-controller-sa"}),
            AGENT,
            ROLE,
        ],
        {"Addon -> PodIdentityAssociation", "Addon -> Addon", "Addon -> Role", "PodIdentityAssociation -> Role"},
    ),
    "a role of pods": (
        [
            pods(serviceAccountName="robot"),
            thing("ServiceAccount", "robot", metadata={"annotations": {ROLE_ANNOTATION: "arn:aws:iam::1:role/worker"}}),
            ROLE,
            POLICY,
        ],
        {"Deployment -> Role", "Deployment -> RolePolicy", OWN},
    ),
    "a role of pods, by the agent": (
        [pods(), replace(ASSOCIATION, inputs={"namespace": "x", "serviceAccount": "default", "roleArn": ARN}), ROLE],
        {"Deployment -> PodIdentityAssociation", "Deployment -> Role", "PodIdentityAssociation -> Role"},
    ),
    "a log group of a cluster": ([CLUSTER, aws("LogGroup", called="/aws/eks/c/cluster")], {"Cluster -> LogGroup"}),
    "an access policy": (
        [
            aws("AccessPolicyAssociation", principalArn="p", clusterName="c"),
            aws("AccessEntry", principalArn="p", clusterName="c"),
            aws("AccessEntry", "other", principalArn="q", clusterName="c"),
        ],
        {"AccessPolicyAssociation -> AccessEntry"},
    ),
    "what nodes wait for": ([NODES, aws("Addon", addonName="vpc-cni", clusterName="c")], {"NodeGroup -> Addon"}),
    "what waits for nodes": ([NODES, aws("Addon", addonName="coredns", clusterName="c")], {"Addon -> NodeGroup"}),
    "what nodes come and leave by": (
        [
            NODES,
            aws("Subnet", vpcId=of("Vpc")),
            VPC,
            TABLE,
            TIE,
            aws("Route", routeTableId=of("RouteTable")),
            aws("VpcEndpoint", vpcId=of("Vpc"), securityGroupIds=[of("SecurityGroup")]),
            GROUP,
            DOOR,
        ],
        {
            "NodeGroup -> Subnet",
            "NodeGroup -> RouteTableAssociation",
            "NodeGroup -> Route",
            "NodeGroup -> VpcEndpoint",
            "NodeGroup -> SecurityGroupIngressRule",
            "Subnet -> Vpc",
            "RouteTableAssociation -> Subnet",
            "RouteTableAssociation -> RouteTable",
            "Route -> RouteTable",
            "VpcEndpoint -> Vpc",
            "VpcEndpoint -> SecurityGroup",
            "SecurityGroupIngressRule -> SecurityGroup",
        },
    ),
    "an endpoint by routes of other subnets": (
        [
            NODES,
            SUBNET,
            VPC,
            aws("VpcEndpoint", vpcId=of("Vpc"), routeTableIds=[of("RouteTable", "b")]),
            aws("RouteTable", "b"),
        ],
        {"NodeGroup -> Subnet", "Subnet -> Vpc", "VpcEndpoint -> Vpc", "VpcEndpoint -> RouteTable"},
    ),
    "a way out": (
        [
            aws("NatGateway", subnetId=of("Subnet"), allocationId=of("Eip")),
            aws("Eip"),
            SUBNET,
            VPC,
            INTERNET,
            TABLE,
            TIE,
            ROUTE,
        ],
        {
            "NatGateway -> Eip",
            "NatGateway -> Subnet",
            "NatGateway -> RouteTableAssociation",
            "NatGateway -> Route",
            "NatGateway -> InternetGateway",
            "Eip -> InternetGateway",
            "Subnet -> Vpc",
            "InternetGateway -> Vpc",
            "RouteTableAssociation -> Subnet",
            "RouteTableAssociation -> RouteTable",
            "Route -> RouteTable",
            "Route -> InternetGateway",
        },
    ),
    "a bucket": (
        [
            aws("Bucket", bucket="logs"),
            aws("BucketPolicy", bucket="logs"),
            aws("BucketPublicAccessBlock", bucket="logs"),
            aws("BucketLifecycleConfiguration", bucket="logs"),
            aws("BucketVersioning", bucket="logs"),
        ],
        {
            "BucketPolicy -> BucketPublicAccessBlock",
            "BucketLifecycleConfiguration -> BucketVersioning",
            "BucketPolicy -> Bucket",
            "BucketPublicAccessBlock -> Bucket",
            "BucketLifecycleConfiguration -> Bucket",
            "BucketVersioning -> Bucket",
        },
    ),
    "the way into the cluster": (
        [
            thing("ConfigMap"),
            release("x"),
            CLUSTER,
            aws("NodeGroup", clusterName="d"),
            aws("AccessEntry"),
            aws("AccessPolicyAssociation"),
        ],
        {
            f"{kind} -> {first}"
            for kind in ("ConfigMap", "Release")
            for first in ("Cluster", "NodeGroup", "AccessEntry", "AccessPolicyAssociation")
        }
        | {"AccessPolicyAssociation -> AccessEntry"},
    ),
    "names in the cluster": (
        [pods(), release("x"), aws("Addon", addonName="coredns")],
        {"Deployment -> Addon", "Release -> Addon"},
    ),
    "guards of a namespace": (
        [
            pods(),
            thing("LimitRange"),
            thing("ResourceQuota"),
            thing("NetworkPolicy", spec={"podSelector": {}}),
            thing("NetworkPolicy", "own", spec={"podSelector": {"matchLabels": {"app": "a"}}}),
            thing("LimitRange", namespace="y"),
        ],
        {"Deployment -> LimitRange", "Deployment -> ResourceQuota", "Deployment -> NetworkPolicy"},
    ),
    "a kind of a chart's": (
        [thing("ScaledObject", api="keda.sh/v1alpha1"), release("keda"), release("external-secrets", "b")],
        {"ScaledObject -> Release"},
    ),
    "a kind of a definition": (
        [
            thing("Widget", api="example.com/v1"),
            thing("Gadget", api="example.com/v1"),
            thing(
                "CustomResourceDefinition",
                api="apiextensions.k8s.io/v1",
                namespace=None,
                spec={"group": "example.com", "names": {"kind": "Widget"}},
            ),
        ],
        {"Widget -> CustomResourceDefinition"},
    ),
    "a load balancer": (
        [INGRESS, CONTROLLER, SUBNET, VPC, TABLE, TIE],
        {
            "Ingress -> Release",
            "Ingress -> Subnet",
            "Ingress -> RouteTableAssociation",
            "Subnet -> Vpc",
            "RouteTableAssociation -> Subnet",
            "RouteTableAssociation -> RouteTable",
        },
    ),
    "a load balancer elsewhere": ([thing("Ingress", spec={"ingressClassName": "alb"}), SUBNET, VPC], {"Subnet -> Vpc"}),
    "a load balancer of a Service": (
        [thing("Service", spec={"type": "LoadBalancer"}), CONTROLLER],
        {"Service -> Release"},
    ),
    "a webhook on Services": ([thing("Service"), release("aws-load-balancer-controller")], {"Service -> Release"}),
    "no webhook on Services": ([thing("Service"), CONTROLLER], set()),
    "pods that a load balancer must know": (
        [
            pods(),
            thing(
                "Namespace",
                "x",
                namespace=None,
                metadata={"labels": {"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"}},
            ),
            CONTROLLER,
        ],
        {"Deployment -> Release"},
    ),
    "an access log": (
        [
            thing(
                "Ingress",
                spec={"ingressClassName": "alb"},
                metadata={
                    "annotations": {
                        "alb.ingress.kubernetes.io/load-balancer-attributes": "a.b=c,access_logs.s3.bucket=logs,x=y"
                    }
                },
            ),
            aws("Bucket", bucket="logs"),
            aws("BucketPolicy", bucket="logs"),
            aws("Bucket", "b", bucket="other"),
        ],
        {"Ingress -> Bucket", "Ingress -> BucketPolicy", "BucketPolicy -> Bucket"},
    ),
    "what answers": (
        [
            thing("Ingress", spec={"defaultBackend": {"service": {"name": "a"}}}),
            thing("Service", spec={"selector": {"app": "a"}}),
            thing("Service", "b", spec={"selector": {"app": "a"}}),
            pods(),
        ],
        {"Ingress -> Service", "Ingress -> Deployment"},
    ),
    "records that are deleted": ([INGRESS, release("external-dns", policy="sync")], {"Ingress -> Release"}),
    "records that stay": ([INGRESS, release("external-dns", policy="upsert-only")], set()),
    "a secret from outside": (
        [
            thing("ExternalSecret", api="external-secrets.io/v1", spec={"secretStoreRef": {"name": "a"}}),
            thing("SecretStore", api="external-secrets.io/v1"),
            thing("SecretStore", api="external-secrets.io/v1", namespace="y"),
            thing("ClusterSecretStore", api="external-secrets.io/v1", namespace=None),
            release("external-secrets"),
        ],
        {
            "ExternalSecret -> SecretStore",
            "ExternalSecret -> Release",
            "SecretStore -> Release",
            "ClusterSecretStore -> Release",
        },
    ),
    "shared files": (
        [
            CLAIM,
            EFS,
            FILES,
            aws("MountTarget", fileSystemId=of("FileSystem"), securityGroups=[of("SecurityGroup")]),
            GROUP,
            DOOR,
            aws("Addon", addonName="aws-efs-csi-driver"),
        ],
        {
            "PersistentVolumeClaim -> StorageClass",
            "StorageClass -> FileSystem",
            "StorageClass -> MountTarget",
            "StorageClass -> SecurityGroupIngressRule",
            "StorageClass -> Addon",
            "MountTarget -> FileSystem",
            "MountTarget -> SecurityGroup",
            "SecurityGroupIngressRule -> SecurityGroup",
        },
    ),
    "claims that pods bring along": (
        [pods(volumes=[{"ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "efs"}}}}]), EFS, FILES],
        {"Deployment -> StorageClass", "StorageClass -> FileSystem"},
    ),
    "an image": (
        [
            pods(containers=[{"name": "a", "image": "111122223333.dkr.ecr.us-west-2.amazonaws.com/p/gateway:v1"}]),
            aws("Repository", called="p/gateway"),
            aws("Repository", "b", called="p/other"),
        ],
        {"Deployment -> Repository"},
    ),
}
"""Resources without a dependency between them -> what must be said, by kind."""


@pytest.mark.parametrize(("resources", "pairs"), CASES.values(), ids=CASES)
def test_each_kind_is_required_and_missed(resources: list[Resource], pairs: set[str]) -> None:
    graph = Graph.of(resources)
    edges = required(graph)
    assert {f"{_kind(e.later)} -> {_kind(e.sooner)}" for e in edges} == pairs
    assert order(graph) == [edge.finding for edge in edges]


@pytest.mark.parametrize("resources", [resources for resources, _ in CASES.values()], ids=CASES)
def test_each_kind_is_satisfied_by_its_dependencies(resources: list[Resource]) -> None:
    needs: dict[str, list[str]] = {}
    for edge in required(Graph.of(resources)):
        needs.setdefault(edge.later.urn, []).append(edge.sooner.urn)
    graph = Graph.of([replace(r, dependencies=tuple(needs.get(r.urn, ()))) for r in resources])
    assert order(graph) == []


def test_every_kind_that_a_stack_asks_for_has_its_case() -> None:
    graphs = [*(planned(stack).graph for stack in MADE), *(variant(name) for name in VARIANTS)]
    asked = {edge.why for graph in graphs for edge in required(graph)}
    assert asked <= _whys(Graph.of(resources) for resources, _ in CASES.values())


def _whys(graphs: Iterable[Graph]) -> set[str]:
    return {edge.why for graph in graphs for edge in required(graph)}


def _kind(resource: Resource) -> str:
    return resource.type.rsplit(":", 1)[-1]
