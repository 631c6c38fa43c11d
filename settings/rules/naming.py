"""Names that are derived or chosen: within their limits, unique, and not someone else's."""

from __future__ import annotations

from settings import names as derived_names
from settings.environment import derived
from settings.model import PlatformSettings
from settings.problems import Path, Problem

ROLE_LIMIT = 64
"""Longest IAM role name (IAM user guide, quotas)."""
_RESERVED_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


def names(settings: PlatformSettings) -> list[Problem]:
    """Role names fit IAM, objects of one namespace have different names, reserved names stay free."""
    out: list[Problem] = []
    taken: dict[tuple[str, str, str], Path] = {}

    def claim(kind: str, namespace: str, name: str, path: Path) -> None:
        first = taken.setdefault((kind, namespace, name), path)
        if first != path:
            reason = f"{kind} {namespace}/{name} is already made by {first[0]}.{first[1]}"
            out.append(Problem(path=path, reason=reason, fix="give one of the two another name"))

    for name in settings.namespaces:
        if name in _RESERVED_NAMESPACES or name.startswith("kube-"):
            fix = "use a namespace of the platform's own"
            out.append(Problem(path=("namespaces", name), reason="belongs to Kubernetes", fix=fix))
    for name in settings.priorities:
        if name.startswith("system-"):
            fix = "use another name"
            out.append(Problem(path=("priorities", name), reason="system- names belong to Kubernetes", fix=fix))
    for name, service in settings.services.items():
        at: Path = ("services", name)
        role = derived_names.role(settings, name)
        if len(role) > ROLE_LIMIT:
            over = len(role) - ROLE_LIMIT
            reason = f"its role {role} has {len(role)} characters, IAM takes {ROLE_LIMIT}"
            out.append(Problem(path=at, reason=reason, fix=f"shorten the service's name or `prefix` by {over}"))
        claim("Service", service.namespace, name, at)
        claim("ServiceAccount", service.namespace, derived_names.service_account(name, service), at)
        claim("ConfigMap", service.namespace, derived_names.config_map(name, service), at)
        if service.ingress:
            claim("Ingress", service.namespace, derived_names.ingress(name, service), at)
    for name, model in settings.models.items():
        claim("Service", model.namespace, name, ("models", name))
    return out


def config_keys(settings: PlatformSettings) -> list[Problem]:
    """No variable under `config` is one that the platform sets, and no two calls make the same one."""
    out = []
    for name, service in settings.services.items():
        known = all(r.to in settings.services for r in service.routes.values())
        if not known or any(model not in settings.models for model in service.calls):
            continue  # `references` has said so
        for key in sorted(set(service.config) & set(derived(settings, name))):
            fix = {"LOG_LEVEL": "use log_level"}.get(key, "leave it out: it follows from the other settings")
            path: Path = ("services", name, "config", key)
            out.append(Problem(path=path, reason="the platform sets this variable itself", fix=fix))
    return out
