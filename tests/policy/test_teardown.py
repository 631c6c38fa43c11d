"""The order of teardown holds on every stack; each part of it that is cut is missed; each edge has a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from policy.dependencies import Order
from policy.graph import Graph, Resource
from policy.rules import RULES, references
from policy.rules.scene import Edge
from policy.rules.teardown import order, required, unmet
from tests.conftest import planned
from tests.policy.variants import VARIANTS, variant
from tests.support import STACKS

MADE = ("dev", "prod", "staging")
"""The committed stacks that make their cluster."""
READ_EDGES = {"objects", "providers", "deleted-with", "teardown"}
"""The rules that look at what depends on what."""

SURVIVORS: dict[str, set[str]] = {
    "the network stands whole before the control plane moves in, so that a wrong one is not found out by its nodes": {
        "Cluster -> Route",
        "Cluster -> RouteTableAssociation",
        "Cluster -> SecurityGroupIngressRule",
        "Cluster -> VpcEndpoint",
    },
    "an address needs the internet gateway; it comes with the routes, by the options of its NAT gateway": {
        "Eip -> Route",
        "Eip -> RouteTableAssociation",
    },
    "whoever pays for nodes can get at them: with the entry, which nodes need no more than its policy": {
        "NodeGroup -> AccessPolicyAssociation",
        "NodeGroup -> SecurityGroupIngressRule",
    },
    "all basics of the cluster come before any controller, and with it before any namespace; pods need one of them": {
        "Namespace -> Addon",
        "Release -> Addon",
    },
    "the pods of a namespace that is load balanced need the controller; what is in it waits with them": {
        "Namespace -> Release",
    },
    "all classes come before any claim, and all repositories before any pod": {
        "Deployment -> Repository",
        "PersistentVolumeClaim -> StorageClass",
    },
    "a server's deadline begins when its weights are there; it would wait for them by itself": {
        "Deployment -> Job",
    },
    "nothing is in a namespace before what guards it; only pods are checked": {
        f"{kind} -> {guard}"
        for kind in ("ConfigMap", "ExternalSecret", "Ingress", "NetworkPolicy", "PersistentVolumeClaim", "Service")
        for guard in ("LimitRange", "NetworkPolicy", "ResourceQuota")
    }
    | {f"ServiceAccount -> {guard}" for guard in ("LimitRange", "NetworkPolicy", "ResourceQuota")},
}
"""Why an edge of prod is there although no rule misses it -> the edges, by type."""


@pytest.mark.parametrize("stack", STACKS)
def test_every_committed_stack_comes_and_goes_in_order(stack: str) -> None:
    assert order(planned(stack).graph) == []


@pytest.mark.parametrize("name", VARIANTS)
def test_every_other_shape_of_prod_breaks_no_rule(name: str) -> None:
    found = {rule.id: rule.check(variant(name)) for rule in RULES}
    assert not any(found.values()), found


@pytest.mark.parametrize("stack", MADE)
def test_a_stack_that_makes_its_cluster_has_much_to_order(stack: str) -> None:
    assert len(required(planned(stack).graph)) > 900


def test_what_is_required_does_not_depend_on_what_is_said(prod: Graph) -> None:
    silent = Graph(tuple(replace(r, dependencies=(), property_dependencies={}, provider=None) for r in prod.resources))
    assert _pairs(required(silent)) == _pairs(required(prod))
    assert len(order(silent)) > len(required(prod)) * 0.6  # the rest lies on what a cluster takes along


def test_what_is_required_does_not_depend_on_our_names(prod: Graph) -> None:
    """Logical names and URNs are changed all over; names in AWS and in Kubernetes, which mean something, are not."""

    def other(text: str) -> str:
        for old, new in sorted(renamed.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(f" {old}.", f" {new}.")
        return text

    renamed = {r.name: f"x{index}" for index, r in enumerate(prod.resources)}
    urns = {r.urn: f"urn:{index}" for index, r in enumerate(prod.resources)}
    moved = Graph(
        tuple(
            replace(r, urn=urns[r.urn], name=renamed[r.name], inputs=_mapped(r.inputs, other)) for r in prod.resources
        )
    )
    assert {(urns[a], urns[b]) for a, b in _pairs(required(prod))} == _pairs(required(moved))


def _mapped(value: object, change: object) -> object:
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    return change(value) if isinstance(value, str) and "${" in value else value


@pytest.mark.parametrize(
    "which", ["prod", "a zone and certificates", "pod identity", "buckets and an access log", "a volume for one node"]
)
def test_each_order_that_is_cut_is_missed(which: str) -> None:
    graph = planned("prod").graph if which == "prod" else variant(which)
    every, order_of = required(graph), Order(graph)
    known = _pairs(required(planned("prod").graph)) if which != "prod" else set()
    tried = [edge for edge in every if (edge.later.urn, edge.sooner.urn) not in known]
    assert tried
    for edge in tried:
        missed = unmet(cut(graph, edge, order_of), every)
        assert edge in missed, edge
        assert all(other.sooner.urn == edge.sooner.urn for other in missed), edge


def cut(graph: Graph, edge: Edge, known: Order) -> Graph:
    """The graph without any path from `later` to `sooner`: neither it nor whatever leads there says `sooner` itself."""
    way = {edge.later.urn, *known.before(edge.later.urn)}
    return Graph(tuple(_without(r, edge.sooner.urn) if r.urn in way else r for r in graph.resources))


def _without(resource: Resource, urn: str) -> Resource:
    return replace(
        resource,
        dependencies=tuple(d for d in resource.dependencies if d != urn),
        property_dependencies={k: tuple(u for u in v if u != urn) for k, v in resource.property_dependencies.items()},
        provider=None if resource.provider == urn else resource.provider,
        deleted_with=None if resource.deleted_with == urn else resource.deleted_with,
    )


def test_a_cut_order_is_found_by_the_rule_itself(prod: Graph) -> None:
    [edge] = [e for e in required(prod) if (e.later.name, e.sooner.name) == ("network-log-flows", "network-log-policy")]
    assert order(cut(prod, edge, Order(prod))) == [edge.finding]
    assert str(edge.finding).startswith("FlowLog network-log-flows: RolePolicy network-log-policy may come after it")


def test_each_edge_of_prod_is_missed_or_has_a_reason(prod: Graph) -> None:
    fates, survivors = Counter[str](), Counter[str]()
    known, every = Order(prod), required(prod)
    for resource, urn in _edges(prod):
        fate = _fate(prod, resource, urn, known, every)
        fates[fate] += 1
        if fate == "survivor":
            survivors[f"{_kind(resource)} -> {_kind(prod.by_urn[urn])}"] += 1
    print(dict(fates), *(f"{count:4} {group}" for group, count in sorted(survivors.items())), sep="\n")
    assert set(survivors) == set().union(*SURVIVORS.values())
    assert fates["missed"] > 250


def _edges(graph: Graph) -> Iterator[tuple[Resource, str]]:
    for resource in graph.resources:
        single = (urn for urns in resource.property_dependencies.values() for urn in urns)
        yield from ((resource, urn) for urn in sorted({*resource.dependencies, *single}))


def _fate(graph: Graph, resource: Resource, urn: str, known: Order, every: list[Edge]) -> str:
    """What becomes of a graph without one edge: the same order by another way, a finding, or nothing."""
    if any(known.is_before(urn, other) for other in known.direct[resource.urn] - {urn}):
        return "implied"
    less = Graph(tuple(_cut_only(r, urn) if r is resource else r for r in graph.resources))
    return "missed" if unmet(less, every) or references.objects(less) else "survivor"


def _cut_only(resource: Resource, urn: str) -> Resource:
    kept = _without(resource, urn)
    return replace(kept, provider=resource.provider, deleted_with=resource.deleted_with)


def test_only_some_rules_look_at_edges(prod: Graph) -> None:
    """What `_fate` asks is all there is to ask."""
    silent = Graph(
        tuple(
            replace(r, dependencies=(), property_dependencies={}, provider=None, deleted_with=None)
            for r in prod.resources
        )
    )
    assert {rule.id for rule in RULES if rule.check(silent)} == READ_EDGES


def _kind(resource: Resource) -> str:
    return resource.type.rsplit(":", 1)[-1]


def _pairs(edges: list[Edge]) -> set[tuple[str, str]]:
    return {(edge.later.urn, edge.sooner.urn) for edge in edges}
