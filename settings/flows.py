"""Who may talk to whom: every flow that the platform needs, derived from the settings once.

Network policies are written from this list and everything else is denied. What Kubernetes itself needs (the kubelet's
probes) is never filtered and so not listed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from settings import addresses, names
from settings.cloud import Ingress
from settings.eks import EksCluster
from settings.model import PlatformSettings

NAME_LABEL = "app.kubernetes.io/name"
POD_IDENTITY_AGENT = "169.254.170.23/32"
"""Address of the EKS Pod Identity agent on each node, port 80 (EKS user guide, pod identity agent setup)."""
PRIVATE_RANGES = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
"""What is not the internet: RFC 1918, carrier-grade NAT (pods of EKS custom networking), link-local (node metadata)."""


@dataclass(frozen=True, order=True)
class Pods:
    """Pods of one app in one namespace."""

    namespace: str
    app: str
    label: str = "app"
    """The label that holds the app's name."""

    @property
    def labels(self) -> dict[str, str]:
        """The selector."""
        return {self.label: self.app}


@dataclass(frozen=True, order=True)
class Addresses:
    """Addresses outside the pods."""

    name: str
    cidrs: tuple[str, ...]
    excluded: tuple[str, ...] = ()


INTERNET = Addresses("internet", ("0.0.0.0/0",), PRIVATE_RANGES)
"""Everything that is not private, AWS's own public addresses included."""
Peer: TypeAlias = Pods | Addresses


@dataclass(frozen=True)
class Flow:
    """One permitted direction of new connections."""

    source: Peer
    target: Peer
    port: int
    why: str
    protocol: str = field(default="TCP")


def flows(settings: PlatformSettings) -> list[Flow]:
    """Every flow, in a stable order. References must resolve: call it on settings that passed the rules."""
    out = [*_requests(settings), *_aws(settings), *_telemetry(settings), *_weights(settings), *_webhooks(settings)]
    unique = {(flow.source, flow.target, flow.port, flow.protocol): flow for flow in reversed(out)}
    return sorted(unique.values(), key=lambda f: (str(f.source), str(f.target), f.port, f.protocol))


def service_pods(settings: PlatformSettings, name: str) -> Pods:
    """The pods of a service."""
    return Pods(settings.services[name].namespace, name)


def model_pods(settings: PlatformSettings, name: str) -> Pods:
    """The pods of a model's server."""
    return Pods(settings.models[name].namespace, name)


def download_pods(settings: PlatformSettings, cache: str) -> Pods:
    """The pods that fill a cache; only they reach the internet, the servers read what they fetched."""
    return Pods(settings.caches[cache].namespace, cache)


def quiet(settings: PlatformSettings) -> list[Pods]:
    """The pods that talk to nobody: placeholders, and what nobody calls where nothing is observed."""
    every = [service_pods(settings, name) for name in settings.services]
    every += [model_pods(settings, name) for name in settings.models]
    every += [
        Pods(pool.headroom.namespace, names.headroom(name))
        for name, pool in settings.node_pools.items()
        if pool.headroom is not None and any(name in model.pools for model in settings.models.values())
    ]
    busy = {end for flow in flows(settings) for end in (flow.source, flow.target)}
    return [pods for pods in every if pods not in busy]


def dns() -> tuple[Pods, tuple[str, ...]]:
    """Cluster DNS and its protocols, on port 53; every pod may ask it."""
    return Pods("kube-system", "kube-dns", "k8s-app"), ("TCP", "UDP")


def _requests(settings: PlatformSettings) -> list[Flow]:
    out: list[Flow] = []
    for name, service in settings.services.items():
        source = service_pods(settings, name)
        for route in service.routes.values():
            port = settings.services[route.to].port
            out.append(Flow(source, service_pods(settings, route.to), port, "route"))
        out += [Flow(source, model_pods(settings, m), settings.models[m].port, "calls") for m in service.calls]
        if service.ingress and settings.ingress:
            out.append(Flow(_load_balancer(settings, settings.ingress), source, service.port, "ingress"))
    if settings.observability and settings.observability.grafana and settings.ingress:
        grafana = settings.observability.grafana
        target = Pods(settings.observability.namespace, grafana.name, NAME_LABEL)
        out.append(Flow(_load_balancer(settings, settings.ingress), target, grafana.port, "ingress"))
    return out


def _load_balancer(settings: PlatformSettings, ingress: Ingress) -> Addresses:
    return Addresses("load-balancer", addresses.load_balancer_cidrs(settings.aws, ingress.scheme))


def _aws(settings: PlatformSettings) -> list[Flow]:
    out = []
    endpoints = Addresses("aws-endpoints", addresses.endpoint_cidrs(settings.aws))
    for name, service in settings.services.items():
        source = service_pods(settings, name)
        has_role = settings.aws.account is not None
        sts = has_role and settings.aws.identity == "irsa"
        stated = {action.partition(":")[0] for permission in service.permissions for action in permission.actions}
        inside = sorted(stated & _inside(settings, stated))
        called = [what for what, used in (("SageMaker", service.sagemaker), ("STS", sts)) if used]
        if called or inside:
            out.append(Flow(source, endpoints, 443, ", ".join([*called, *inside])))
        if outside := sorted(stated - set(inside)):
            out.append(Flow(source, INTERNET, 443, ", ".join(outside)))
        if has_role and settings.aws.identity == "pod-identity":
            agent = Addresses("pod-identity-agent", (POD_IDENTITY_AGENT,))
            out.append(Flow(source, agent, 80, "Pod Identity"))
    return out


def _inside(settings: PlatformSettings, services: set[str]) -> set[str]:
    """Which AWS services are reached inside the VPC; the others, S3 among them, have public addresses."""
    if isinstance(settings.cluster, EksCluster):
        return {endpoint.partition(".")[0] for endpoint in settings.cluster.network.endpoints}
    return services if settings.aws.endpoint_cidrs else set()


def _telemetry(settings: PlatformSettings) -> list[Flow]:
    telemetry = settings.observability
    if telemetry is None:
        return []
    collector = Pods(telemetry.namespace, telemetry.collector.name, NAME_LABEL)
    prometheus = Pods(telemetry.namespace, telemetry.prometheus.name, NAME_LABEL)
    ports = {service_pods(settings, n): s.port for n, s in settings.services.items()}
    ports |= {model_pods(settings, n): m.engine.metrics_port or m.port for n, m in settings.models.items()}
    out = []
    for pods, port in ports.items():
        out.append(Flow(pods, collector, telemetry.collector.port, "telemetry"))
        out.append(Flow(prometheus, pods, port, "metrics"))
    return out


def _weights(settings: PlatformSettings) -> list[Flow]:
    return [Flow(download_pods(settings, name), INTERNET, 443, "weights") for name in settings.caches]


def _webhooks(settings: PlatformSettings) -> list[Flow]:
    source = Addresses("control-plane", addresses.control_plane_cidrs(settings.aws))
    return [
        Flow(source, Pods(name, app, NAME_LABEL), port, "webhook")
        for name, namespace in settings.namespaces.items()
        for app, port in namespace.webhooks.items()
    ]
