"""The composition: which components exist, and who is wired to whom. No resource of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.cluster.connection import ClusterConnection, ClusterConnectionArgs
from components.kubernetes.labels import Labels, PlatformLabels
from components.kubernetes.wires import NamespaceRef, NodePlacement
from components.scaling.disruption import DisruptionBudget, DisruptionBudgetArgs
from components.scaling.horizontal import HorizontalScaler, HorizontalScalerArgs
from components.scaling.priority import WorkloadPriority, WorkloadPriorityArgs
from components.serving.http_service import HttpService, HttpServiceArgs
from components.serving.ingress import PublicIngress, PublicIngressArgs
from components.tenancy.namespace import TenantNamespace, TenantNamespaceArgs
from components.tenancy.network_policies import WorkloadNetworkPolicies, WorkloadNetworkPoliciesArgs
from settings import drain, names
from settings.environment import variables
from settings.flows import flows
from settings.model import PlatformSettings
from settings.pins import revision
from settings.service import Service
from settings.types import Duration
from settings.workload import Disruption, HpaScaling


@dataclass(frozen=True, kw_only=True)
class LlmPlatformArgs:
    """A whole platform."""

    settings: PlatformSettings
    """What it is, in this environment."""
    secrets: Mapping[str, pulumi.Output[str]]
    """Config key -> value."""
    kubeconfig: pulumi.Output[str] | None
    """The way to an existing cluster."""


class LlmPlatform(pulumi.ComponentResource):
    """Namespaces, services, their scaling and their way in, on one cluster."""

    outputs: Mapping[str, Any]
    """What the stack exports."""

    def __init__(self, name: str, args: LlmPlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:LlmPlatform", name, None, opts)
        self._settings = args.settings
        self._secrets = args.secrets
        self._labels = PlatformLabels(part_of=args.settings.name, environment=args.settings.environment)
        cluster = ClusterConnection(
            "cluster",
            ClusterConnectionArgs(spec=args.settings.cluster, kubeconfig=args.kubeconfig),
            pulumi.ResourceOptions(parent=self),
        )
        self._inside = pulumi.ResourceOptions(parent=self, provider=cluster.provider, deleted_with=cluster.owner)
        self._namespaces = self._tenants()
        self._priorities = self._priority_classes()
        self._network_policies()
        services = {service: self._service(service) for service in sorted(args.settings.services)}
        self.outputs = self._outputs(services)
        self.register_outputs(dict(self.outputs))

    def _tenants(self) -> dict[str, NamespaceRef]:
        version = self._settings.cluster.version
        return {
            name: TenantNamespace(
                name, TenantNamespaceArgs(spec=spec, labels=self._labels, kubernetes_version=version), self._inside
            ).ref
            for name, spec in sorted(self._settings.namespaces.items())
        }

    def _priority_classes(self) -> dict[str, pulumi.Resource]:
        return {
            name: WorkloadPriority(name, WorkloadPriorityArgs(spec=spec, labels=self._labels), self._inside).resource
            for name, spec in sorted(self._settings.priorities.items())
        }

    def _network_policies(self) -> None:
        args = WorkloadNetworkPoliciesArgs(
            flows=flows(self._settings), namespaces=self._namespaces, labels=self._labels
        )
        WorkloadNetworkPolicies("network-policies", args, self._inside)

    def _service(self, name: str) -> HttpService:
        settings, spec = self._settings, self._settings.services[name]
        labels = Labels(
            platform=self._labels,
            app=name,
            component=spec.component,
            team=settings.namespaces[spec.namespace].team,
        )
        solved = drain.solve(settings, name)
        pools = drain.hosts(settings, name).values()
        service = HttpService(
            name,
            HttpServiceArgs(
                spec=spec,
                labels=labels,
                image=names.image(settings, spec),
                service_account=names.service_account(name, spec),
                config_map=names.config_map(name, spec),
                secret=names.secret(name),
                variables=variables(settings, name),
                drain=solved,
                placement=self._placement(spec),
                node_start_up=max((pool.node_start_up for pool in pools), default=Duration(0)),
                role_arn=names.role_arn(settings, name),
                namespace=self._namespaces[spec.namespace],
                secrets={file: self._secrets[secret.config] for file, secret in sorted(spec.secrets.items())},
                priority=self._priorities.get(spec.priority or ""),
            ),
            self._inside,
        )
        self._scaling(name, spec, service, labels)
        self._ingress(name, spec, service, labels, solved)
        return service

    def _placement(self, spec: Service) -> NodePlacement:
        if spec.pool is None:
            return NodePlacement(selector={})
        pool = self._settings.node_pools[spec.pool]
        return NodePlacement(
            selector={names.POOL_LABEL: spec.pool},
            tolerations=tuple((taint.key, taint.value, taint.effect) for taint in pool.taints),
        )

    def _scaling(self, name: str, spec: Service, service: HttpService, labels: Labels) -> None:
        if isinstance(spec.scaling, HpaScaling):
            scaler = HorizontalScalerArgs(
                target=service.scale_target, spec=spec.scaling, name=names.autoscaler(name), labels=labels.all
            )
            HorizontalScaler(name, scaler, self._inside)
        budget = spec.disruption or (Disruption(max_unavailable=1) if spec.scaling.floor > 1 else None)
        if budget is not None:
            args = DisruptionBudgetArgs(
                target=service.scale_target, spec=budget, name=names.budget(name), labels=labels.all
            )
            DisruptionBudget(name, args, self._inside)

    def _ingress(self, name: str, spec: Service, service: HttpService, labels: Labels, solved: drain.Drain) -> None:
        way_in = self._settings.ingress
        if spec.ingress is None or way_in is None or solved.deregistration is None:
            return
        every = [drain.solve(self._settings, n).idle for n, s in self._settings.services.items() if s.ingress]
        args = PublicIngressArgs(
            spec=way_in,
            name=names.ingress(name, spec),
            host=spec.ingress.host,
            address=service.address,
            health_path=spec.probes.liveness.path,
            deregistration=solved.deregistration,
            idle=max(idle for idle in every if idle is not None),
            labels=labels.all,
        )
        PublicIngress(name, args, self._inside)

    def _outputs(self, services: Mapping[str, HttpService]) -> dict[str, Any]:
        settings = self._settings
        scheme = "https" if settings.ingress and settings.ingress.certificate_arn else "http"
        return {
            "cluster_name": settings.stem if settings.cluster.kind == "eks" else None,
            "environment": settings.environment,
            "images": {n: names.image(settings, s) for n, s in settings.services.items()},
            "models": {n: models(settings, n) for n in settings.models},
            "namespaces": sorted(settings.namespaces),
            "node_pools": node_contract(settings),
            "public_urls": {n: f"{scheme}://{s.ingress.host}" for n, s in settings.services.items() if s.ingress},
            "service_urls": {n: service.url for n, service in services.items()},
        }


def models(settings: PlatformSettings, name: str) -> dict[str, Any]:
    """Where a model is served, and what weights it must serve."""
    model = settings.models[name]
    return {
        "adapters": {key: adapter.revision for key, adapter in sorted(model.adapters.items())},
        "hub": model.source.hub,
        "revision": revision(model.source),
        "url": names.model_url(name, model),
    }


def node_contract(settings: PlatformSettings) -> dict[str, Any]:
    """What nodes the cluster must offer: whoever makes them (an existing cluster's owner) reads it here."""
    out = {}
    for name, pool in settings.node_pools.items():
        labels = {names.POOL_LABEL: name, names.CAPACITY_LABEL: pool.capacity}
        out[name] = {
            "capacity": pool.capacity,
            "gpus": pool.gpus,
            "instance_types": list(pool.instance_types),
            "labels": {**pool.labels, **labels},
            "max": pool.max,
            "min": pool.min,
            "provisioner": pool.provisioner,
            "taints": [taint.model_dump() for taint in pool.taints],
            "zones": list(pool.zones or settings.aws.zones),
        }
    return out
