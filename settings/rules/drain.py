"""Drain inequality (design rule 5) and the order of timeouts."""

from __future__ import annotations

from settings import drain
from settings.model import PlatformSettings
from settings.model_server import ServingProbes
from settings.problems import Path, Problem, dotted
from settings.types import Duration
from settings.workload import Calls, Probe, Probes
from settings.workloads import hosts, workloads

LONGEST_START = 24 * 3600
"""Seconds; a start-up probe that is patient for longer never calls a start failed. Kubernetes counts in 32 bits."""


def fits(settings: PlatformSettings) -> list[Problem]:
    """The grace that a workload needs is no longer than what its nodes can promise."""
    out = []
    for path, workload in workloads(settings):
        if workload.pool is not None and workload.pool not in settings.node_pools:
            continue  # `references` has said so
        known = _requests(settings, path)
        if workload.longest_request is not None:
            known = {**(known if path[0] == "services" else {}), (*path, "longest_request"): workload.longest_request}
        most, why = _most(settings, path)
        for where, longest in known.items():
            if longest > most:
                others = path[0] == "models" and where[:2] != path
                own = f", or {dotted((*path, 'longest_request'))}, if its own requests are shorter" if others else ""
                fix = f"at most {most}{own}"
                out.append(Problem(path=where, reason=f"{longest} is too long: {why}", fix=fix))
    return out


def _requests(settings: PlatformSettings, path: Path) -> dict[Path, Duration]:
    name = str(path[1])
    return drain.known_requests(settings, name) if path[0] == "services" else drain.model_requests(settings, name)


def _most(settings: PlatformSettings, path: Path) -> tuple[Duration, str]:
    """The longest requests that a workload can be drained of, and why.

    What a load balancer can wait for (an hour) lies far beyond what any node promises.
    """
    name, model = str(path[1]), settings.models.get(str(path[1])) if path[0] == "models" else None
    settle = drain.settle(settings, name) if model is None else Duration(drain.CLUSTER_SETTLE)
    buffer = drain.BUFFER if model is None else drain.MODEL_BUFFER
    pools = hosts(settings, settings.services[name].pool if model is None else model.pool)
    if model is not None and model.floor is not None:
        pools |= hosts(settings, model.floor.pool)
    hastiest = min(pools, key=lambda pool: (drain.promise(pools[pool]), pool), default=None)
    promise = drain.promise(pools[hastiest]) if hastiest else drain.ON_DEMAND_PROMISE
    node = f"{pools[hastiest].capacity} node of pool {hastiest}" if hastiest else "node"
    why = (
        f"a drain of {name} waits {settle} until no request arrives, then for the longest request, then "
        f"{buffer}s; a {node} promises {Duration(promise)} in all"
    )
    return Duration(promise - settle.seconds - buffer), why


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
    for name, model in settings.models.items():
        if model.longest_request == Duration(0):
            path = ("models", name, "longest_request")
            out.append(Problem(path=path, reason="0s answers nothing", fix="for example 30s, or leave it out"))
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
    stated: list[tuple[Path, dict[str, Calls]]] = [
        (("services", name), {kind: getattr(service.probes, kind) for kind in Probes.model_fields})
        for name, service in settings.services.items()
    ]
    stated += [
        (("models", name), {kind: getattr(model.probes, kind) for kind in ServingProbes.model_fields})
        for name, model in settings.models.items()
    ]
    for path, calls in stated:
        at: Path = (*path, "probes")
        for kind, probe in calls.items():
            out += _calls((*at, kind), probe)
        live, ready = calls["liveness"], calls["readiness"]
        if live.patience <= ready.patience:
            reason = f"restarts a pod after {live.patience}, before readiness has taken it out of the Service"
            enough = max(1, ready.patience.seconds // max(1, live.period.seconds)) + 1
            fix = f"failures: {enough} (readiness takes {ready.patience}), or a longer period"
            out.append(Problem(path=(*at, "liveness"), reason=f"{reason} ({ready.patience})", fix=fix))
    return out


def _calls(at: Path, probe: Calls) -> list[Problem]:
    out = []
    for key in ("period", "timeout"):
        if getattr(probe, key).seconds < 1:
            reason = f"{getattr(probe, key)} is under a probe's least period and timeout"
            out.append(Problem(path=(*at, key), reason=reason, fix="at least 1s"))
    delay = probe.initial_delay if isinstance(probe, Probe) else Duration(0)
    if delay.seconds + probe.patience.seconds > LONGEST_START:
        reason = f"{delay} + {probe.period} x {probe.failures} is longer than a day"
        out.append(Problem(path=at, reason=reason, fix="fewer failures, or a shorter period or delay"))
    return out
