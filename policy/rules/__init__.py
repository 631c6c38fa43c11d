"""Rules over the graph: `rule(graph) -> list[Finding]`, pure, each with its own message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from policy.graph import Graph
from policy.rules import isolation, labelling, ownership, wiring
from policy.rules.finding import Finding


@dataclass(frozen=True)
class Rule:
    """A rule, and the sentence that says what holds when it finds nothing."""

    id: str
    holds: str
    check: Callable[[Graph], list[Finding]]


RULES: tuple[Rule, ...] = (
    Rule("selectors", "every selector finds pods, and every port that is named is open there", wiring.selectors),
    Rule("objects", "every object that is referred to exists, and is made before what needs it", wiring.objects),
    Rule("providers", "every in-cluster object has the one provider of the cluster", ownership.providers),
    Rule("deleted-with", "every in-cluster object goes with the cluster that the stack makes", ownership.deleted_with),
    Rule("one-owner", "every replica count has one owner", ownership.replicas),
    Rule("volumes", "no volume for one node is shared by several pods", ownership.volumes),
    Rule("labels", "every object says what it belongs to, and no selector can change", labelling.labels),
    Rule("isolation", "every namespace denies by default, and every pod has its own policy", isolation.isolated),
)


def check(graph: Graph) -> dict[str, list[Finding]]:
    """Rule id -> what it finds."""
    return {rule.id: rule.check(graph) for rule in RULES}
