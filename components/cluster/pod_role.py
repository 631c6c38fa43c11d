"""Who a pod is in AWS: one role for each ServiceAccount, taken by a web identity token or by the Pod Identity agent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.cluster.managed import attached
from settings import iam
from settings.iam import Statement
from settings.names import ROLE_ANNOTATION


@dataclass(frozen=True, kw_only=True)
class ClusterIdentity:
    """What a trust policy says of the cluster."""

    account: str
    """Account id."""
    name: pulumi.Input[str]
    """Name of the cluster."""
    cluster_arn: pulumi.Output[str]
    """Its ARN."""
    issuer: pulumi.Output[str]
    """Issuer of its ServiceAccounts' tokens, without https://."""
    provider_arn: pulumi.Output[str]
    """ARN of its OIDC provider."""
    way: str
    """irsa or pod-identity."""


@dataclass(frozen=True, kw_only=True)
class PodRoleArgs:
    """Who may do what."""

    cluster: ClusterIdentity
    """The cluster of the ServiceAccount."""
    role: str
    """Name of the role."""
    namespace: str
    """Namespace of the ServiceAccount."""
    service_account: str
    """Its name."""
    statements: Sequence[Statement] = ()
    """What its pods may do."""
    managed: Sequence[str] = ()
    """ARNs of policies that AWS maintains, for controllers that AWS maintains."""


class PodRole(pulumi.ComponentResource):
    """An IAM role that the pods of one ServiceAccount take, and nobody else."""

    arn: pulumi.Output[str]
    """The role."""
    resources: tuple[pulumi.Resource, ...]
    """What must be there before its pods start, and until they are gone: role, policies, association."""
    annotations: dict[str, pulumi.Output[str]]
    """Of the ServiceAccount: the role, where the pod's own token is the way to it."""

    def __init__(self, name: str, args: PodRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:PodRole", name, None, opts)
        self._logical = name
        self._args = args
        self._inside = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            name=args.role,
            description=f"Pods of ServiceAccount {args.namespace}/{args.service_account}",
            assume_role_policy=self._trust(),
            opts=self._inside,
        )
        self.arn = role.arn
        self.resources = (role, *self._policies(role), *self._association(role))
        self.annotations = {ROLE_ANNOTATION: role.arn} if args.cluster.way == "irsa" else {}
        self.register_outputs({"arn": self.arn})

    def _trust(self) -> pulumi.Output[str]:
        args, cluster = self._args, self._args.cluster
        if cluster.way == "irsa":
            return pulumi.Output.all(cluster.provider_arn, cluster.issuer).apply(
                lambda known: json.dumps(
                    iam.trust_service_account(known[0], known[1], args.namespace, args.service_account)
                )
            )
        return cluster.cluster_arn.apply(
            lambda arn: json.dumps(iam.trust_pod_identity(cluster.account, arn, args.namespace, args.service_account))
        )

    def _policies(self, role: aws.iam.Role) -> list[pulumi.Resource]:
        out: list[pulumi.Resource] = []
        if self._args.statements:
            text = json.dumps(iam.document(self._args.statements))
            out.append(aws.iam.RolePolicy(f"{self._logical}-policy", role=role.name, policy=text, opts=self._inside))
        return [*out, *attached(self._logical, role, self._args.managed, self._inside)]

    def _association(self, role: aws.iam.Role) -> list[pulumi.Resource]:
        if self._args.cluster.way == "irsa":
            return []
        return [
            aws.eks.PodIdentityAssociation(
                f"{self._logical}-association",
                cluster_name=self._args.cluster.name,
                namespace=self._args.namespace,
                service_account=self._args.service_account,
                role_arn=role.arn,
                opts=self._inside,
            )
        ]
