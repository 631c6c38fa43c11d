"""Policies that AWS maintains, and what has them."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws


def attached(
    name: str, role: aws.iam.Role, policies: Sequence[str], opts: pulumi.ResourceOptions
) -> list[aws.iam.RolePolicyAttachment]:
    """Attaches policies to a role: one resource for each, called after the role and the policy.

    Args:
        name: logical name of what owns the role.
        role: the role.
        policies: ARNs.
        opts: of the attachments.
    """
    return [
        aws.iam.RolePolicyAttachment(
            f"{name}-{arn.rpartition('/')[2].lower()}", role=role.name, policy_arn=arn, opts=opts
        )
        for arn in policies
    ]
