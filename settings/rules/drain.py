"""Drain inequality (design rule 5) and the order of timeouts."""

from __future__ import annotations

from settings import drain
from settings.model import PlatformSettings
from settings.problems import Path, Problem
from settings.types import Duration

LONGEST_START = 24 * 3600
"""Seconds; a start-up probe that is patient for longer never calls a start failed. Kubernetes counts in 32 bits."""


def fits(settings: PlatformSettings) -> list[Problem]:
    """The grace that a service needs is no longer than what its nodes can promise."""
    out = []
    for name, service in settings.services.items():
        if service.pool is not None and service.pool not in settings.node_pools:
            continue  # `references` has said so
        known = drain.known_requests(settings, name)
        if service.longest_request is not None:
            known["services", name, "longest_request"] = service.longest_request
        most, why = _most(settings, name)
        for path, longest in known.items():
            if longest > most:
                out.append(Problem(path=path, reason=f"{longest} is too long: {why}", fix=f"at most {most}"))
    return out


def _most(settings: PlatformSettings, name: str) -> tuple[Duration, str]:
    """The longest requests that a service can be drained of, and why.

    What a load balancer can wait for (an hour) lies far beyond what any node promises.
    """
    settle = drain.settle(settings, name)
    pools = drain.hosts(settings, name)
    hastiest = min(pools, key=lambda pool: (drain.promise(pools[pool]), pool), default=None)
    promise = drain.promise(pools[hastiest]) if hastiest else drain.ON_DEMAND_PROMISE
    node = f"{pools[hastiest].capacity} node of pool {hastiest}" if hastiest else "node"
    why = (
        f"a drain of {name} waits {settle} until no request arrives, then for the longest request, then "
        f"{drain.BUFFER}s; a {node} promises {Duration(promise)} in all"
    )
    return Duration(promise - settle.seconds - drain.BUFFER), why


def timeouts(settings: PlatformSettings) -> list[Problem]:
    """A caller waits longer than the one that it calls; otherwise it gives up on an answer that is on its way."""
    out = []
    for name, service in settings.services.items():
        inner = _inner_timeouts(settings, name)
        for path, timeout in inner.items():
            if timeout.seconds == 0:
                out.append(Problem(path=path, reason="0s answers nothing", fix="for example 30s"))
        for route, spec in service.routes.items():
            for path, timeout in _inner_timeouts(settings, spec.to).items() if spec.to != name else ():
                if timeout >= spec.timeout > Duration(0):
                    reason = (
                        f"{timeout} is not shorter than route {route} of {name}, {spec.timeout}: the caller gives up "
                        "first"
                    )
                    shorter = Duration(spec.timeout.seconds - 1)
                    fix = f"at most {shorter}, or a longer route" if shorter.seconds else "a longer route"
                    out.append(Problem(path=path, reason=reason, fix=fix))
        out += _longest(settings, name)
    return out


def _inner_timeouts(settings: PlatformSettings, name: str) -> dict[Path, Duration]:
    """What a service itself waits for while somebody waits for it."""
    known = drain.known_requests(settings, name) if name in settings.services else {}
    return {path: timeout for path, timeout in known.items() if path[1] == name}


def _longest(settings: PlatformSettings, name: str) -> list[Problem]:
    stated = settings.services[name].longest_request
    if stated is None:
        return []
    path: Path = ("services", name, "longest_request")
    if stated.seconds == 0:
        return [Problem(path=path, reason="0s answers nothing", fix="for example 30s, or leave it out")]
    known = max(drain.known_requests(settings, name).values(), default=Duration(0))
    if stated >= known:
        return []
    return [Problem(path=path, reason=f"{stated} is shorter than a route or call of {known}", fix=f"at least {known}")]


def probes(settings: PlatformSettings) -> list[Problem]:
    """Probes have periods and timeouts that the API takes, and liveness is more patient than readiness."""
    out = []
    for name, service in settings.services.items():
        at: Path = ("services", name, "probes")
        for kind in ("startup", "liveness", "readiness"):
            probe = getattr(service.probes, kind)
            for key in ("period", "timeout"):
                if getattr(probe, key).seconds < 1:
                    reason = f"{getattr(probe, key)} is under a probe's least period and timeout"
                    out.append(Problem(path=(*at, kind, key), reason=reason, fix="at least 1s"))
            if probe.window.seconds > LONGEST_START:
                reason = f"{probe.initial_delay} + {probe.period} x {probe.failures} is longer than a day"
                out.append(Problem(path=(*at, kind), reason=reason, fix="fewer failures, or a shorter period or delay"))
        live, ready = service.probes.liveness, service.probes.readiness
        if live.patience <= ready.patience:
            reason = f"restarts a pod after {live.patience}, before readiness has taken it out of the Service"
            enough = max(1, ready.patience.seconds // max(1, live.period.seconds)) + 1
            fix = f"failures: {enough} (readiness takes {ready.patience}), or a longer period"
            out.append(Problem(path=(*at, "liveness"), reason=f"{reason} ({ready.patience})", fix=fix))
    return out
