"""The EKS control plane, and who may use it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.cluster.kubeconfig import kubeconfig
from components.cluster.pod_role import ClusterIdentity
from settings import iam
from settings.eks import AccessEntry, EksCluster

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
"""Every log that a control plane writes (EKS user guide, control plane logs)."""
POLICIES = {
    "cluster-admin": "AmazonEKSClusterAdminPolicy",
    "admin": "AmazonEKSAdminPolicy",
    "edit": "AmazonEKSEditPolicy",
    "view": "AmazonEKSViewPolicy",
    "admin-view": "AmazonEKSAdminViewPolicy",
}
"""Access policies of EKS (its user guide, review access policy permissions)."""


@dataclass(frozen=True, kw_only=True)
class ControlPlaneArgs:
    """What a control plane is."""

    name: str
    """Name of the cluster."""
    spec: EksCluster
    """What its owner decided."""
    region: str
    """Where."""
    partition: str
    """AWS partition: the second part of ARNs."""
    account: str
    """Account id."""
    identity: str
    """How pods get their roles: irsa or pod-identity."""
    vpc_cidr: str
    """Addresses of the VPC: from all of them its endpoint is reached."""
    subnets: Sequence[pulumi.Input[str]]
    """Where its interfaces are."""
    cluster_policy: str
    """ARN of what EKS itself may do."""
    secrets_key_arn: pulumi.Input[str]
    """Encrypts Secrets in etcd."""
    log_key_arn: pulumi.Input[str]
    """Encrypts its logs."""
    needs: Sequence[pulumi.Resource]
    """The network that it is reached by."""


class ControlPlane(pulumi.ComponentResource):
    """An EKS cluster without nodes: encrypted, logged, reached from inside, open to whom an entry names."""

    cluster: aws.eks.Cluster
    """The cluster."""
    kubeconfig: pulumi.Output[str]
    """How to reach it: no token in it, each use asks AWS for one. Secret."""
    identity: ClusterIdentity
    """What trust policies say of it."""
    security_group: pulumi.Output[str]
    """EKS's own security group: of its interfaces, and of every node."""
    entries: tuple[pulumi.Resource, ...]
    """Who may use it, and from where: without them, nobody does anything inside."""

    def __init__(self, name: str, args: ControlPlaneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:ControlPlane", name, None, opts)
        self._logical = name
        self._args = args
        self._inside = pulumi.ResourceOptions(parent=self)
        role, first = self._role()
        self.cluster = self._cluster(role, [*args.needs, *first, self._log_group()])
        self.security_group = self.cluster.vpc_config.cluster_security_group_id
        self.kubeconfig = kubeconfig(self.cluster, args.region)
        self.identity = self._identity()
        self.entries = (*self._entries(), *self._ways_in())
        self.register_outputs({"endpoint": self.cluster.endpoint})

    def _role(self) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        narrowed = {"StringEquals": {"aws:SourceAccount": self._args.account}}
        role = aws.iam.Role(
            f"{self._logical}-role",
            name=f"{self._args.name}-cluster",
            description="The EKS control plane",
            assume_role_policy=json.dumps(iam.trust_service("eks.amazonaws.com", narrowed)),
            opts=self._inside,
        )
        attached = aws.iam.RolePolicyAttachment(
            f"{self._logical}-policy", role=role.name, policy_arn=self._args.cluster_policy, opts=self._inside
        )
        return role, [attached]

    def _log_group(self) -> pulumi.Resource:
        return aws.cloudwatch.LogGroup(
            f"{self._logical}-logs",
            name=f"/aws/eks/{self._args.name}/cluster",  # EKS makes one of this name itself if it is not there
            retention_in_days=self._args.spec.log_retention,
            kms_key_id=self._args.log_key_arn,
            opts=self._inside,
        )

    def _cluster(self, role: aws.iam.Role, needs: Sequence[pulumi.Resource]) -> aws.eks.Cluster:
        spec, public = self._args.spec, self._args.spec.endpoint.public_cidrs
        return aws.eks.Cluster(
            f"{self._logical}-cluster",
            name=self._args.name,
            version=spec.version,
            role_arn=role.arn,
            vpc_config=aws.eks.ClusterVpcConfigArgs(
                subnet_ids=list(self._args.subnets),
                endpoint_private_access=True,
                endpoint_public_access=bool(public),
                public_access_cidrs=list(public) or None,
            ),
            encryption_config=aws.eks.ClusterEncryptionConfigArgs(
                provider=aws.eks.ClusterEncryptionConfigProviderArgs(key_arn=self._args.secrets_key_arn),
                resources=["secrets"],
            ),
            enabled_cluster_log_types=list(LOG_TYPES),
            access_config=aws.eks.ClusterAccessConfigArgs(
                authentication_mode="API", bootstrap_cluster_creator_admin_permissions=False
            ),
            upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            bootstrap_self_managed_addons=False,  # they come as add-ons, in versions that this program knows
            deletion_protection=spec.protect,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(needs), protect=spec.protect),
        )

    def _identity(self) -> ClusterIdentity:
        url = self.cluster.identities[0].oidcs[0].issuer
        provider = aws.iam.OpenIdConnectProvider(
            f"{self._logical}-oidc", url=url, client_id_lists=["sts.amazonaws.com"], opts=self._inside
        )
        return ClusterIdentity(
            account=self._args.account,
            name=self.cluster.name,
            cluster_arn=self.cluster.arn,
            issuer=url.apply(lambda text: text.removeprefix("https://")),
            provider_arn=provider.arn,
            way=self._args.identity,
        )

    def _ways_in(self) -> list[pulumi.Resource]:
        """EKS's own security group lets in its nodes alone: whoever deploys from a machine in the VPC, or from a
        network that is connected to it, would wait in vain.
        """
        return [
            aws.vpc.SecurityGroupIngressRule(
                f"{self._logical}-from-{cidr.replace('/', '-')}",
                security_group_id=self.security_group,
                description=f"Kubernetes API from {cidr}",
                cidr_ipv4=cidr,
                ip_protocol="tcp",
                from_port=443,
                to_port=443,
                opts=self._inside,
            )
            for cidr in (self._args.vpc_cidr, *self._args.spec.endpoint.private_cidrs)
        ]

    def _entries(self) -> tuple[pulumi.Resource, ...]:
        spec = self._args.spec
        admins = {"deployer": spec.deployer, "break-glass": spec.break_glass}
        out: list[pulumi.Resource] = []
        for who, arn in admins.items():
            out += self._entry(who, AccessEntry(principal=arn, policy="cluster-admin"))
        for who, entry in sorted(spec.access.items()):
            out += self._entry(who, entry)
        return tuple(out)

    def _entry(self, who: str, entry: AccessEntry) -> list[pulumi.Resource]:
        made = aws.eks.AccessEntry(
            f"{self._logical}-{who}",
            cluster_name=self.cluster.name,
            principal_arn=entry.principal,
            type="STANDARD",
            opts=self._inside,
        )
        policy = f"arn:{self._args.partition}:eks::aws:cluster-access-policy/{POLICIES[entry.policy]}"
        return [
            made,
            aws.eks.AccessPolicyAssociation(
                f"{self._logical}-{who}",
                cluster_name=self.cluster.name,
                principal_arn=entry.principal,
                policy_arn=policy,
                access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(
                    type="namespace" if entry.namespaces else "cluster",
                    namespaces=list(entry.namespaces) or None,
                ),
                # Another scope overwrites the old one, whose deletion would then take the new one away.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[made], delete_before_replace=True),
            ),
        ]
