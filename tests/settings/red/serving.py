"""Red cases: scaling, disruption, rollouts, drains, probes."""

from __future__ import annotations

from typing import Any

from settings.problems import Path
from tests.settings.red.case import Red

DOOR: Path = ("services", "door")
WORKER: Path = ("services", "worker")
SCALING: Path = (*WORKER, "scaling")
UP: Path = (*SCALING, "behavior", "scale_up")
THIRD = {
    "namespace": "back",
    "image": "x",
    "replicas": 2,
    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "100m", "memory": "128Mi"}},
}
QUICK_MIND = {"models__mind__longest_request": "30s"}
"""Its own requests are short, however long its callers take."""
ON_SPOT = {"services__worker__pool": "cheap", **QUICK_MIND}


def behavior(direction: str, **changes: Any) -> dict[str, Any]:
    """A behaviour of the worker's autoscaler that the API takes, with changes."""
    whole = {"window": "5m", "rates": [{"percent": "10%", "period": "60s"}], **changes}
    return {f"services__worker__scaling__behavior__{direction}": whole}


def rate(**changes: Any) -> dict[str, Any]:
    """One rate of scaling up."""
    return behavior("scale_up", rates=[{"pods": 4, "period": "15s"}, changes])


AUTOSCALER = (
    Red(
        "more at least than at most",
        {"services__worker__scaling__min": 5},
        (*SCALING, "min"),
        ("5 is above max, 4",),
        "at most 4",
        green={"services__worker__scaling__min": 3},
    ),
    Red(
        "no range",
        {"services__worker__scaling__min": 4},
        (*SCALING, "max"),
        ("min and max are both 4",),
        "raise it, or say replicas: 4",
        green={"services__worker__scaling__min": 3},
    ),
    Red(
        "no metric",
        {"services__worker__scaling__metrics": {"cpu": None}},
        (*SCALING, "metrics"),
        ("names no metric to scale on",),
        "metrics: {cpu: 70%}",
        green={"services__worker__scaling__metrics": {"cpu": None, "memory": "80%"}},
    ),
    Red(
        "a window above an hour",
        behavior("scale_down", window="3601s"),
        (*SCALING, "behavior", "scale_down", "window"),
        ("1h1s is above the API's limit 1h",),
        "at most 1h",
        green=behavior("scale_down", window="1h"),
    ),
    Red(
        "no rates",
        behavior("scale_up", rates=[]),
        (*UP, "rates"),
        ("is empty, so the count could never move this way",),
        "rates: [{percent: 100%, period: 15s}]",
        green=behavior("scale_up", rates=[{"percent": "100%", "period": "15s"}]),
    ),
    Red(
        "a rate of nothing",
        rate(period="15s"),
        (*UP, "rates", 1),
        ("gives neither percent nor pods",),
        "{pods: 4, period: 15s}",
        green=rate(pods=4, period="15s"),
    ),
    Red(
        "a rate of two kinds",
        rate(period="15s", pods=1, percent="10%"),
        (*UP, "rates", 1),
        ("gives both percent and pods",),
        "give one of the two",
        green=rate(period="15s", percent="10%"),
    ),
    Red(
        "a period of nothing",
        rate(period="0s", pods=1),
        (*UP, "rates", 1, "period"),
        ("0s is outside 1s to 30m",),
        "for example 15s",
        green=rate(period="1s", pods=1),
    ),
    Red(
        "a period above half an hour",
        rate(period="1801s", pods=1),
        (*UP, "rates", 1, "period"),
        ("30m1s is outside 1s to 30m",),
        "for example 15s",
        green=rate(period="30m", pods=1),
    ),
)

STABILISATION = (
    Red(
        "a minute",
        behavior("scale_down", window="119s"),
        (*SCALING, "behavior", "scale_down", "window"),
        ("1m59s is under two minutes",),
        "5m to 10m",
        green=behavior("scale_down", window="120s"),
        strict=True,
    ),
)

REPLICAS = (
    Red(
        "one, fixed",
        {"services__door__replicas": 1},
        (*DOOR, "replicas"),
        ("one replica is away at every drain",),
        "at least 2",
        green={"services__door__replicas": 2},
        strict=True,
    ),
    Red(
        "one, at an autoscaler's minimum",
        {"services__worker__scaling__min": 1},
        (*SCALING, "min"),
        ("one replica is away",),
        "at least 2",
        green={"services__worker__scaling__min": 2},
        strict=True,
    ),
)

