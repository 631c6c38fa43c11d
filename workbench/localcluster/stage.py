"""How a kwok Stage is written: of which objects, when, after which delay, and what is done to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

GROUP = "kwok.x-k8s.io/v1alpha1"
When: TypeAlias = Mapping[str, str | Sequence[str] | bool]
DELETED = ".metadata.deletionTimestamp"
LOST = "llmplatform.dev/lost"
"""Annotation of a node whose kubelet is gone, and of its pods: nothing answers for them any more."""
IS_LOST = f'.metadata.annotations["{LOST}"]'
READY = '.status.conditions[] | select(.type == "Ready")'
"""The condition of a node or a pod."""


def stage(
    name: str,
    kind: str,
    when: When,
    steps: Iterable[Mapping[str, Any]],
    *,
    group: str = "v1",
    delay: str | None = None,
) -> dict[str, Any]:
    """One stage.

    Args:
        name: of the stage.
        kind: of the objects.
        when: jq expression -> True: has a value; False: has none; a text or several: is one of these; a text that
            begins with "!": is not this.
        steps: what is done, in order.
        group: API group and version.
        delay: jq expression of a Go duration.
    """
    spec: dict[str, Any] = {
        "resourceRef": {"apiGroup": group, "kind": kind},
        "selector": {"matchExpressions": [{"key": key, **_operator(value)} for key, value in when.items()]},
        "steps": list(steps),
    }
    if delay is not None:
        spec["delay"] = {"durationMilliseconds": 0, "durationFrom": {"expressionFrom": delay}}
    return {"apiVersion": GROUP, "kind": "Stage", "metadata": {"name": name}, "spec": spec}


def _operator(value: str | Sequence[str] | bool) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"operator": "Exists" if value else "DoesNotExist"}
    if isinstance(value, str) and value.startswith("!"):
        return {"operator": "NotIn", "values": [value[1:]]}
    return {"operator": "In", "values": [value] if isinstance(value, str) else list(value)}


def status(template: str) -> dict[str, Any]:
    """A step: patches the status with a template."""
    return {"patch": {"subresource": "status", "root": "status", "template": template}}


def event(type_: str, reason: str, message: str) -> dict[str, Any]:
    """A step: sends an event."""
    return {"event": {"type": type_, "reason": reason, "message": message}}
