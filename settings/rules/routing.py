"""Who answers: A/B variants of routes, and the hosts of the way in."""

from __future__ import annotations

from settings import system
from settings.model import PlatformSettings
from settings.problems import Path, Problem, suggest


def variants(settings: PlatformSettings) -> list[Problem]:
    """The weights of a route's variants sum to 100, and each is an adapter of a model that the target calls."""
    out = []
    for name, service in settings.services.items():
        for route, spec in service.routes.items():
            at: Path = ("services", name, "routes", route, "variants")
            target = settings.services.get(spec.to)
            if not spec.variants or target is None:
                continue
            total = sum(spec.variants.values())
            if total != 100:
                shares = " + ".join(str(weight) for _, weight in sorted(spec.variants.items()))
                out.append(
                    Problem(path=at, reason=f"the weights sum to {total} ({shares})", fix="make them sum to 100")
                )
            models = [settings.models[model] for model in target.calls if model in settings.models]
            adapters = {adapter for model in models for adapter in model.adapters}
            for adapter in sorted(spec.variants):
                if adapter not in adapters:
                    reason = f'no model that {spec.to} calls has an adapter "{adapter}"'
                    fix = suggest(adapter, adapters) if adapters else f"add it to a model in calls of {spec.to}"
                    out.append(Problem(path=(*at, adapter), reason=reason, fix=fix))
    return out


def hosts(settings: PlatformSettings) -> list[Problem]:
    """Each host leads to one service: a load balancer that finds two rules for one host serves either."""
    out = []
    first: dict[str, str] = {}
    for name, host, path in system.public(settings):
        if host in first:
            fix = f"for example {name}.{host}"
            out.append(Problem(path=path, reason=f"{host} already leads to {first[host]}", fix=fix))
        first.setdefault(host, name)
    return out
