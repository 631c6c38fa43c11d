"""The environment variables of a service: its ConfigMap, part of the image contract (README)."""

from __future__ import annotations

import json

from settings import names
from settings.model import PlatformSettings
from settings.problems import Path


def derived_keys(settings: PlatformSettings, name: str) -> list[tuple[str, Path]]:
    """The variables that the platform itself sets, each with the setting that it follows from; no reference is read."""
    service, at = settings.services[name], ("services", name)
    out: list[tuple[str, Path]] = [("LOG_LEVEL", (*at, "log_level")), ("AWS_REGION", ("aws", "region"))]
    if settings.observability:
        out += [(key, ("observability",)) for key in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME")]
    if service.sagemaker:
        out += [(key, (*at, "sagemaker")) for key in ("SAGEMAKER_ENDPOINT_NAME", "SAGEMAKER_TIMEOUT_MS")]
    if service.routes:
        out.append(("ROUTE_TABLE", (*at, "routes")))
    out += [(f"{names.env_key(route)}_SERVICE_URL", (*at, "routes", route)) for route in sorted(service.routes)]
    out += [(f"{names.env_key(model)}_URL", (*at, "calls", i)) for i, model in enumerate(service.calls)]
    return out


def derived(settings: PlatformSettings, name: str) -> dict[str, str]:
    """The variables that the platform itself sets, sorted by key. References must resolve."""
    service = settings.services[name]
    out = {"LOG_LEVEL": service.log_level, "AWS_REGION": settings.aws.region}
    if collector := names.collector_url(settings):
        out |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "OTEL_SERVICE_NAME": name}
    if service.sagemaker:
        out["SAGEMAKER_ENDPOINT_NAME"] = service.sagemaker.endpoint
        out["SAGEMAKER_TIMEOUT_MS"] = str(service.sagemaker.timeout.seconds * 1000)
    for route, spec in service.routes.items():
        out[f"{names.env_key(route)}_SERVICE_URL"] = names.service_url(spec.to, settings.services[spec.to])
    if service.routes:
        out["ROUTE_TABLE"] = route_table(settings, name)
    for model in service.calls:
        out[f"{names.env_key(model)}_URL"] = names.model_url(model, settings.models[model])
    return dict(sorted(out.items()))


def variables(settings: PlatformSettings, name: str) -> dict[str, str]:
    """All variables of a service: the derived ones and its own `config`, sorted by key."""
    return dict(sorted({**settings.services[name].config, **derived(settings, name)}.items()))


def route_table(settings: PlatformSettings, name: str) -> str:
    """ROUTE_TABLE as JSON (S003-69, 70): route -> url, timeout in milliseconds, A/B variants with their weights."""
    table: dict[str, dict[str, object]] = {}
    for route, spec in sorted(settings.services[name].routes.items()):
        row: dict[str, object] = {
            "url": names.service_url(spec.to, settings.services[spec.to]),
            "timeout_ms": spec.timeout.seconds * 1000,
        }
        if spec.variants:
            row["ab_variants"] = {adapter: {"weight": w} for adapter, w in sorted(spec.variants.items())}
        table[route] = row
    return json.dumps(table, indent=2) + "\n"
