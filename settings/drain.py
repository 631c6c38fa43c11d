"""How a pod leaves without losing a request: pre-stop wait, grace period and load balancer delay, solved together.

When a pod is deleted, its address leaves the endpoints and the process gets SIGTERM at the same time. So the pre-stop
hook waits until nobody sends any more (`settle`), then the process finishes what it has (`longest request`), and only
then may the kubelet kill it:  settle + longest request + buffer <= grace <= what the capacity can promise.
"""

from __future__ import annotations

from dataclasses import dataclass

from settings.model import PlatformSettings
from settings.nodes import NodePool
from settings.problems import Path
from settings.types import Duration

CLUSTER_SETTLE = 15
"""Seconds until kube-proxy everywhere has dropped an endpoint (pre-stop sleep of llm-d's graceful-shutdown recipe and
of KServe's LLM template, both 15 s)."""
LOAD_BALANCER_SETTLE = 25
"""Seconds until an ALB sends no new request to a pod that is gone from the endpoints: 5 s were not enough under load,
25 s were (kubernetes-sigs/aws-load-balancer-controller#1064; AWS states no figure)."""
BUFFER = 5
"""Seconds for the process itself to close down."""
MODEL_BUFFER = 15
"""Seconds for an inference engine to close down (llm-d's graceful-shutdown recipe: 15 + 45 + 15)."""
SPOT_PROMISE = 110
"""Seconds of grace that a spot node can give: its notice is 120 s, some of which pass before the drain begins."""
ON_DEMAND_PROMISE = 900
"""Seconds that an EKS managed node group waits for a node to drain before the update fails (EKS user guide, managed
node update behavior: 15 minutes)."""
UNKNOWN_REQUEST = Duration(30)
"""Longest request of a service that nothing is known of: the grace that Kubernetes gives by default."""
DEFAULT_IDLE = Duration(60)
"""Idle timeout of a load balancer that nothing is said of (Elastic Load Balancing user guide)."""
IDLE_MARGIN = 10
"""Seconds by which the load balancer's idle timeout exceeds the longest request, so that the gateway answers first."""


@dataclass(frozen=True)
class Drain:
    """The solved times of one service."""

    longest: Duration
    """The longest request that it serves."""
    pre_stop: Duration
    """How long the pre-stop hook waits."""
    grace: Duration
    """terminationGracePeriodSeconds."""
    deregistration: Duration | None
    """How long the load balancer lets running requests finish; None where it is not behind one."""
    idle: Duration | None
    """Idle timeout of the load balancer; None where it is not behind one."""


def longest_request(settings: PlatformSettings, name: str) -> Duration:
    """The longest request of a service: as set, else the longest that other settings know of, else UNKNOWN_REQUEST."""
    return settings.services[name].longest_request or max(
        known_requests(settings, name).values(), default=UNKNOWN_REQUEST
    )


def known_requests(settings: PlatformSettings, name: str) -> dict[Path, Duration]:
    """How long requests of a service may take, as far as other settings say: its routes, in and out, and its calls."""
    service = settings.services[name]
    out: dict[Path, Duration] = {
        ("services", source, "routes", route, "timeout"): spec.timeout
        for source, other in sorted(settings.services.items())
        for route, spec in sorted(other.routes.items())
        if name in (source, spec.to)
    }
    if service.sagemaker:
        out["services", name, "sagemaker", "timeout"] = service.sagemaker.timeout
    return out


def settle(settings: PlatformSettings, name: str) -> Duration:
    """How long the pre-stop hook waits until nobody sends to the pod any more."""
    return Duration(LOAD_BALANCER_SETTLE if behind_load_balancer(settings, name) else CLUSTER_SETTLE)


def behind_load_balancer(settings: PlatformSettings, name: str) -> bool:
    """True if requests reach the service from outside."""
    return settings.services[name].ingress is not None and settings.ingress is not None


def solve(settings: PlatformSettings, name: str) -> Drain:
    """The smallest times that satisfy the inequality for one service."""
    behind = behind_load_balancer(settings, name)
    longest, pre_stop = longest_request(settings, name), settle(settings, name)
    return Drain(
        longest=longest,
        pre_stop=pre_stop,
        grace=Duration(pre_stop.seconds + longest.seconds + BUFFER),
        deregistration=longest if behind else None,
        idle=Duration(longest.seconds + IDLE_MARGIN) if behind else None,
    )


@dataclass(frozen=True)
class ModelDrain:
    """The solved times of one model server."""

    longest: Duration
    """The longest request that it serves."""
    pre_stop: Duration
    """How long the pre-stop hook waits."""
    shutdown: Duration
    """How long the engine itself lets running requests finish after SIGTERM; 0 where it cannot."""
    grace: Duration
    """terminationGracePeriodSeconds."""


def model_requests(settings: PlatformSettings, name: str) -> dict[Path, Duration]:
    """How long requests of a model may take, as far as other settings say: nobody waits longer for the services that
    call it.
    """
    callers = {caller: service for caller, service in sorted(settings.services.items()) if name in service.calls}
    out: dict[Path, Duration] = {
        ("services", source, "routes", route, "timeout"): spec.timeout
        for source, service in sorted(settings.services.items())
        for route, spec in sorted(service.routes.items())
        if spec.to in callers
    }
    stated = {caller: service.longest_request for caller, service in callers.items()}
    return out | {("services", c, "longest_request"): longest for c, longest in stated.items() if longest is not None}


def solve_model(settings: PlatformSettings, name: str) -> ModelDrain:
    """The smallest times that satisfy the inequality for one model server.

    An engine that cuts its requests at SIGTERM must not get it before they are done: the pre-stop hook waits for them.
    """
    model = settings.models[name]
    longest = model.longest_request or max(model_requests(settings, name).values(), default=UNKNOWN_REQUEST)
    wait = 0 if model.engine.drains else longest.seconds
    return ModelDrain(
        longest=longest,
        pre_stop=Duration(CLUSTER_SETTLE + wait),
        shutdown=Duration(longest.seconds - wait),
        grace=Duration(CLUSTER_SETTLE + longest.seconds + MODEL_BUFFER),
    )


def promise(pool: NodePool) -> int:
    """Seconds of grace that a node of this pool can be relied on to give."""
    return SPOT_PROMISE if pool.capacity == "spot" else ON_DEMAND_PROMISE
