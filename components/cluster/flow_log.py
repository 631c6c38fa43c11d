"""Who talked to whom in the VPC."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from settings import iam

INTERVAL = 600
"""Seconds that are summed up in one line; 60 would be the other choice, at ten times the lines."""


@dataclass(frozen=True, kw_only=True)
class NetworkLogArgs:
    """Where flow logs go."""

    vpc_id: pulumi.Input[str]
    """Whose they are."""
    group: str
    """Name of the log group."""
    role: str
    """Name of the role that writes."""
    retention: int
    """Days."""
    key_arn: pulumi.Input[str]
    """Key of the log group."""
    region: str
    """Where."""
    account: str
    """Only for this account may AWS's flow log service take the role."""


class NetworkLog(pulumi.ComponentResource):
    """Flow logs of a VPC, in CloudWatch."""

    resource: pulumi.Resource
    """The flow log."""

    def __init__(self, name: str, args: NetworkLogArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:NetworkLog", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        group = aws.cloudwatch.LogGroup(
            f"{name}-group",
            name=args.group,
            retention_in_days=args.retention,
            kms_key_id=args.key_arn,
            opts=inside,
        )
        role = aws.iam.Role(
            f"{name}-role",
            name=args.role,
            description="Writes the VPC's flow logs",
            assume_role_policy=json.dumps(_trust(args.account)),
            opts=inside,
        )
        document = group.arn.apply(lambda arn: json.dumps(iam.document(iam.flow_log_statements(args.region, arn))))
        policy = aws.iam.RolePolicy(f"{name}-policy", role=role.name, policy=document, opts=inside)
        self.resource = aws.ec2.FlowLog(
            f"{name}-flows",
            vpc_id=args.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=INTERVAL,
            # Another one with the same destination would be refused while this one is there.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy], delete_before_replace=True),
        )
        self.register_outputs({})


def _trust(account: str) -> dict[str, object]:
    """AWS's flow log service, on behalf of this account and no other (VPC user guide, confused deputy)."""
    return iam.trust_service("vpc-flow-logs.amazonaws.com", {"StringEquals": {"aws:SourceAccount": account}})
