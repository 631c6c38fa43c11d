"""Prod in other shapes, each with something that no committed stack has."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from policy.graph import Graph
from settings.yaml_reader import Document
from tests.support import REMOVE, put, stack_file
from workbench.plan.stack import run_program

ZONE = {"zone": "llmplatform.dev", "zone_id": "Z0123456789ABCDEFGHIJ"}
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "a zone and certificates": {"cluster__dns": {**ZONE, "certificate": True}, "ingress__certificate_arn": REMOVE},
    "a zone": {"cluster__dns": ZONE},
    "pod identity": {"aws__identity": "pod-identity"},
    "buckets and an access log": {
        "buckets": {
            "logs": {"holds": "load-balancer-logs", "expire": 90},
            "telemetry": {"holds": "telemetry", "expire": 90},
        },
        "ingress__access_log": {"bucket": "llmplatform-prod-logs-111122223333-us-west-2"},
    },
    "a volume for one node": {
        "aws__quotas__g": 24,
        "tiers__models__quota": {
            "requests": {"cpu": "60", "memory": "220Gi", "gpu": 12},
            "limits": {"cpu": "70", "memory": "240Gi"},
            "pods": 30,
        },
        "node_pools__solo": {
            "instance_types": ["g6.2xlarge", "g5.2xlarge"],
            "capacity": "on-demand",
            "min": 1,
            "max": 1,
            "gpus": 1,
            "zones": ["us-west-2a"],
            "disk": {"size": "150Gi"},
            "node_start_up": "300s",
            "taints": [{"key": "nvidia.com/gpu", "value": "present"}],
        },
        "caches__disk": {
            "namespace": "llm-baseline",
            "size": "100Gi",
            "storage_class": "gp3",
            "pool": "solo",
            "access_mode": "ReadWriteOnce",
        },
        "models__alone": {
            "namespace": "llm-baseline",
            "engine": {"kind": "vllm", "max_model_len": 16384},
            "cache": "disk",
            "source": {"hub": "prometheus-eval/prometheus-7b-v2.0"},
            "pool": "solo",
            "start_up": {"image": "330s", "weights": "90s", "warm_up": "80s"},
            "rollout": {"max_surge": 0, "max_unavailable": 1},
            "resources": {
                "requests": {"cpu": "3", "memory": "14Gi", "ephemeral_storage": "6Gi"},
                "limits": {"cpu": "4", "memory": "16Gi", "ephemeral_storage": "6Gi"},
            },
            "accept_outage": "a model to try things on",
        },
    },
    "a cluster of somebody else": {"cluster": {"kind": "existing"}},
    "nothing from outside": {"hub__token": None},
    "further entries": {
        "cluster__access": {"viewer": {"principal": "arn:aws:iam::111122223333:role/viewer", "namespaces": ["quant"]}}
    },
}
"""What is different: paths with `__` between, as in `tests.support.tiny`."""


def prod_with(**changes: Any) -> Graph:
    """The graph of prod with changes; a path replaces what it leads to."""
    return changed("prod", **changes)


_KEPT: dict[tuple[str, str], Graph] = {}


def changed(stack: str, **changes: Any) -> Graph:
    """The graph of a stack with changes; a path replaces what it leads to."""
    key = (stack, repr(sorted(changes.items())))
    if key not in _KEPT:
        file = stack_file(stack)
        overlay = copy.deepcopy(file.overlay.data)
        assert isinstance(overlay, dict)
        for path, value in changes.items():
            put(overlay, tuple(path.split("__")), value if value is REMOVE else copy.deepcopy(value))
        other = replace(file, overlay=Document(file.overlay.name, overlay, file.overlay.lines))
        _KEPT[key] = run_program(stack, other)[0]
    return _KEPT[key]


@cache
def variant(name: str) -> Graph:
    """One of the shapes above."""
    return prod_with(**VARIANTS[name])
