"""Who can talk to whom: what the policies of each stack allow is what is stated by hand, no more and no less."""

from __future__ import annotations

import pytest

from policy.graph import Graph
from policy.rules.finding import Finding
from policy.rules.reachability import Edge, reachability
from settings.addresses import cut
from tests.conftest import planned
from tests.policy.expected_edges import read, stated
from tests.policy.support import edited, said, subject_of, without
from tests.support import REMOVE, STACKS
from workbench.plan.stack import compare

QUANT = "NetworkPolicy quant/quant-api"
EVAL = "NetworkPolicy eval/eval-api"
MISSING = "is needed, and the network policies deny it"
EXTRA = "is possible, and nothing needs it"


def allowed(stack: str, graph: Graph | None = None) -> frozenset[Edge]:
    """What the policies allow, with pods at the addresses of the VPC's private subnets."""
    plan = planned(stack)
    aws = plan.settings.aws
    return reachability(graph or plan.graph, cut(aws.vpc_cidr, len(aws.zones)).private)


def prod_with(graph: Graph) -> list[str]:
    """What is wrong with prod's connections when its graph is this one."""
    return [f"{finding.subject} {finding.reason}" for finding in compare(allowed("prod", graph), stated("prod"))]


@pytest.mark.requirement("S003-13")
@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_allows_the_connections_that_are_stated_and_no_other(stack) -> None:
    assert compare(allowed(stack), stated(stack)) == []


@pytest.mark.requirement("S003-13")
@pytest.mark.parametrize("stack", STACKS)
def test_every_stated_connection_is_missed_by_name(stack) -> None:
    found = allowed(stack)
    for edge in stated(stack):
        assert [f.subject for f in compare(found - {edge}, stated(stack))] == [str(edge)]


@pytest.mark.requirement("S003-13")
@pytest.mark.parametrize("stack", STACKS)
def test_a_connection_that_is_not_stated_is_named(stack) -> None:
    extra = Edge("quant/quant-api", "eval/eval-api", "TCP 8000")
    assert [(f.subject, f.reason) for f in compare(allowed(stack) | {extra}, stated(stack))] == [(str(extra), EXTRA)]


@pytest.mark.requirement("S003-13")
@pytest.mark.parametrize("stack", STACKS)
def test_the_settings_ask_for_what_is_stated(stack) -> None:
    """The plan compares the policies with the settings; this compares the settings with the statement."""
    assert planned(stack).findings["reachability"] == list[Finding]()


@pytest.mark.requirement("S003-13")
def test_a_rule_that_is_taken_away_is_missed_by_name(prod) -> None:
    rules = subject_of(prod, "NetworkPolicy platform/gateway").inputs["spec"]["egress"]
    to_quant = next(i for i, rule in enumerate(rules) if "quant-api" in str(rule))
    graph = edited(prod, "NetworkPolicy platform/gateway", f"spec egress {to_quant}", REMOVE)
    assert prod_with(graph) == [f"platform/gateway -> quant/quant-api TCP 8000 {MISSING}"]


@pytest.mark.requirement("S003-13")
def test_dns_that_is_taken_away_is_missed_by_name(prod) -> None:
    assert prod_with(without(prod, "NetworkPolicy eval/allow-dns")) == [
        f"eval/eval-api -> kube-system/kube-dns {port} {MISSING}" for port in ("TCP 53", "UDP 53")
    ]


def opened(graph: Graph, subject: str, side: str, peer: dict[str, object]) -> Graph:
    """A policy with one more rule, on port 8000."""
    direction = {"from": "ingress", "to": "egress"}[side]
    rules = subject_of(graph, subject).inputs["spec"][direction]
    return edited(graph, subject, f"spec {direction}", [*rules, {side: [peer], "ports": [{"port": 8000}]}])


def pods(namespace: str, app: str | None = None) -> dict[str, object]:
    place = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    return place | ({"podSelector": {"matchLabels": {"app": app}}} if app else {})


