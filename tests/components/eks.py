"""What the tests of the AWS half share: variants of the tiny platform on EKS, and ways to look at what they become."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from policy.graph import Graph, Resource, leaves
from tests.support import EKS, World

Deploy = Callable[..., World]
ACCOUNT = "999988887777"
ADMINS = {
    "deployer": f"arn:aws:iam::{ACCOUNT}:role/deployer",
    "break-glass": f"arn:aws:iam::{ACCOUNT}:role/break-glass",
}
ON_AWS = ("dev", "staging", "prod")
"""The committed stacks that make their cluster."""

POD_IDENTITY = {**EKS, "aws__identity": "pod-identity"}
ZONE = "Z0123456789ABCDEFGHIJ"
DNS = {**EKS, "cluster__dns": {"zone": "example.com", "zone_id": ZONE}}
CERTIFIED = {
    **EKS,
    "cluster__dns": {"zone": "example.com", "zone_id": ZONE, "certificate": True},
    "ingress__certificate_arn": None,
}
BUCKETS = {
    **EKS,
    "buckets": {
        "access": {"holds": "load-balancer-logs", "expire": 90},
        "traces": {"holds": "telemetry", "expire": 30},
    },
}
MAY = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::papers/*"]}
CONDITIONED = {**MAY, "conditions": {"StringEquals": {"aws:SourceVpc": ["vpc-1"]}}}
PERMISSIONS = {**EKS, "services__door__permissions": [MAY, CONDITIONED]}
PUBLIC = {**EKS, "cluster__endpoint": {"public_cidrs": ["203.0.113.0/24"]}}
PEOPLE = {
    "ops": {"principal": f"arn:aws:iam::{ACCOUNT}:role/ops", "policy": "admin"},
    "backend": {"principal": f"arn:aws:iam::{ACCOUNT}:role/backend", "policy": "edit", "namespaces": ["back"]},
    "guests": {"principal": f"arn:aws:iam::{ACCOUNT}:role/guests"},
}
ACCESS = {**EKS, "cluster__access": PEOPLE}
ONE_NAT = {**EKS, "cluster__network__nat": "one"}
ENDPOINTS = {**EKS, "cluster__network__endpoints": ["ecr.api", "ecr.dkr", "sagemaker.runtime", "sts"]}
CHINA = {
    **EKS,
    "aws__region": "cn-north-1",
    "aws__zones": ["cn-north-1a", "cn-north-1b"],
    "cluster__deployer": f"arn:aws-cn:iam::{ACCOUNT}:role/deployer",
    "cluster__break_glass": f"arn:aws-cn:iam::{ACCOUNT}:role/break-glass",
    "ingress__certificate_arn": None,
}
ARM = {"instance_types": ["m7g.xlarge"], "capacity": "on-demand", "min": 0, "max": 2, "node_start_up": "180s"}
ARM_POOL = {**EKS, "node_pools__arm": ARM, "aws__quotas__standard": 56}
MIRROR = {**EKS, "cluster__charts": "oci://registry.example.com/charts"}
PROTECT = {**EKS, "cluster__protect": True}
ALONE = {
    **{path: value for path, value in EKS.items() if not path.startswith("caches")},
    "services__worker__calls": [],
    "services__door__routes__work__variants": None,
    "models": None,
    "caches": None,
    "hub": None,
}
"""Without models, and so without weights and a token for them."""
SEED_POOLS = {
    **EKS,
    "aws__quotas": {"standard": 128, "standard_spot": 32, "g_spot": 140},
    "node_pools__cpu": {
        "instance_types": ["m6i.xlarge", "m7i.xlarge"],
        "capacity": "on-demand",
        "min": 2,
        "max": 20,
        "scale_down_after": "5m",
        "node_start_up": "180s",
    },
    "node_pools__t4": {
        "instance_types": ["g4dn.2xlarge"],
        "capacity": "spot",
        "min": 0,
        "max": 10,
        "gpus": 1,
        "scale_down_after": "30m",
        "taints": [{"key": "nvidia.com/gpu", "value": "present"}],
        "labels": {"accelerator": "nvidia"},
        "disk": {"size": "150Gi", "iops": 4000, "throughput": 600},
        "node_start_up": "300s",
    },
}
"""The two pools of seed 001's guide to the cluster autoscaler."""
VARIANTS = {
    "as it is": EKS,
    "pod identity": POD_IDENTITY,
    "dns": CERTIFIED,
    "buckets": BUCKETS,
    "permissions": PERMISSIONS,
    "public": PUBLIC,
    "access": ACCESS,
    "one NAT": ONE_NAT,
    "arm64": ARM_POOL,
    "mirror": MIRROR,
    "protected": PROTECT,
    "without models": ALONE,
    "seed 001": SEED_POOLS,
}


def every(graph: Graph, kind: str) -> dict[str, Resource]:
    """Logical name -> resource, of an AWS type: `every(graph, "ec2/subnet:Subnet")`."""
    return {r.name: r for r in graph.resources if r.type == f"aws:{kind}"}


def one(graph: Graph, kind: str, name: str | None = None) -> Any:
    """The inputs of the one AWS resource of a type, or of the one with this logical name."""
    found = every(graph, kind)
    if name is not None:
        return found[name].inputs
    (only,) = found.values()
    return only.inputs


def releases(graph: Graph) -> dict[str, Resource]:
    """Chart -> its release."""
    return {r.name: r for r in graph.resources if r.type == "kubernetes:helm.sh/v3:Release"}


def made(kind: str, name: str, path: str) -> str:
    """What stands for a value that AWS will give."""
    return f"${{aws:{kind} {name}.{path}}}"


def before(graph: Graph, resource: Resource) -> set[str]:
    """`<type> <name>` of everything that is made before a resource, and of what that needs in turn."""
    seen: set[str] = set()
    waiting = [resource]
    while waiting:
        now = waiting.pop()
        for urn in (*now.dependencies, *([now.provider] if now.provider else [])):
            if urn not in seen:
                seen.add(urn)
                waiting.append(graph.by_urn[urn])
    return {f"{graph.by_urn[urn].type} {graph.by_urn[urn].name}" for urn in seen}


def documents(graph: Graph) -> Iterator[tuple[Resource, str, Any]]:
    """Every IAM document of a graph: its resource, the property, the document."""
    for resource in graph.resources:
        for path, leaf in leaves(resource.inputs) if resource.type.startswith("aws:") else ():
            if isinstance(leaf, str) and leaf.startswith("{") and '"Statement"' in leaf:
                yield resource, path, json.loads(leaf)


def trust(graph: Graph, role: str) -> Any:
    """The one statement of who takes the role with this name."""
    (only,) = trusts(graph)[role]
    return only


def trusts(graph: Graph) -> dict[str, Any]:
    """Name of a role -> the statements of who takes it."""
    roles = every(graph, "iam/role:Role").values()
    return {r.inputs["name"]: json.loads(r.inputs["assumeRolePolicy"])["Statement"] for r in roles}


def allowed(graph: Graph, name: str) -> dict[str, Any]:
    """Sid -> statement, of the policy of a role with this logical name."""
    return {s["Sid"]: s for s in json.loads(one(graph, "iam/rolePolicy:RolePolicy", name)["policy"])["Statement"]}
