"""What an EKS cluster of this program consists of besides the platform's own workloads: read off the settings."""

from __future__ import annotations

from settings.cache import ExternalToken
from settings.model import PlatformSettings
from settings.names import hub_key
from settings.nodes import NodePool

ALB = "alb"
"""The ingress class of the AWS Load Balancer Controller."""


def system_pool(settings: PlatformSettings) -> str | None:
    """The pool that controllers and cluster add-ons run on: the first that nothing repels from and AWS does not take
    back.
    """
    return next((name for name, pool in sorted(settings.node_pools.items()) if steady(pool)), None)


def steady(pool: NodePool) -> bool:
    """True of a pool that takes any pod, and keeps it."""
    repels = any(taint.effect != "PreferNoSchedule" for taint in pool.taints)
    return pool.capacity == "on-demand" and not repels and pool.min > 0


def public_hosts(settings: PlatformSettings) -> dict[str, str]:
    """Service (or dashboard) -> the host name that people use."""
    if settings.ingress is None:
        return {}
    out = {name: s.ingress.host for name, s in sorted(settings.services.items()) if s.ingress}
    if settings.observability and settings.observability.grafana:
        grafana = settings.observability.grafana
        out[grafana.name] = grafana.host
    return out


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
