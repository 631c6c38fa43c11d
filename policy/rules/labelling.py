"""Labels: every object says what it belongs to, selectors stay small."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policy.graph import Graph, KubernetesObject
from policy.reading import at, mapping, mappings
from policy.rules.finding import Finding
from policy.rules.selectors import matches, takes_all

REQUIRED = ("app.kubernetes.io/managed-by", "app.kubernetes.io/part-of", "environment")
CHANGING = (*REQUIRED, "app.kubernetes.io/version")
"""Labels that a later deployment may change; a workload's selector never can."""
SELECTING = ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")
"""Workloads that find their pods by a selector of their own."""


def labels(graph: Graph) -> list[Finding]:
    """The common labels are on every object and pod, managed-by is true, selectors hold none that can change."""
    return [finding for thing in graph.objects for finding in (*_labels(thing), *_selector(thing))]


def _labels(thing: KubernetesObject) -> Iterator[Finding]:
    yield from _missing(str(thing), thing.labels)
    manager = thing.labels.get(REQUIRED[0])
    if manager is not None and manager != "pulumi":
        yield Finding(str(thing), f"{REQUIRED[0]} says {manager}, Pulumi manages it", "pulumi")
    if thing.template is not None and thing.kind != "Pod":
        yield from _missing(f"pods of {thing}", thing.pod_labels)


def _missing(subject: str, found: Mapping[str, str]) -> Iterator[Finding]:
    missing = [key for key in REQUIRED if not found.get(key)]
    if missing:
        yield Finding(subject, f"lacks the labels {', '.join(missing)}", "use the platform's labels")


def _selector(thing: KubernetesObject) -> Iterator[Finding]:
    if thing.kind not in SELECTING:
        return
    selector = thing.spec.get("selector")
    expressions = {expression.get("key") for expression in mappings(at(selector, "matchExpressions"))}
    for key in CHANGING:
        if key in mapping(at(selector, "matchLabels")) or key in expressions:
            yield Finding(str(thing), f"its selector holds {key}, which can change and a selector cannot", "remove it")
    if not matches(selector, thing.pod_labels):
        yield Finding(str(thing), "its selector does not match its own pods", "give the pods the selector's labels")
    elif takes_all(selector):
        yield Finding(str(thing), "its selector takes every pod of the namespace", "select by its own label")