BUDGET = (
    Red(
        "all must stay",
        {"services__door__disruption": {"min_available": 2}},
        (*DOOR, "disruption", "min_available"),
        ("2 of 2 replicas must stay",),
        "at most 1 (the floor of scaling is 2)",
        green={"services__door__disruption": {"min_available": 1}},
    ),
    Red(
        "more than the autoscaler's minimum must stay",
        {"services__worker__disruption": {"min_available": 3}},
        (*WORKER, "disruption", "min_available"),
        ("3 of 2 replicas must stay",),
        "at most 1 (the floor of scaling is 2)",
        green={"services__worker__disruption": {"min_available": 1}},
    ),
    Red(
        "the only one must stay",
        {"services__door__replicas": 1, "services__door__disruption": {"min_available": 1}},
        (*DOOR, "disruption", "min_available"),
        ("1 of 1 replicas must stay",),
        "max_unavailable: 1, or more replicas",
        green={"services__door__replicas": 1, "services__door__disruption": {"max_unavailable": 1}},
    ),
    Red(
        "neither",
        {"services__door__disruption": {}},
        (*DOOR, "disruption"),
        ("gives neither of min_available and max_unavailable",),
        "for example max_unavailable: 1",
        green={"services__door__disruption": {"max_unavailable": 1}},
    ),
    Red(
        "both",
        {"services__door__disruption": {"min_available": 1, "max_unavailable": 1}},
        (*DOOR, "disruption"),
        ("gives both of min_available and max_unavailable",),
        "and null for the one that the platform file has",
        green={"services__door__disruption": {"max_unavailable": 1}},
    ),
    Red(
        "all may go at once",
        {"services__door__disruption": {"max_unavailable": 2}},
        (*DOOR, "disruption", "max_unavailable"),
        ("2 of 2 replicas may be away",),
        "at most 1",
        green={"services__door__disruption": {"max_unavailable": 1}},
        strict=True,
    ),
)

ROLLOUT = (
    Red(
        "nothing may move",
        {"services__door__rollout": {"max_surge": 0}},
        (*DOOR, "rollout"),
        ("max_surge and max_unavailable are both 0",),
        "max_surge: 1",
        green={"services__door__rollout": {"max_surge": 1}},
    ),
    Red(
        "all may be away",
        {"services__door__rollout": {"max_unavailable": 2}},
        (*DOOR, "rollout", "max_unavailable"),
        ("2 of 2 replicas may be away in a rollout",),
        "at most 1",
        green={"services__door__rollout": {"max_unavailable": 1}},
        strict=True,
    ),
    Red(
        "the only one may be away",
        {"services__door__replicas": 1, "services__door__rollout": {"max_surge": 0, "max_unavailable": 1}},
        (*DOOR, "rollout", "max_unavailable"),
        ("1 of 1 replicas may be away",),
        "at most 0, with max_surge: 1",
        green={"services__door__replicas": 1, "services__door__rollout": {"max_surge": 1, "max_unavailable": 0}},
        strict=True,
    ),
)

DRAIN = (
    Red(
        "too long for a spot node",
        {**ON_SPOT, "services__door__routes__work__timeout": "91s"},
        (*DOOR, "routes", "work", "timeout"),
        ("1m31s is too long: a drain of worker waits 15s", "then 5s; a spot node of pool cheap promises 1m50s"),
        "at most 1m30s",
        green={**ON_SPOT, "services__door__routes__work__timeout": "90s"},
    ),
    Red(
        "too long for a spot node behind a load balancer",
        {"services__door__pool": "cheap", "services__door__routes__work__timeout": "81s"},
        (*DOOR, "routes", "work", "timeout"),
        ("a drain of door waits 25s",),
        "at most 1m20s",
        green={"services__door__pool": "cheap", "services__door__routes__work__timeout": "80s"},
    ),
    Red(
        "too long for an on-demand node",
        {"services__worker__longest_request": "881s", **QUICK_MIND},
        (*WORKER, "longest_request"),
        ("14m41s is too long", "a on-demand node of pool general promises 15m"),
        "at most 14m40s",
        green={"services__worker__longest_request": "880s", **QUICK_MIND},
    ),
    Red(
        "too long for nodes that nobody described",
        {
            "node_pools__general": None,
            "node_pools__cheap": None,
            "services__door__pool": None,
            "services__worker__pool": None,
            "services__worker__longest_request": "881s",
            **QUICK_MIND,
        },
        (*WORKER, "longest_request"),
        ("a node promises 15m",),
        "at most 14m40s",
        green={
            "node_pools__general": None,
            "node_pools__cheap": None,
            "services__door__pool": None,
            "services__worker__pool": None,
            "services__worker__longest_request": "880s",
            **QUICK_MIND,
        },
    ),
    Red(
        "any untainted pool may be the spot one",
        {
            "services__worker__pool": None,
            "node_pools__cheap__taints": [],
            "services__worker__longest_request": "91s",
            **QUICK_MIND,
        },
        (*WORKER, "longest_request"),
        ("spot node of pool cheap",),
        "at most 1m30s",
        green={"services__worker__pool": None, "services__worker__longest_request": "91s", **QUICK_MIND},
    ),
)

