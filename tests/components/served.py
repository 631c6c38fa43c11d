"""What the tests of model servers share: variants of the tiny platform's model, and ways to look at what it becomes."""

from __future__ import annotations

from typing import Any

from policy.graph import KubernetesObject
from settings.serving import serve
from tests.support import World, resolved, tiny

BARE = {"models__mind__adapters": None, "services__door__routes__work__variants": None}
"""Without adapters, and without the A/B test that names them."""
STEADY = {
    "instance_types": ["g6.xlarge"],
    "capacity": "on-demand",
    "min": 1,
    "max": 2,
    "gpus": 1,
    "node_start_up": "240s",
    "taints": [{"key": "tiny/steady", "value": "present"}, {"key": "nvidia.com/gpu", "value": "present"}],
}
FLOORED = {"node_pools__steady": STEADY, "models__mind__floor": {"pool": "steady"}, "models__mind__replicas": 1}
HPA = {"kind": "hpa", "min": 1, "max": 2, "metrics": {"cpu": "70%"}}
IDLE = {"value": -5, "preempts": False, "description": "makes way"}
HEADROOM = {
    "priorities__idle": IDLE,
    "node_pools__gpu__headroom": {"namespace": "back", "priority": "idle"},
    "models__mind__replicas": 1,
}
TUNED: dict[str, Any] = {
    "caches__store__security": {"group": 20001},
    "models__mind__engine": {"version": "0.17.9", "shared_memory": "2Gi"},
    "models__mind__port": 9100,
    "models__mind__priority": "serving",
    "models__mind__probes": {
        "liveness": {"period": "20s", "failures": 12, "timeout": "15s"},
        "readiness": {"period": "7s", "failures": 6, "timeout": "4s"},
    },
    "models__mind__replicas": 1,
    "models__mind__rollout": {"max_surge": 1, "max_unavailable": 0},
    "models__mind__security": {"user": 20000, "group": 20001},
}
"""What a team can set and seldom does."""
MAXED: dict[str, Any] = {
    "models__mind__engine": {"kind": "max-serve", "max_length": 4096, "gpu_memory": "85%"},
    "models__mind__longest_request": "40s",
}
SERVER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": False,
    "runAsGroup": 10001,
    "runAsNonRoot": True,
    "runAsUser": 10001,
}


def deployment(world: World, name: str = "mind") -> KubernetesObject:
    return world.object("Deployment", name, "back")


def pod(world: World, name: str = "mind") -> Any:
    return deployment(world, name).pod


def server(world: World, name: str = "mind") -> Any:
    (only,) = deployment(world, name).containers
    return only


def waiting(world: World, name: str = "mind") -> Any:
    (only,) = deployment(world, name).init_containers
    return only


def annotations(world: World, name: str = "mind") -> Any:
    template = deployment(world, name).template
    assert template is not None
    return template["metadata"]["annotations"]


def command_line(**changes: Any) -> list[str]:
    """What the engine of `mind` is told."""
    settings = resolved(tiny(**changes)).settings
    return settings.models["mind"].engine.command_line(serve(settings, "mind"))


def flags(arguments: list[str], start: str) -> list[str]:
    return [argument for argument in arguments if argument.startswith(start)]
