"""What nodes are in AWS."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.cluster.managed import attached
from settings import iam


@dataclass(frozen=True, kw_only=True)
class NodeRoleArgs:
    """What nodes may do."""

    role: str
    """Name of the role."""
    policies: Sequence[str]
    """ARNs of policies that AWS maintains."""


class NodeRole(pulumi.ComponentResource):
    """The role of all nodes: join the cluster and pull images. Pods do not reach it, they have their own."""

    arn: pulumi.Output[str]
    """The role."""
    resources: tuple[pulumi.Resource, ...]
    """What nodes need to join, and to leave."""

    def __init__(self, name: str, args: NodeRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:NodeRole", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            name=args.role,
            description="Nodes of the cluster",
            assume_role_policy=json.dumps(iam.trust_service("ec2.amazonaws.com")),
            opts=inside,
        )
        self.arn = role.arn
        self.resources = (role, *attached(name, role, args.policies, inside))
        self.register_outputs({"arn": self.arn})
