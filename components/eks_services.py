"""The composition of what an EKS cluster does for the platform: add-ons and controllers, classes of volumes, the store
of secrets. No resource of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.aws_foundation import AwsFoundation
from components.cluster.controller import NAMESPACE, Controller, ControllerArgs
from components.cluster.pod_role import PodRole
from components.cluster.secret_store import SecretStore, SecretStoreArgs
from components.cluster.storage import StorageClasses, StorageClassesArgs
from components.kubernetes.labels import PlatformLabels
from components.kubernetes.wires import ClusterServices
from settings import addons, chart_values, iam, system
from settings.charts import CHARTS
from settings.eks import EksCluster
from settings.iam import Statement
from settings.iam_load_balancing import load_balancer_statements
from settings.model import PlatformSettings
from settings.names import POOL_LABEL
from settings.storage import EBS_DRIVER, EFS_DRIVER, shared_classes


@dataclass(frozen=True, kw_only=True)
class EksServicesArgs:
    """What there is to serve."""

    settings: PlatformSettings
    """The platform."""
    spec: EksCluster
    """Its cluster."""
    foundation: AwsFoundation
    """What stands in the account."""
    provider: k8s.Provider
    """The way into the cluster."""
    labels: PlatformLabels
    """What every object carries."""


class EksServices(pulumi.ComponentResource):
    """Add-ons and controllers of the cluster, each with a role of its own in AWS."""

    services: ClusterServices
    """What workloads count on."""

    def __init__(self, name: str, args: EksServicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:EksServices", name, None, opts)
        self._settings, self._spec, self._base = args.settings, args.spec, args.foundation
        self._labels = args.labels
        self._in_account = pulumi.ResourceOptions(parent=self, provider=self._base.provider)
        self._in_cluster = pulumi.ResourceOptions(
            parent=self, provider=args.provider, deleted_with=self._base.control.cluster
        )
        self._first = self._addons()
        self._basics = tuple(self._first.values())
        storage = self._storage()
        balancing = self._load_balancing()
        secrets = self._secrets()
        self._autoscaler()
        self._gpu()
        self._dns()
        self.services = ClusterServices(
            basics=self._basics,
            load_balancing=balancing,
            secrets=secrets,
            storage=storage,
            images=self._base.registry.resources,
            roles={service: role.resources for service, role in self._base.roles.items()},
            certificates=self._base.certificates,
        )
        self.register_outputs({})

    @property
    def _nodes(self) -> Mapping[str, str]:
        """The nodes that controllers run on."""
        pool = system.system_pool(self._settings)
        return {POOL_LABEL: pool} if pool else {}

    def _addons(self) -> dict[str, pulumi.Resource]:
        every = addons.after_nodes(self._settings)
        return {a.name: self._base.addon(a, self._base.nodes, self._in_account).resource for a in every}

    def _storage(self) -> tuple[pulumi.Resource, ...]:
        files, shared = self._base.files, shared_classes(self._settings)
        drivers = {EBS_DRIVER: [self._first["aws-ebs-csi-driver"]]}
        if files is not None:
            drivers[EFS_DRIVER] = [self._first["aws-efs-csi-driver"], *files.resources]
        args = StorageClassesArgs(
            labels=self._labels.common,
            shared=shared,
            file_system_id=files.file_system_id if files is not None else None,
            drivers=drivers,
        )
        return StorageClasses("classes", args, self._in_cluster).resources

    def _account(self, name: str, statements: Sequence[Statement]) -> tuple[PodRole, dict[str, Any]]:
        """The role of a controller's pods, and what its chart is told of their ServiceAccount."""
        account = addons.Account(name, NAMESPACE, f"{self._settings.stem}-{name}")
        role = self._base.pod_role(f"{name}-access", account, statements, opts=self._in_account)
        return role, {"name": name, "annotations": dict(role.annotations)}

    def _install(
        self,
        chart: str,
        values: Mapping[str, Any],
        role: PodRole | None = None,
        needs: Sequence[pulumi.Resource] = (),
    ) -> tuple[pulumi.Resource, ...]:
        args = ControllerArgs(
            chart=CHARTS[chart], mirror=self._spec.charts, values=values, role=role, needs=[*self._basics, *needs]
        )
        return Controller(chart, args, self._in_cluster).resources

    def _load_balancing(self) -> tuple[pulumi.Resource, ...]:
        if not system.balances(self._settings):
            return ()
        role, account = self._account("aws-load-balancer-controller", load_balancer_statements(self._settings))
        values = chart_values.load_balancer_controller(
            self._settings,
            cluster=self._settings.stem,
            vpc_id=self._base.network.vpc_id,
            account=account,
            nodes=self._nodes,
        )
        logs = [r for bucket in self._base.buckets.values() for r in bucket.resources]
        return self._install("aws-load-balancer-controller", values, role, logs)

    def _secrets(self) -> tuple[pulumi.Resource, ...]:
        keys = system.external_keys(self._settings)
        if not keys:
            return ()
        every = sorted({key for named in keys.values() for key in named})
        role, account = self._account("external-secrets", iam.secret_statements(self._settings, every))
        values = chart_values.external_secrets(account=account, nodes=self._nodes)
        release = self._install("external-secrets", values, role)
        stores = [
            SecretStore(
                store,
                SecretStoreArgs(region=self._settings.aws.region, labels=self._labels.common, needs=release),
                self._in_cluster,
            ).resource
            for store in sorted(keys)
        ]
        return (*release, *stores)

    def _autoscaler(self) -> None:
        if not system.autoscaled(self._settings):
            return
        role, account = self._account("cluster-autoscaler", iam.autoscaler_statements(self._settings))
        values = chart_values.cluster_autoscaler(
            self._settings, cluster=self._settings.stem, account=account, nodes=self._nodes
        )
        self._install("cluster-autoscaler", values, role)

    def _gpu(self) -> None:
        if not system.gpu_pools(self._settings):
            return
        self._install("nvidia-device-plugin", chart_values.device_plugin(self._settings))
        self._install("dcgm-exporter", chart_values.dcgm_exporter(self._settings))

    def _dns(self) -> None:
        dns = self._spec.dns
        if dns is None:
            return
        role, account = self._account("external-dns", iam.dns_statements(self._settings, dns.zone_id))
        values = chart_values.external_dns(
            self._settings,
            cluster=self._settings.stem,
            zone=dns.zone,
            zone_id=dns.zone_id,
            account=account,
            nodes=self._nodes,
        )
        self._install("external-dns", values, role)
