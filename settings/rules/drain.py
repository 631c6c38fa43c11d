"""Drain inequality (design rule 5) and the order of timeouts."""

from __future__ import annotations

from settings import drain
from settings.model import PlatformSettings
from settings.problems import Path, Problem
from settings.types import Duration

MAX_IDLE = 4000
"""Longest idle timeout of an ALB in seconds (Elastic Load Balancing user guide, load balancer attributes)."""


def fits(settings: PlatformSettings) -> list[Problem]:
    """The grace that a service needs is no longer than what its nodes can promise."""
    out = []
    for name, service in settings.services.items():
        if service.pool is not None and service.pool not in settings.node_pools:
            continue  # `references` has said so
        solved = drain.solve(settings, name)
        for pool_name, pool in drain.hosts(settings, name).items():
            most = drain.promise(pool)
            if solved.grace.seconds > most:
                longest = most - solved.pre_stop.seconds - drain.BUFFER
                out.append(
                    Problem(
                        path=("services", name),
                        reason=f"a drain takes {solved.grace} ({solved.pre_stop} until no request arrives + longest "
                        f"request {solved.longest} + {drain.BUFFER}s), a {pool.capacity} node of pool {pool_name} "
                        f"promises {Duration(most)}",
                        fix=f"requests of at most {Duration(longest)}, or a pool of on-demand nodes",
                    )
                )
        if solved.idle and solved.idle.seconds > MAX_IDLE:
            longest = MAX_IDLE - drain.IDLE_MARGIN
            reason = f"its longest request, {solved.longest}, needs a load balancer idle timeout of {solved.idle}"
            fix = f"requests of at most {Duration(longest)} (an ALB waits {Duration(MAX_IDLE)} at most)"
            out.append(Problem(path=("services", name), reason=reason, fix=fix))
    return out


def timeouts(settings: PlatformSettings) -> list[Problem]:
    """A caller waits longer than the one that it calls; otherwise it gives up on an answer that is on its way."""
    out = []
    for name, service in settings.services.items():
        for route, spec in service.routes.items():
            target = settings.services.get(spec.to)
            if spec.timeout.seconds == 0:
                path: Path = ("services", name, "routes", route, "timeout")
                out.append(Problem(path=path, reason="0s answers nothing", fix="for example 30s"))
            if target and target.sagemaker and target.sagemaker.timeout >= spec.timeout:
                out.append(
                    Problem(
                        path=("services", spec.to, "sagemaker", "timeout"),
                        reason=f"{target.sagemaker.timeout} is not shorter than route {name}/{route}, {spec.timeout}: "
                        "the caller gives up first",
                        fix=f"under {spec.timeout}",
                    )
                )
        if service.sagemaker and service.sagemaker.timeout.seconds == 0:
            at: Path = ("services", name, "sagemaker", "timeout")
            out.append(Problem(path=at, reason="0s answers nothing", fix="for example 25s"))
        known = max(drain.known_requests(settings, name), default=Duration(0))
        if service.longest_request is not None and service.longest_request < known:
            at = ("services", name, "longest_request")
            reason = f"{service.longest_request} is shorter than a route or call of {known}"
            out.append(Problem(path=at, reason=reason, fix=f"{known}, or leave it out"))
    return out


def probes(settings: PlatformSettings) -> list[Problem]:
    """Probes have periods and timeouts that the API takes, and liveness is more patient than readiness."""
    out = []
    for name, service in settings.services.items():
        at: Path = ("services", name, "probes")
        for kind in ("startup", "liveness", "readiness"):
            probe = getattr(service.probes, kind)
            for key in ("period", "timeout"):
                if getattr(probe, key).seconds < 1:
                    reason = "a probe's least period and timeout is 1s"
                    out.append(Problem(path=(*at, kind, key), reason=reason, fix="at least 1s"))
        live, ready = service.probes.liveness.window, service.probes.readiness.window
        if live <= ready:
            reason = f"restarts a pod after {live}, before readiness ({ready}) has taken it out of the Service"
            fix = f"a longer window than {ready}: more failures, or a longer period"
            out.append(Problem(path=(*at, "liveness"), reason=reason, fix=fix))
    return out