@pytest.mark.requirement("S003-13")
def test_a_way_from_team_to_team_is_named(prod) -> None:
    one_side = opened(prod, QUANT, "to", pods("eval", "eval-api"))
    assert prod_with(one_side) == []  # the other side still denies it
    assert prod_with(opened(one_side, EVAL, "from", pods("quant", "quant-api"))) == [
        f"quant/quant-api -> eval/eval-api TCP 8000 {EXTRA}"
    ]


@pytest.mark.requirement("S003-13")
def test_a_way_from_any_namespace_to_a_team_is_named(prod) -> None:
    graph = opened(prod, EVAL, "from", {"namespaceSelector": {}})
    assert prod_with(graph) == [  # whoever else has no policy of ours
        f"(any namespace)/(any pod) -> eval/eval-api TCP 8000 {EXTRA}",
        f"kube-system/kube-dns -> eval/eval-api TCP 8000 {EXTRA}",
    ]


@pytest.mark.requirement("S003-13")
def test_a_way_out_to_a_namespace_that_nothing_runs_in_is_named(prod) -> None:
    graph = opened(prod, QUANT, "to", pods("mining"))
    assert prod_with(graph) == [f"quant/quant-api -> mining/(any pod) TCP 8000 {EXTRA}"]


@pytest.mark.requirement("S003-13")
def test_a_block_of_addresses_that_holds_pods_is_named_with_the_pods(prod) -> None:
    """Under the VPC CNI, pods have addresses of the VPC: a door for its load balancers must not be one for its pods."""
    one_side = opened(prod, QUANT, "to", pods("eval", "eval-api"))
    assert prod_with(opened(one_side, EVAL, "from", {"ipBlock": {"cidr": "10.0.64.0/20"}})) == [
        f"10.0.64.0/20 -> eval/eval-api TCP 8000 {EXTRA}",
        f"kube-system/kube-dns -> eval/eval-api TCP 8000 {EXTRA}",
        f"quant/quant-api -> eval/eval-api TCP 8000 {EXTRA}",
    ]


@pytest.mark.requirement("S003-13")
def test_a_namespace_without_policies_is_open_both_ways(prod) -> None:
    graph = prod
    for thing in prod.of_kind("NetworkPolicy"):
        if thing.namespace == "quant":
            graph = without(graph, str(thing))
    found = prod_with(graph)
    assert f"quant/quant-api -> 10.0.216.0/21 any port {EXTRA}" not in found  # nothing governs either end
    assert f"quant/quant-api -> eval/eval-api TCP 8000 {EXTRA}" not in found  # eval still lets in the gateway alone
    assert f"quant/quant-api -> kube-system/kube-dns TCP 53 {MISSING}" in found
    assert said("isolation", graph) != []


GOOD = "all = a/x; a/y\nall -> b/z TCP 1, UDP 2"


def test_a_statement_is_read_as_every_pair() -> None:
    assert sorted(map(str, read(GOOD))) == [
        "a/x -> b/z TCP 1",
        "a/x -> b/z UDP 2",
        "a/y -> b/z TCP 1",
        "a/y -> b/z UDP 2",
    ]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("a/x -> b/z", "neither a group nor a statement"),
        ("a/x -> b/z tcp 1", "neither a group nor a statement"),
        (f"{GOOD}\na/x -> b/z TCP 1", "stated twice"),
        (f"{GOOD}\nall = a/z", "a group already"),
        (f"none = a/z\n{GOOD}", "never used"),
        ("al -> b/z TCP 1", "neither a group nor an end"),
    ],
)
def test_a_mistake_in_a_statement_is_one(text, mistake) -> None:
    with pytest.raises(AssertionError, match=mistake):
        read(text)


def test_every_stack_has_its_statement_and_no_other_has() -> None:
    from pathlib import Path

    files = Path(__file__).parent / "expected_edges"
    assert sorted(file.stem for file in files.glob("*.txt")) == STACKS
