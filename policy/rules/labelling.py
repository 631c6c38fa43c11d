"""Labels: every object says what it belongs to, selectors stay small."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policy.graph import Graph, KubernetesObject
from policy.rules.finding import Finding
from policy.rules.selectors import matches

REQUIRED = ("app.kubernetes.io/managed-by", "app.kubernetes.io/part-of", "environment")
CHANGING = (*REQUIRED, "app.kubernetes.io/version")
"""Labels that a later deployment may change; a Deployment's selector never can."""


def labels(graph: Graph) -> list[Finding]:
    """The common labels are on every object and pod, managed-by is true, selectors hold none that can change."""
    return [finding for thing in graph.objects for finding in _labels(thing)]


def _labels(thing: KubernetesObject) -> Iterator[Finding]:
    yield from _missing(str(thing), thing.labels)
    manager = thing.labels.get(REQUIRED[0])
    if manager is not None and manager != "pulumi":
        yield Finding(str(thing), f"{REQUIRED[0]} says {manager}, Pulumi manages it", "pulumi")
    if thing.template is None:
        return
    yield from _missing(f"pods of {thing}", thing.pod_labels)
    selector = thing.spec.get("selector")
    if selector is None:
        return
    for key in CHANGING:
        if key in (selector.get("matchLabels") or {}):
            yield Finding(str(thing), f"its selector holds {key}, which can change and a selector cannot", "remove it")
    if not matches(selector, thing.pod_labels):
        yield Finding(str(thing), "its selector does not match its own pods", "give the pods the selector's labels")


def _missing(subject: str, found: Mapping[str, str]) -> Iterator[Finding]:
    missing = [key for key in REQUIRED if key not in found]
    if missing:
        yield Finding(subject, f"lacks the labels {', '.join(missing)}", "use the platform's labels")
