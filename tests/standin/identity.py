"""Ids, names and ARNs that look like AWS's own; the same resource gets the same ones in every run."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PREFIXES = {
    "Vpc": "vpc",
    "Subnet": "subnet",
    "SecurityGroup": "sg",
    "DefaultSecurityGroup": "sg",
    "SecurityGroupIngressRule": "sgr",
    "SecurityGroupEgressRule": "sgr",
    "SecurityGroupRule": "sgrule",
    "InternetGateway": "igw",
    "EgressOnlyInternetGateway": "eigw",
    "NatGateway": "nat",
    "Eip": "eipalloc",
    "Route": "r",
    "RouteTable": "rtb",
    "RouteTableAssociation": "rtbassoc",
    "VpcEndpoint": "vpce",
    "FlowLog": "fl",
    "LaunchTemplate": "lt",
    "FileSystem": "fs",
    "AccessPoint": "fsap",
    "MountTarget": "fsmt",
    "PodIdentityAssociation": "a",
    "NetworkAcl": "acl",
}
"""Types whose ids are random, and what these begin with. From memory; they only have to look right."""
_JOINED = {
    "Addon": (":", "clusterName", "addonName"),
    "NodeGroup": (":", "clusterName", "nodeGroupName"),
    "FargateProfile": (":", "clusterName", "fargateProfileName"),
    "AccessEntry": (":", "clusterName", "principalArn"),
    "AccessPolicyAssociation": ("#", "clusterName", "principalArn", "policyArn"),
    "RolePolicy": (":", "role", "name"),
    "RolePolicyAttachment": ("/", "role", "policyArn"),
}
"""Types whose ids are put together from what they are of. From memory; they only have to look right."""
_BY_ARN = {"Policy", "OpenIdConnectProvider", "Certificate", "Secret", "Topic", "LoadBalancer", "TargetGroup"}
"""Types whose id is their ARN."""
_SERVICES = {
    "efs": "elasticfilesystem",
    "lb": "elasticloadbalancing",
    "alb": "elasticloadbalancing",
    "vpc": "ec2",
    "ebs": "ec2",
}
"""Module of the SDK -> service in an ARN, where they differ."""
_GLOBAL = {"iam", "route53", "cloudfront"}
"""Services whose ARNs name no region."""
_ADOPTED = {"DefaultSecurityGroup", "DefaultRouteTable", "DefaultNetworkAcl"}


@dataclass(frozen=True)
class Identity:
    """What a resource is known by."""

    id: str
    name: str
    arn: str


def identify(type_: str, urn: str, inputs: Mapping[str, Any], *, account: str, region: str, turn: int = 0) -> Identity:
    """Of a resource with these inputs; `turn` tells a replacement from what it replaces."""
    _, path, kind = type_.split(":")
    module = path.partition("/")[0]
    name = _name(kind, urn, inputs, turn)
    known = {**inputs, **{key: name for key in name_keys(kind) if key in inputs}}
    number = digest(urn, turn)
    key = str(uuid.UUID(number[:32])) if module == "kms" and kind == "Key" else ""
    if prefix := _PREFIXES.get(kind):
        identity = f"{prefix}-{number[:17]}"
    elif joined := _JOINED.get(kind):
        separator, *parts = joined
        identity = separator.join(str(known.get(part) or name) for part in parts)
    else:
        identity = key or name
    what = identity if prefix or key else name
    arn = _arn(module, kind, what, inputs, account=account, region=region)
    return Identity(arn if kind in _BY_ARN else identity, name, arn)


def digest(*parts: object) -> str:
    """Hexadecimal digits that look random."""
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()


def kebab(name: str) -> str:
    """NodeGroup -> node-group."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def name_keys(kind: str) -> tuple[str, ...]:
    """Under which inputs a type keeps its name: name, nodeGroupName, bucket (of buckets and what is said of them)."""
    camel = kind[0].lower() + kind[1:]
    return ("name", f"{camel}Name", *(("bucket",) if kind.startswith("Bucket") else ()))


def is_random(kind: str) -> bool:
    """True if two of them can have equal inputs: what they are known by is not in them."""
    return kind in _PREFIXES or kind == "Key"


def is_adopted(kind: str) -> bool:
    """True for what every VPC has anyway: it is taken over, never made or deleted."""
    return kind in _ADOPTED


def _name(kind: str, urn: str, inputs: Mapping[str, Any], turn: int) -> str:
    given = next((inputs[key] for key in name_keys(kind) if isinstance(inputs.get(key), str)), None)
    return given or f"{urn.rpartition('::')[2]}-{digest(urn, turn)[:7]}"


def _arn(module: str, kind: str, what: str, inputs: Mapping[str, Any], *, account: str, region: str) -> str:
    service = _SERVICES.get(module, module)
    if kind == "Bucket":
        return f"arn:aws:s3:::{what}"
    if kind == "LogGroup":
        return f"arn:aws:logs:{region}:{account}:log-group:{what}"
    if module in ("sqs", "sns"):
        return f"arn:aws:{service}:{region}:{account}:{what}"
    if kind == "Secret":
        return f"arn:aws:{service}:{region}:{account}:secret:{what}-{digest(what)[:6]}"
    place = "" if service in _GLOBAL else region
    if kind == "OpenIdConnectProvider":
        what = str(inputs.get("url", what)).removeprefix("https://")
        return f"arn:aws:iam::{account}:oidc-provider/{what}"
    if cluster := inputs.get("clusterName"):
        number = uuid.UUID(digest(cluster, kind, what)[:32])
        kebabs = kind.lower() if module == "eks" else kebab(kind)
        return f"arn:aws:{service}:{place}:{account}:{kebabs}/{cluster}/{what}/{number}"
    path = str(inputs.get("path") or "/") if service == "iam" else "/"
    start = "" if kind == "Alias" else f"{kebab(kind)}{path}"  # an alias has it in its name
    return f"arn:aws:{service}:{place}:{account}:{start}{what}"
