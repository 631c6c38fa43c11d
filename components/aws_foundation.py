"""The composition of the AWS half: which parts there are, and who is wired to whom. No resource of its own but the
provider.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.cluster.addon import ClusterAddon, ClusterAddonArgs
from components.cluster.bucket import LogBucket, LogBucketArgs
from components.cluster.certificate import HostCertificate, HostCertificateArgs
from components.cluster.control_plane import ControlPlane, ControlPlaneArgs
from components.cluster.keys import EncryptionKey, EncryptionKeyArgs
from components.cluster.network import Network, NetworkArgs
from components.cluster.node_pool import ManagedNodePool, ManagedNodePoolArgs
from components.cluster.node_role import NodeRole, NodeRoleArgs
from components.cluster.pod_role import PodRole, PodRoleArgs
from components.cluster.registry import ImageRegistry, ImageRegistryArgs
from components.cluster.storage import SharedFiles, SharedFilesArgs
from settings import addons, iam, names, node_groups, system
from settings.addresses import cut
from settings.buckets import bucket_name, writers
from settings.eks import EksCluster
from settings.iam import Statement
from settings.model import PlatformSettings
from settings.storage import shared_classes


@dataclass(frozen=True, kw_only=True)
class AwsFoundationArgs:
    """What stands in the account."""

    settings: PlatformSettings
    """The platform."""
    spec: EksCluster
    """Its cluster."""
    account: str
    """Account id."""


class AwsFoundation(pulumi.ComponentResource):
    """Everything in the AWS account that a platform stands on: keys, network, cluster, nodes, roles, images, files."""

    provider: aws.Provider
    """The way into the account."""
    control: ControlPlane
    """The cluster."""
    network: Network
    """The VPC."""
    registry: ImageRegistry
    """Images."""
    files: SharedFiles | None
    """The file system, if some volume is shared."""
    nodes: tuple[pulumi.Resource, ...]
    """What must be there before anything runs in the cluster, and until it is gone: nodes, what they need, entries."""
    roles: Mapping[str, PodRole]
    """Service -> what its pods are in AWS."""
    certificates: Mapping[str, pulumi.Output[str]]
    """Host name -> the certificate that is made for it."""
    buckets: Mapping[str, LogBucket]
    """Name -> bucket."""

    def __init__(self, name: str, args: AwsFoundationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:AwsFoundation", name, None, opts)
        self._settings, self._spec, self._account = args.settings, args.spec, args.account
        self.provider = self._account_provider(name)
        self._inside = pulumi.ResourceOptions(parent=self, provider=self.provider)
        self._keys = {what: self._key(what) for what in ("secrets", "logs", "data")}
        self.network = self._network()
        self.control = self._control_plane()
        self.registry = self._registry()
        groups = self._node_groups(first := self._first_addons())
        self.nodes = (*groups, *first, *self.control.entries)
        self.files = self._files()
        self.roles = {service: self._role(service) for service in sorted(args.settings.services)}
        self.certificates = self._certificates()
        self.buckets = {bucket: self._bucket(bucket) for bucket in sorted(args.settings.buckets)}
        self.register_outputs({})

    def _account_provider(self, name: str) -> aws.Provider:
        return aws.Provider(
            f"{name}-provider",
            region=self._settings.aws.region,
            allowed_account_ids=[self._account],  # whoever is logged in elsewhere changes nothing there
            default_tags=aws.ProviderDefaultTagsArgs(tags=self._tags()),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _tags(self) -> dict[str, str]:
        """Of everything in the account: by them it is found, and its cost told apart."""
        settings = self._settings
        own = {"environment": settings.environment, "managed-by": names.MANAGED_BY, "part-of": settings.name}
        return {**settings.aws.tags, **own}

    def _key(self, what: str) -> EncryptionKey:
        purpose = {
            "secrets": "Secrets of the cluster",
            "logs": "Logs of control plane and network",
            "data": "Images, weights and telemetry",
        }
        logs = what == "logs"
        statements = iam.log_key_statements(self._settings) if logs else iam.key_statements(self._settings)
        args = EncryptionKeyArgs(
            alias=f"{self._settings.stem}-{what}",
            purpose=purpose[what],
            policy=iam.document(statements),
            protect=self._spec.protect,
        )
        return EncryptionKey(what, args, self._inside)

    def _network(self) -> Network:
        where, spec = self._settings.aws, self._spec
        args = NetworkArgs(
            cluster=self._settings.stem,
            region=where.region,
            zones=where.zones,
            vpc_cidr=where.vpc_cidr,
            plan=cut(where.vpc_cidr, len(where.zones)),
            spec=spec.network,
            account=self._account,
            log_retention=spec.log_retention,
            log_key_arn=self._keys["logs"].arn,
            protect=spec.protect,
        )
        return Network("network", args, self._inside)

    def _control_plane(self) -> ControlPlane:
        settings = self._settings
        args = ControlPlaneArgs(
            name=settings.stem,
            spec=self._spec,
            region=settings.aws.region,
            partition=names.partition(settings.aws.region),
            account=self._account,
            identity=settings.aws.identity,
            vpc_cidr=settings.aws.vpc_cidr,
            subnets=self.network.intra,
            cluster_policy=iam.managed_policy(settings, "AmazonEKSClusterPolicy"),
            secrets_key_arn=self._keys["secrets"].arn,
            log_key_arn=self._keys["logs"].arn,
            needs=self.network.ways,
        )
        return ControlPlane("control-plane", args, self._inside)

    def _registry(self) -> ImageRegistry:
        args = ImageRegistryArgs(
            stem=self._settings.stem,
            repositories=system.repositories(self._settings),
            keep=self._settings.registry.keep,
            key_arn=self._keys["data"].arn,
            protect=self._spec.protect,
        )
        return ImageRegistry("registry", args, self._inside)

    def pod_role(
        self,
        name: str,
        account: addons.Account,
        statements: Sequence[Statement] = (),
        managed: Sequence[str] = (),
        *,
        opts: pulumi.ResourceOptions,
    ) -> PodRole:
        """A role for the pods of one ServiceAccount.

        Args:
            name: logical name.
            account: the ServiceAccount, and the role's name.
            statements: what its pods may do.
            managed: names of policies that AWS maintains.
            opts: parent and provider.
        """
        args = PodRoleArgs(
            cluster=self.control.identity,
            role=account.role,
            namespace=account.namespace,
            service_account=account.name,
            statements=statements,
            managed=[iam.managed_policy(self._settings, policy) for policy in managed],
        )
        return PodRole(name, args, opts)

    def addon(
        self, addon: addons.Addon, needs: Sequence[pulumi.Resource], opts: pulumi.ResourceOptions
    ) -> ClusterAddon:
        """An add-on that EKS installs, with the role that its pods take."""
        account = addon.account(self._settings)
        role = self.pod_role(addon.name, account, managed=addon.policies, opts=opts) if account else None
        pin = addons.pin(self._settings, addon.name)
        args = ClusterAddonArgs(
            cluster_name=self.control.cluster.name,
            addon=addon.name,
            version=pin.value if pin else None,
            configuration=addon.configuration(self._settings),
            role=role,
            needs=needs,
        )
        return ClusterAddon(addon.name, args, opts)

    def _first_addons(self) -> tuple[pulumi.Resource, ...]:
        """What a node needs to become Ready, so that it is there before the first and until after the last."""
        return tuple(self.addon(a, self.network.ways, self._inside).resource for a in addons.BEFORE_NODES)

    def _node_groups(self, needs: Sequence[pulumi.Resource]) -> list[pulumi.Resource]:
        settings = self._settings
        policies = [iam.managed_policy(settings, name) for name in addons.NODE_POLICIES]
        role = NodeRole("nodes", NodeRoleArgs(role=f"{settings.stem}-nodes", policies=policies), self._inside)
        first = [*needs, *role.resources, *self.network.ways, *self.control.entries]
        return [
            ManagedNodePool(
                pool,
                ManagedNodePoolArgs(
                    pool=pool,
                    spec=spec,
                    cluster_name=self.control.cluster.name,
                    kubernetes_version=self._spec.version,
                    stem=settings.stem,
                    role_arn=role.arn,
                    subnets=[self.network.private[zone] for zone in node_groups.zones(settings.aws, spec)],
                    tags=self._tags(),
                    needs=first,
                ),
                self._inside,
            ).group
            for pool, spec in sorted(settings.node_pools.items())
        ]

    def _files(self) -> SharedFiles | None:
        if not shared_classes(self._settings):
            return None
        args = SharedFilesArgs(
            stem=self._settings.stem,
            vpc_id=self.network.vpc_id,
            subnets=self.network.private,
            nodes=self.control.security_group,
            key_arn=self._keys["data"].arn,
            protect=self._spec.protect,
        )
        return SharedFiles("weights", args, self._inside)

    def _role(self, service: str) -> PodRole:
        settings, spec = self._settings, self._settings.services[service]
        account = addons.Account(names.service_account(service, spec), spec.namespace, names.role(settings, service))
        return self.pod_role(f"{service}-access", account, iam.service_statements(settings, service), opts=self._inside)

    def _certificates(self) -> dict[str, pulumi.Output[str]]:
        dns = self._spec.dns
        if dns is None or not dns.certificate:
            return {}
        hosts = sorted(set(system.public_hosts(self._settings).values()))
        return {
            host: HostCertificate(host, HostCertificateArgs(host=host, zone_id=dns.zone_id), self._inside).arn
            for host in hosts
        }

    def _bucket(self, name: str) -> LogBucket:
        spec = self._settings.buckets[name]
        args = LogBucketArgs(
            bucket=bucket_name(self._settings, name),
            expire=spec.expire,
            key_arn=self._keys["data"].arn if spec.holds == "telemetry" else None,
            statements=writers(self._settings, name),
            partition=names.partition(self._settings.aws.region),
            protect=self._spec.protect,
        )
        return LogBucket(name, args, self._inside)

    def exports(self) -> dict[str, Any]:
        """What whoever comes after wants to know."""
        settings, cluster = self._settings, self.control.cluster
        return {
            "bucket_names": {name: bucket.name for name, bucket in self.buckets.items()},
            "cluster_endpoint": cluster.endpoint,
            "image_repositories": dict(self.registry.urls),
            "kubeconfig": self.control.kubeconfig,
            "oidc_provider_arn": self.control.identity.provider_arn,
            "private_subnet_ids": list(self.network.private.values()),
            "public_subnet_ids": list(self.network.public),
            "role_arns": {service: role.arn for service, role in self.roles.items()},
            "update_kubeconfig": f"aws eks update-kubeconfig --region {settings.aws.region} --name {settings.stem}",
            "vpc_id": self.network.vpc_id,
        }
