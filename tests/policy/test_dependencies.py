"""The engine's order: what counts as a dependency, and what follows from it."""

from __future__ import annotations

from typing import Any

import pytest

from policy.dependencies import Order, direct
from policy.graph import Graph, Resource
from policy.markers import Markers


def made(urn: str, **how: Any) -> Resource:
    return Resource(**{"urn": urn, "type": "aws:ec2/vpc:Vpc", "name": urn, "custom": True, "inputs": {}, **how})


@pytest.mark.parametrize(
    "how",
    [
        {"dependencies": ("a",)},
        {"property_dependencies": {"vpcId": ("a",)}},
        {"provider": "a"},
        {"deleted_with": "a"},
        {"parent": "a"},
    ],
    ids=lambda how: next(iter(how)),
)
def test_whatever_the_engine_follows_is_followed(how: dict[str, Any]) -> None:
    order = Order(Graph.of([made("a"), made("b", **how), made("c", dependencies=("b",))]))
    assert order.is_before("a", "b")
    assert order.is_before("a", "c")
    assert not order.is_before("c", "a")
    assert order.before("c") == {"a", "b"}


def test_whoever_depends_on_a_component_depends_on_all_that_is_in_it() -> None:
    outer = made("outer", custom=False)
    inner = made("inner", custom=False, parent="outer")
    graph = Graph.of([outer, inner, made("leaf", parent="inner"), made("x", dependencies=("outer",))])
    assert direct(graph)["x"] == {"outer", "inner", "leaf"}


def test_children_depend_on_their_parent_and_not_on_each_other() -> None:
    graph = Graph.of([made("outer", custom=False), made("a", parent="outer"), made("b", parent="outer")])
    order = Order(graph)
    assert order.is_before("outer", "a")
    assert not order.is_before("a", "b")
    assert not order.is_before("b", "a")


def test_what_a_component_depends_on_comes_before_its_children() -> None:
    parent = made("outer", custom=False, dependencies=("first",))
    assert Order(Graph.of([made("first"), parent, made("a", parent="outer")])).is_before("first", "a")


def test_a_circle_and_what_is_not_there_end() -> None:
    graph = Graph.of([made("a", dependencies=("b", "gone")), made("b", dependencies=("a",), parent="b")])
    assert Order(graph).is_before("b", "a")


def test_markers_are_read_back_whatever_names_look_like() -> None:
    graph = Graph.of([made(name) for name in ("api.example.dev-certificate", "api", "x")])

    def named(value: object) -> list[str]:
        return [resource.name for resource in Markers(graph).within(value)]

    assert named("${aws:ec2/vpc:Vpc api.example.dev-certificate.arn}") == ["api.example.dev-certificate"]
    assert named("${aws:ec2/vpc:Vpc api.ids[0].name}") == ["api"]
    assert named({"a": ["${aws:ec2/vpc:Vpc x.id} and ${aws:ec2/vpc:Vpc api.id}"]}) == ["api", "x"]
    assert named("${aws:ec2/vpc:Vpc gone.id} ${aws:ec2/subnet:Subnet x.id} ${x} ${} $") == []
