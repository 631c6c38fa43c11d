"""Graphs for the tests of rules: made by hand, or the prod graph with one thing broken."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from policy.graph import Graph, Resource
from policy.rules import RULES
from tests.support import REMOVE

BY_ID = {rule.id: rule for rule in RULES}


def said(rule: str, graph: Graph) -> list[str]:
    """What a rule finds, each as `subject: reason`."""
    return [f"{finding.subject}: {finding.reason}" for finding in BY_ID[rule].check(graph)]


def resource_of(manifest: Mapping[str, Any], **how: Any) -> Resource:
    """A manifest as a registered resource."""
    metadata = manifest.get("metadata")
    names = [str(metadata.get(key, "")) for key in ("namespace", "name")] if isinstance(metadata, Mapping) else []
    kind, name = manifest["kind"], "-".join(names)
    type_ = f"kubernetes:{manifest.get('apiVersion', 'v1')}:{kind}"
    urn = f"urn:pulumi:test::llmplatform::{type_}::{name}"
    return Resource(**{"urn": urn, "type": type_, "name": name, "custom": True, "inputs": manifest, **how})


def graph_of(*manifests: Mapping[str, Any]) -> Graph:
    """A graph of nothing but these objects."""
    return Graph.of([resource_of(manifest) for manifest in manifests])


def subject_of(graph: Graph, subject: str) -> Resource:
    """The resource that messages call `subject`, for example `Deployment platform/gateway`."""
    [found] = [thing.resource for thing in graph.objects if str(thing) == subject]
    return found


def edited(graph: Graph, subject: str, path: str, value: Any) -> Graph:
    """A new graph, with what lies at a path of one object replaced or, with REMOVE, taken out.

    A path is written with spaces: `spec template spec containers 0 image`.
    """
    resource = subject_of(graph, subject)
    inputs = copy.deepcopy(dict(resource.inputs))
    *parents, last = [int(part) if part.isdigit() else part for part in path.split()]
    place: Any = inputs
    for part in parents:
        place = place[part] if isinstance(place, list) else place.setdefault(part, {})
    if value is REMOVE:
        del place[last]
    elif isinstance(place, list) and last == len(place):
        place.append(value)
    else:
        place[last] = value
    return changed(graph, subject, inputs=inputs)


def changed(graph: Graph, subject: str, **fields: Any) -> Graph:
    """A new graph, with fields of one resource replaced."""
    old = subject_of(graph, subject)
    return Graph.of([replace(r, **fields) if r is old else r for r in graph.resources], graph.outputs)


def without(graph: Graph, subject: str) -> Graph:
    """A new graph without one object."""
    old = subject_of(graph, subject)
    return Graph.of([r for r in graph.resources if r is not old], graph.outputs)


def added(graph: Graph, *manifests: Mapping[str, Any], like: str = "Deployment platform/gateway") -> Graph:
    """A new graph with more objects, made after what `like` is made after."""
    old = subject_of(graph, like)
    new = [
        resource_of(m, provider=old.provider, dependencies=(*old.dependencies, old.urn), deleted_with=old.deleted_with)
        for m in manifests
    ]
    return Graph.of([*graph.resources, *new], graph.outputs)


def copied(graph: Graph, subject: str, **metadata: Any) -> dict[str, Any]:
    """The manifest of an object under another name or namespace."""
    manifest = copy.deepcopy(dict(subject_of(graph, subject).inputs))
    manifest["metadata"].update(metadata)
    return manifest
