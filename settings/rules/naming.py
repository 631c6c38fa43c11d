"""Names that are derived or chosen: within their limits, unique, and not someone else's."""

from __future__ import annotations

from settings import names as derived_names
from settings.cache import Cache
from settings.environment import derived_keys
from settings.model import PlatformSettings
from settings.model_server import Model
from settings.problems import Path, Problem, dotted
from settings.service import Service
from settings.weights import JOB_LIMIT
from settings.workloads import FLOOR_SUFFIX

ROLE_LIMIT = 64
"""Longest IAM role name (IAM user guide, quotas)."""
_RESERVED_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_GUARDS = ("allow-dns", "default-deny")
"""The NetworkPolicies that every namespace has."""
CACHE_LIMIT = 30
"""Longest name of a cache: its downloads are called after it and after what they fetch."""


class _Claims:
    """Who makes which object; the second to claim a name is told of the first."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._taken: dict[tuple[str, str, str], Path] = {}

    def claim(self, kind: str, namespace: str, name: str, path: Path) -> None:
        """Claims an object of the platform."""
        owner = self._taken.setdefault((kind, namespace, name), path)
        if owner != path:
            reason = f"{kind} {namespace}/{name} is already made by {dotted(owner)}"
            self.problems.append(Problem(path=path, reason=reason, fix="give one of the two another name"))


def names(settings: PlatformSettings) -> list[Problem]:
    """Role names fit IAM, objects of one namespace have different names, reserved names stay free."""
    claims = _Claims()
    for name in sorted(settings.namespaces):
        for guard in _GUARDS:
            claims.claim("NetworkPolicy", name, guard, ("namespaces", name))
        claims.claim("ServiceAccount", name, "default", ("namespaces", name))
    _claim_telemetry(settings, claims)
    for name, service in sorted(settings.services.items()):
        _claim_service(claims, name, service)
    for name, model in sorted(settings.models.items()):
        _claim_model(settings, claims, name, model)
    for name, cache in sorted(settings.caches.items()):
        _claim_cache(settings, claims, name, cache)
    for name, pool in sorted(settings.node_pools.items()):
        if pool.headroom is not None:
            app = derived_names.headroom(name)
            for kind in ("Deployment", "NetworkPolicy", "ServiceAccount"):
                claims.claim(kind, pool.headroom.namespace, app, ("node_pools", name, "headroom"))
    return [*_reserved(settings), *_too_long(settings), *claims.problems]


def _claim_telemetry(settings: PlatformSettings, claims: _Claims) -> None:
    if telemetry := settings.observability:
        for key in ("collector", "prometheus"):
            app: str = getattr(telemetry, key).name
            claims.claim("NetworkPolicy", telemetry.namespace, app, ("observability", key, "name"))
            claims.claim("Service", telemetry.namespace, app, ("observability", key, "name"))
        if telemetry.grafana is not None:
            for kind in ("NetworkPolicy", "Service"):
                claims.claim(kind, telemetry.namespace, telemetry.grafana.name, ("observability", "grafana", "name"))
            ingress: Path = ("observability", "grafana", "ingress")
            claims.claim("Ingress", telemetry.namespace, telemetry.grafana.ingress, ingress)
    for name, namespace in sorted(settings.namespaces.items()):
        for app in sorted(namespace.webhooks):
            if not _is_telemetry(settings, name, app):  # one of those may have a webhook itself
                claims.claim("NetworkPolicy", name, app, ("namespaces", name, "webhooks", app))


def _is_telemetry(settings: PlatformSettings, namespace: str, app: str) -> bool:
    telemetry = settings.observability
    return (
        telemetry is not None
        and namespace == telemetry.namespace
        and app
        in (
            telemetry.collector.name,
            telemetry.prometheus.name,
            *([telemetry.grafana.name] if telemetry.grafana else []),
        )
    )


def _claim_service(claims: _Claims, name: str, service: Service) -> None:
    at: Path = ("services", name)
    claims.claim("Service", service.namespace, name, at)
    claims.claim("Deployment", service.namespace, name, at)
    claims.claim("NetworkPolicy", service.namespace, name, at)
    if service.secrets:
        claims.claim("Secret", service.namespace, derived_names.secret(name), (*at, "secrets"))
    account = (*at, "service_account") if service.service_account else at
    claims.claim("ServiceAccount", service.namespace, derived_names.service_account(name, service), account)
    config_map = (*at, "config_map") if service.config_map else at
    claims.claim("ConfigMap", service.namespace, derived_names.config_map(name, service), config_map)
    if service.ingress:
        ingress = (*at, "ingress", "name") if service.ingress.name else (*at, "ingress")
        claims.claim("Ingress", service.namespace, derived_names.ingress(name, service), ingress)


def _claim_model(settings: PlatformSettings, claims: _Claims, name: str, model: Model) -> None:
    at: Path = ("models", name)
    if name in settings.services:
        claims.problems.append(
            Problem(path=at, reason=f"{name} is also a service", fix="give one of the two another name")
        )
    for kind in ("Deployment", "NetworkPolicy", "Service"):
        claims.claim(kind, model.namespace, name, at)
    claims.claim("ServiceAccount", model.namespace, derived_names.model_account(name), at)
    if model.floor is not None:
        claims.claim("Deployment", model.namespace, f"{name}{FLOOR_SUFFIX}", (*at, "floor"))


def _claim_cache(settings: PlatformSettings, claims: _Claims, name: str, cache: Cache) -> None:
    at: Path = ("caches", name)
    claims.claim("NetworkPolicy", cache.namespace, name, at)
    claims.claim("ServiceAccount", cache.namespace, derived_names.cache_account(name), at)
    claims.claim("ConfigMap", cache.namespace, derived_names.fetch_script(name), at)
    if settings.hub.token is not None:
        claims.claim("Secret", cache.namespace, derived_names.hub_secret(name), at)


def _reserved(settings: PlatformSettings) -> list[Problem]:
    out = []
    for name in settings.namespaces:
        if name in _RESERVED_NAMESPACES or name.startswith("kube-"):
            fix = "use a namespace of the platform's own"
            out.append(Problem(path=("namespaces", name), reason="belongs to Kubernetes", fix=fix))
    for name in settings.priorities:
        if name.startswith("system-"):
            fix = f"for example {name.removeprefix('system-') or 'serving'}"
            out.append(Problem(path=("priorities", name), reason="system- names belong to Kubernetes", fix=fix))
    return out


def _too_long(settings: PlatformSettings) -> list[Problem]:
    out = []
    for name in settings.services:
        at: Path = ("services", name)
        role = derived_names.role(settings, name)
        if len(role) > ROLE_LIMIT:
            over = len(role) - ROLE_LIMIT
            reason = f"its role {role} has {len(role)} characters, IAM takes {ROLE_LIMIT}"
            out.append(Problem(path=at, reason=reason, fix=f"shorten the service's name or `prefix` by {over}"))
    for name in settings.caches:
        over = len(name) - CACHE_LIMIT
        if over > 0:
            reason = f"{len(name)} characters leave no room for the names of its downloads, which end at {JOB_LIMIT}"
            out.append(Problem(path=("caches", name), reason=reason, fix=f"shorten the name by {over}"))
    return out


def config_keys(settings: PlatformSettings) -> list[Problem]:
    """No variable under `config` is one that the platform sets, and no two settings make the same one."""
    out = []
    for name, service in settings.services.items():
        keys = derived_keys(settings, name)
        for key in sorted(set(service.config) & {key for key, _ in keys}):
            fix = {"LOG_LEVEL": "use log_level"}.get(key, "leave it out: it follows from the other settings")
            path: Path = ("services", name, "config", key)
            out.append(Problem(path=path, reason="the platform sets this variable itself", fix=fix))
        first: dict[str, Path] = {}
        for key, path in keys:
            if first.setdefault(key, path) != path:
                reason = f"sets {key}, which {dotted(first[key])} sets too"
                out.append(Problem(path=path, reason=reason, fix="rename the route or the model"))
    return out