DRAIN_OF_MODELS = (
    Red(
        "a caller that takes longer than a model on spot can be drained of",
        {"services__worker__longest_request": "81s"},
        (*WORKER, "longest_request"),
        ("1m21s is too long: a drain of mind waits 15s", "then 15s; a spot node of pool gpu promises 1m50s"),
        "at most 1m20s, or models.mind.longest_request",
        green={"services__worker__longest_request": "81s", **QUICK_MIND},
    ),
    Red(
        "a model's own requests too long for spot",
        {"models__mind__longest_request": "81s"},
        ("models", "mind", "longest_request"),
        ("1m21s is too long: a drain of mind waits 15s",),
        "at most 1m20s",
        green={"models__mind__longest_request": "80s"},
    ),
)

TIMEOUTS = (
    Red(
        "a call as long as its route",
        {"services__worker__sagemaker__timeout": "30s"},
        (*WORKER, "sagemaker", "timeout"),
        ("30s is not shorter than route work of door, 30s",),
        "at most 29s",
        green={"services__worker__sagemaker__timeout": "29s"},
    ),
    Red(
        "a route of no time",
        {"services__door__routes__work__timeout": "0s"},
        (*DOOR, "routes", "work", "timeout"),
        ("0s answers nothing",),
        "for example 30s",
        green={"services__door__routes__work__timeout": "30s"},
    ),
    Red(
        "a call of no time",
        {"services__worker__sagemaker__timeout": "0s"},
        (*WORKER, "sagemaker", "timeout"),
        ("0s answers nothing",),
        "for example 30s",
        green={"services__worker__sagemaker__timeout": "1s"},
    ),
    Red(
        "a route behind a route that waits as long",
        {"services__worker__routes": {"on": {"to": "third", "timeout": "30s"}}, "services__third": THIRD},
        (*WORKER, "routes", "on", "timeout"),
        ("30s is not shorter than route work of door, 30s",),
        "at most 29s",
        green={"services__worker__routes": {"on": {"to": "third", "timeout": "29s"}}, "services__third": THIRD},
    ),
    Red(
        "a longest request that is not the longest",
        {"services__worker__longest_request": "29s"},
        (*WORKER, "longest_request"),
        ("29s is shorter than a route or call of 30s",),
        "at least 30s",
        green={"services__worker__longest_request": "30s"},
    ),
    Red(
        "a longest request of no time",
        {"services__worker__longest_request": "0s"},
        (*WORKER, "longest_request"),
        ("0s answers nothing",),
        "for example 30s, or leave it out",
        green={"services__worker__longest_request": "30s"},
    ),
)

PROBES = (
    Red(
        "a period of nothing",
        {"services__door__probes__readiness__period": "0s"},
        (*DOOR, "probes", "readiness", "period"),
        ("0s is under a probe's least",),
        "at least 1s",
        green={"services__door__probes__readiness__period": "1s"},
    ),
    Red(
        "a timeout of nothing",
        {"services__door__probes__startup__timeout": "0s"},
        (*DOOR, "probes", "startup", "timeout"),
        ("0s is under a probe's least",),
        "at least 1s",
        green={"services__door__probes__startup__timeout": "1s"},
    ),
    Red(
        "restarted before it is out of the way",
        {"services__door__probes__liveness": {"period": "5s", "failures": 3}},
        (*DOOR, "probes", "liveness"),
        ("restarts a pod after 15s", "(15s)"),
        "failures: 4 (readiness takes 15s)",
        green={"services__door__probes__liveness": {"period": "5s", "failures": 4}},
    ),
    Red(
        "a late first call does not make it patient",
        {"services__door__probes__liveness": {"initial_delay": "10m", "period": "1s", "failures": 3}},
        (*DOOR, "probes", "liveness"),
        ("restarts a pod after 3s",),
        "failures: 16",
        green={"services__door__probes__liveness": {"initial_delay": "10m", "period": "1s", "failures": 16}},
    ),
    Red(
        "a start that is never called failed",
        {"services__door__probes__startup": {"period": "100s", "failures": 864}},
        (*DOOR, "probes", "startup"),
        ("5s + 1m40s x 864 is longer than a day",),
        "fewer failures",
        green={"services__door__probes__startup": {"period": "100s", "failures": 863}},
    ),
)

RED = {
    "autoscaler": AUTOSCALER,
    "stabilisation": STABILISATION,
    "replicas": REPLICAS,
    "budget": BUDGET,
    "rollout": ROLLOUT,
    "drain": (*DRAIN, *DRAIN_OF_MODELS),
    "timeouts": TIMEOUTS,
    "probes": PROBES,
}
