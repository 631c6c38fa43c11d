"""What an EKS cluster of this program consists of besides the platform's own workloads: read off the settings."""

from __future__ import annotations

from typing import NamedTuple

from settings.cache import ExternalToken
from settings.eks import EksCluster
from settings.model import PlatformSettings
from settings.names import hub_key
from settings.nodes import NodePool
from settings.problems import Path

ALB = "alb"
"""The ingress class of the AWS Load Balancer Controller."""
AUTOSCALER = "cluster-autoscaler"
"""The chart whose image follows the cluster's minor."""


def system_pool(settings: PlatformSettings) -> str | None:
    """The pool that controllers and cluster add-ons run on: the first that nothing repels from and AWS does not take
    back.
    """
    return next((name for name, pool in sorted(settings.node_pools.items()) if steady(pool)), None)


def steady(pool: NodePool) -> bool:
    """True of a pool that takes any pod, and keeps it."""
    repels = any(taint.effect != "PreferNoSchedule" for taint in pool.taints)
    return pool.capacity == "on-demand" and not repels and pool.min > 0


class Public(NamedTuple):
    """Something that people reach from outside, if there is a way in."""

    name: str
    """The service, or the dashboard."""
    host: str
    """The host name that they use."""
    path: Path
    """Where the settings say it."""


def public(settings: PlatformSettings) -> list[Public]:
    """Everything with a host name of its own, services first."""
    out = [
        Public(name, service.ingress.host, ("services", name, "ingress", "host"))
        for name, service in sorted(settings.services.items())
        if service.ingress
    ]
    if settings.observability and settings.observability.grafana:
        grafana = settings.observability.grafana
        out.append(Public(grafana.name, grafana.host, ("observability", "grafana", "host")))
    return out


def public_hosts(settings: PlatformSettings) -> dict[str, str]:
    """Service (or dashboard) -> the host name that people use; empty without a way in."""
    return {thing.name: thing.host for thing in public(settings)} if settings.ingress is not None else {}


def balances(settings: PlatformSettings) -> bool:
    """True if the AWS Load Balancer Controller has work."""
    return settings.ingress is not None and settings.ingress.class_name == ALB and bool(public_hosts(settings))


def external_keys(settings: PlatformSettings) -> dict[str, list[str]]:
    """Secret store -> the secrets that are read of it."""
    token = settings.hub.token
    if not isinstance(token, ExternalToken) or not settings.caches:
        return {}
    return {token.store: [hub_key(settings, token)]}


def repositories(settings: PlatformSettings) -> list[str]:
    """Images of the platform's own that lie in the account's registry."""
    if settings.registry.host is not None:
        return []
    return sorted({s.image.repository for s in settings.services.values() if s.image.host is None})


def autoscaled(settings: PlatformSettings) -> bool:
    """True if some pool may grow."""
    return any(pool.min < pool.max for pool in settings.node_pools.values())


def gpu_pools(settings: PlatformSettings) -> dict[str, NodePool]:
    """The pools whose nodes have GPUs; without one, the two GPU daemons are not installed."""
    return {name: pool for name, pool in settings.node_pools.items() if pool.gpus > 0}


def installed(settings: PlatformSettings) -> tuple[str, ...]:
    """Charts that these settings install."""
    dns = isinstance(settings.cluster, EksCluster) and settings.cluster.dns is not None
    gpus = bool(gpu_pools(settings))
    wanted = {
        "aws-load-balancer-controller": balances(settings),
        AUTOSCALER: autoscaled(settings),
        "dcgm-exporter": gpus,
        "external-dns": dns,
        "external-secrets": bool(external_keys(settings)),
        "nvidia-device-plugin": gpus,
    }
    return tuple(name for name, needed in wanted.items() if needed)
