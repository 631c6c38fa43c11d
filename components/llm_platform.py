"""The composition: which components exist, and who is wired to whom. No resource of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.aws_foundation import AwsFoundation, AwsFoundationArgs
from components.cluster.connection import ClusterConnection, ClusterConnectionArgs
from components.eks_services import EksServices, EksServicesArgs
from components.kubernetes.labels import Labels, PlatformLabels
from components.kubernetes.wires import (
    ClusterServices,
    NamespaceRef,
    NodePlacement,
    ScaleTarget,
    ServiceAddress,
    WeightsVolume,
)
from components.scaling.disruption import DisruptionBudget, DisruptionBudgetArgs
from components.scaling.headroom import NodeHeadroom, NodeHeadroomArgs
from components.scaling.horizontal import HorizontalScaler, HorizontalScalerArgs
from components.scaling.priority import WorkloadPriority, WorkloadPriorityArgs
from components.serving.http_service import HttpService, HttpServiceArgs
from components.serving.ingress import PublicIngress, PublicIngressArgs
from components.serving.model_server import ModelServer, ModelServerArgs, Place
from components.serving.weights_cache import HubToken, WeightsCache, WeightsCacheArgs
from components.tenancy.namespace import TenantNamespace, TenantNamespaceArgs
from components.tenancy.network_policies import WorkloadNetworkPolicies, WorkloadNetworkPoliciesArgs
from settings import contract, drain, names, start_up, system, weights
from settings.cache import ConfigToken, ExternalToken
from settings.demand import largest_model, model_resources, resources_of
from settings.eks import EksCluster
from settings.environment import variables
from settings.flows import flows, quiet
from settings.model import PlatformSettings
from settings.pins import pinned
from settings.serving import serve
from settings.types import Duration
from settings.workload import Disruption, HpaScaling, Workload
from settings.workloads import hosts


@dataclass(frozen=True, kw_only=True)
class LlmPlatformArgs:
    """A whole platform."""

    settings: PlatformSettings
    """What it is, in this environment."""
    secrets: Mapping[str, pulumi.Output[str]]
    """Config key -> value."""
    kubeconfig: pulumi.Output[str] | None
    """The way to an existing cluster."""


@dataclass(frozen=True, kw_only=True)
class PublicHost:
    """A host on the load balancer, and what answers there."""

    ingress: str
    """Name of the Ingress object."""
    host: str
    address: ServiceAddress
    health: str
    deregistration: Duration


class LlmPlatform(pulumi.ComponentResource):
    """Namespaces, services, their scaling and their way in, on one cluster."""

    outputs: Mapping[str, Any]
    """What the stack exports."""

    def __init__(self, name: str, args: LlmPlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:index:LlmPlatform", name, None, opts)
        self._settings = args.settings
        self._secrets = args.secrets
        self._labels = PlatformLabels(part_of=args.settings.name, environment=args.settings.environment)
        self._foundation = self._account_side()
        cluster = self._connection(args.kubeconfig)
        self._owner = cluster.owner
        self._inside = pulumi.ResourceOptions(parent=self, provider=cluster.provider, deleted_with=self._owner)
        # What holds something outside the cluster is really deleted: nobody would clear that away otherwise.
        self._outside = pulumi.ResourceOptions(parent=self, provider=cluster.provider)
        self._cluster = self._cluster_services(cluster)
        self._addresses: dict[str, pulumi.Output[str | None]] = {}
        self._namespaces = self._tenants()
        self._priorities = self._priority_classes()
        self._network_policies()
        services = {service: self._service(service) for service in sorted(args.settings.services)}
        self._volumes = {cache: self._cache(cache) for cache in sorted(args.settings.caches)}
        for model in sorted(args.settings.models):
            self._model(model)
        for pool in sorted(args.settings.node_pools):
            self._headroom(pool)
        self._grafana()
        self.outputs = self._outputs(services)
        self.register_outputs(dict(self.outputs))

    def _account_side(self) -> AwsFoundation | None:
        settings = self._settings
        if not isinstance(settings.cluster, EksCluster) or settings.aws.account is None:
            return None
        args = AwsFoundationArgs(settings=settings, spec=settings.cluster, account=settings.aws.account)
        return AwsFoundation("aws", args, pulumi.ResourceOptions(parent=self))

    def _connection(self, kubeconfig: pulumi.Output[str] | None) -> ClusterConnection:
        base = self._foundation
        found = base.control.kubeconfig if base is not None else kubeconfig
        assert found is not None, "settings give a cluster that exists a kubeconfig"
        args = ClusterConnectionArgs(
            spec=self._settings.cluster,
            kubeconfig=found,
            owner=base.control.cluster if base is not None else None,
            needs=base.nodes if base is not None else (),
        )
        return ClusterConnection("cluster", args, pulumi.ResourceOptions(parent=self))

    def _cluster_services(self, cluster: ClusterConnection) -> ClusterServices:
        spec = self._settings.cluster
        if self._foundation is None or not isinstance(spec, EksCluster):
            return ClusterServices()
        args = EksServicesArgs(
            settings=self._settings,
            spec=spec,
            foundation=self._foundation,
            provider=cluster.provider,
            labels=self._labels,
        )
        return EksServices("eks", args, pulumi.ResourceOptions(parent=self)).services

    def _tenants(self) -> dict[str, NamespaceRef]:
        balanced = self._load_balanced()
        out = {}
        for name, spec in sorted(self._settings.namespaces.items()):
            args = TenantNamespaceArgs(
                spec=spec,
                labels=self._labels,
                load_balanced=name in balanced,
                kubernetes_version=self._settings.cluster.version,
                needs=(*self._cluster.basics, *(self._cluster.load_balancing if name in balanced else ())),
            )
            out[name] = TenantNamespace(name, args, self._inside).ref
        return out

    def _load_balanced(self) -> set[str]:
        """The namespaces that an ALB sends requests to."""
        settings = self._settings
        if settings.ingress is None or settings.ingress.class_name != system.ALB:
            return set()
        telemetry = settings.observability
        grafana = {telemetry.namespace} if telemetry and telemetry.grafana else set()
        return grafana | {service.namespace for service in settings.services.values() if service.ingress}

    def _priority_classes(self) -> dict[str, pulumi.Resource]:
        return {
            name: WorkloadPriority(name, WorkloadPriorityArgs(spec=spec, labels=self._labels), self._inside).resource
            for name, spec in sorted(self._settings.priorities.items())
        }

    def _network_policies(self) -> None:
        args = WorkloadNetworkPoliciesArgs(
            flows=flows(self._settings), quiet=quiet(self._settings), namespaces=self._namespaces, labels=self._labels
        )
        WorkloadNetworkPolicies("network-policies", args, self._inside)

    def _labels_of(self, app: str, component: str, namespace: str) -> Labels:
        team = self._settings.namespaces[namespace].team
        return Labels(platform=self._labels, app=app, component=component, team=team)

    def _service(self, name: str) -> HttpService:
        settings, spec = self._settings, self._settings.services[name]
        labels = self._labels_of(name, spec.component, spec.namespace)
        solved = drain.solve(settings, name)
        pools = hosts(settings, spec.pool).values()
        service = HttpService(
            name,
            HttpServiceArgs(
                spec=spec,
                labels=labels,
                image=names.image(settings, spec.image),
                service_account=names.service_account(name, spec),
                config_map=names.config_map(name, spec),
                secret=names.secret(name),
                variables=variables(settings, name),
                drain=solved,
                placement=self._placement(spec.pool),
                node_start_up=max((pool.node_start_up for pool in pools), default=Duration(0)),
                role_arn=names.role_arn(settings, name),
                namespace=self._namespaces[spec.namespace],
                secrets={file: self._secrets[secret.config] for file, secret in sorted(spec.secrets.items())},
                priority=self._priorities.get(spec.priority or ""),
                needs=(*self._cluster.images, *self._cluster.roles.get(name, ())),
            ),
            self._inside,
        )
        self._scaling(name, spec, service.scale_target, labels)
        if spec.ingress is not None and solved.deregistration is not None:
            self._ingress(
                name,
                PublicHost(
                    ingress=names.ingress(name, spec),
                    host=spec.ingress.host,
                    address=service.address,
                    health=spec.probes.liveness.path,
                    deregistration=solved.deregistration,
                ),
                labels,
            )
        return service

    def _placement(self, name: str | None) -> NodePlacement:
        if name is None:
            return NodePlacement(selector={})
        pool = self._settings.node_pools[name]
        return NodePlacement(
            selector={names.POOL_LABEL: name},
            tolerations=tuple((taint.key, taint.value, taint.effect) for taint in pool.taints),
        )

    def _scaling(self, name: str, spec: Workload, target: ScaleTarget, labels: Labels) -> None:
        if isinstance(spec.scaling, HpaScaling):
            scaler = HorizontalScalerArgs(
                target=target, spec=spec.scaling, name=names.autoscaler(name), labels=labels.all
            )
            HorizontalScaler(name, scaler, self._inside)
        budget = spec.disruption or (Disruption(max_unavailable=1) if spec.most > 1 else None)
        if budget is not None:
            args = DisruptionBudgetArgs(target=target, spec=budget, name=names.budget(name), labels=labels.all)
            DisruptionBudget(name, args, self._inside)

    def _cache(self, name: str) -> WeightsVolume:
        settings, spec = self._settings, self._settings.caches[name]
        args = WeightsCacheArgs(
            spec=spec,
            downloads=weights.of_cache(settings, name),
            image=names.image(settings, pinned(spec.image)),
            labels=self._labels_of(name, "weights", spec.namespace),
            placement=self._placement(spec.pool),
            namespace=self._namespaces[spec.namespace],
            token=self._hub_token(),
            priority=self._priorities.get(spec.priority or ""),
            storage=self._cluster.storage,
            secrets=self._cluster.secrets,
            cluster=self._owner,
        )
        return WeightsCache(name, args, self._volume_options(name)).volume

    def _volume_options(self, cache: str) -> pulumi.ResourceOptions:
        """A disk is let go of by whoever made it, once no pod mounts it; a shared volume goes with its file system."""
        return self._inside if self._settings.caches[cache].access_mode == "ReadWriteMany" else self._outside

    def _hub_token(self) -> HubToken | None:
        match self._settings.hub.token:
            case ConfigToken() as token:
                return HubToken(external=None, key=None, value=self._secrets[token.key])
            case ExternalToken() as token:
                return HubToken(external=token, key=names.hub_key(self._settings, token), value=None)
            case None:
                return None

    def _model(self, name: str) -> None:
        settings, spec = self._settings, self._settings.models[name]
        labels = self._labels_of(name, "model-server", spec.namespace)
        server = ModelServer(
            name,
            ModelServerArgs(
                spec=spec,
                labels=labels,
                image=names.image(settings, pinned(spec.engine.pinned_image)),
                serve=serve(settings, name),
                folders=tuple(download.path for download in weights.of_model(settings, name)),
                resources=model_resources(settings, name),
                probes=start_up.probes(settings, name),
                drain=drain.solve_model(settings, name),
                main=self._place(name, spec.pool),
                floor=self._place(name, spec.floor.pool) if spec.floor else None,
                weights=self._volumes[spec.cache],
                namespace=self._namespaces[spec.namespace],
                priority=self._priorities.get(spec.priority or ""),
                cluster=self._owner,
            ),
            self._volume_options(spec.cache),
        )
        self._scaling(name, spec, server.scale_target, labels)

    def _place(self, model: str, pool: str) -> Place:
        return Place(placement=self._placement(pool), deadline=start_up.deadline(self._settings, model, pool))

    def _headroom(self, pool: str) -> None:
        settings, spec = self._settings, self._settings.node_pools[pool].headroom
        largest = largest_model(settings, pool)
        if spec is None or largest is None:
            return
        name = names.headroom(pool)
        labels = self._labels_of(name, "headroom", spec.namespace)
        args = NodeHeadroomArgs(
            spec=spec,
            name=name,
            labels=labels,
            image=names.image(settings, pinned(settings.models[str(largest.path[1])].engine.pinned_image)),
            resources=resources_of(largest),
            gpus=largest.gpus,
            placement=self._placement(pool),
            namespace=self._namespaces[spec.namespace],
            priority=self._priorities.get(spec.priority),
        )
        room = NodeHeadroom(name, args, self._inside)
        if spec.replicas > 1:  # all of them may go at once: that is what they are for
            everything = Disruption(max_unavailable=spec.replicas)
            budget = DisruptionBudgetArgs(
                target=room.scale_target, spec=everything, name=names.budget(name), labels=labels.all
            )
            DisruptionBudget(name, budget, self._inside)

    def _grafana(self) -> None:
        telemetry = self._settings.observability
        if telemetry is None or telemetry.grafana is None:
            return
        grafana = telemetry.grafana
        address = ServiceAddress(name=grafana.name, namespace=telemetry.namespace, port=grafana.port, resources=())
        host = PublicHost(
            ingress=grafana.ingress,
            host=grafana.host,
            address=address,
            health=grafana.health,
            deregistration=drain.UNKNOWN_REQUEST,
        )
        self._ingress(grafana.name, host, self._labels_of(grafana.name, "dashboards", telemetry.namespace))

    def _ingress(self, name: str, host: PublicHost, labels: Labels) -> None:
        way_in = self._settings.ingress
        if way_in is None:
            return
        every = [drain.solve(self._settings, n).idle for n, s in self._settings.services.items() if s.ingress]
        args = PublicIngressArgs(
            spec=way_in,
            name=host.ingress,
            host=host.host,
            address=host.address,
            health_path=host.health,
            deregistration=host.deregistration,
            idle=max((idle for idle in every if idle is not None), default=drain.DEFAULT_IDLE),
            labels=labels.all,
            namespace=self._namespaces[host.address.namespace],
            certificate=self._cluster.certificates.get(host.host, way_in.certificate_arn),
            needs=self._cluster.load_balancing,
        )
        # Only the load balancer controller's holds something in AWS that the engine must wait for.
        inside = self._outside if way_in.class_name == system.ALB else self._inside
        self._addresses[name] = PublicIngress(name, args, inside).address

    def _outputs(self, services: Mapping[str, HttpService]) -> dict[str, Any]:
        settings = self._settings
        encrypted = self._cluster.certificates or (settings.ingress and settings.ingress.certificate_arn)
        scheme = "https" if encrypted else "http"
        return {
            **(self._foundation.exports() if self._foundation is not None else {}),
            "cluster_name": settings.stem if settings.cluster.kind == "eks" else None,
            "environment": settings.environment,
            "images": {n: names.image(settings, s.image) for n, s in settings.services.items()},
            "load_balancers": dict(self._addresses),
            "models": {n: contract.models(settings, n) for n in settings.models},
            "namespaces": sorted(settings.namespaces),
            "node_pools": contract.node_contract(settings),
            "public_urls": {n: f"{scheme}://{s.ingress.host}" for n, s in settings.services.items() if s.ingress},
            "service_urls": {n: service.url for n, service in services.items()},
        }
