"""Rules over the graph: `rule(graph) -> list[Finding]`, pure, each with its own message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from policy.graph import Graph
from policy.rules import (
    admission,
    containers,
    isolation,
    labelling,
    ownership,
    references,
    scaling,
    teardown,
    wiring,
)
from policy.rules.finding import Finding


@dataclass(frozen=True)
class Rule:
    """A rule, and the sentence that says what holds when it finds nothing."""

    id: str
    holds: str
    check: Callable[[Graph], list[Finding]]


RULES: tuple[Rule, ...] = (
    Rule("unique", "every object is made once, under its own name, in a namespace that it says", ownership.unique),
    Rule(
        "selectors",
        "every selector finds the pods of one workload, and every port that is named is open there",
        wiring.selectors,
    ),
    Rule("objects", "every object that is referred to exists, and is made before what needs it", references.objects),
    Rule("used", "every volume, ConfigMap, Secret, claim and ServiceAccount is used by some pod", references.used),
    Rule("providers", "every resource has the stack's own provider for its cluster or account", ownership.providers),
    Rule(
        "deleted-with",
        "every in-cluster object goes with the cluster that the stack makes, unless it holds something outside",
        ownership.deleted_with,
    ),
    Rule("teardown", "every controller, node, role and way outlives what needs it", teardown.order),
    Rule("one-owner", "every replica count has one owner", ownership.replicas),
    Rule("scale-ranges", "every autoscaler has a range to move in, and something to go by", scaling.autoscalers),
    Rule(
        "drainable", "every workload of several pods has a budget, and every budget lets a drain end", scaling.budgets
    ),
    Rule("volumes", "no volume for one node is shared by several pods", ownership.volumes),
    Rule("sized", "every container has requests and limits, and no request is above its limit", containers.resources),
    Rule("probed", "every container that serves has three probes, on ports that it opens", containers.probes),
    Rule("versioned", "every image names its version", containers.images),
    Rule("admission", "every pod is one that its namespace's Pod Security level admits", admission.admitted),
    Rule("labels", "every object says what it belongs to, and no selector can change", labelling.labels),
    Rule("isolation", "every namespace denies by default, and every pod has its own policy", isolation.isolated),
    Rule("bounded", "every namespace has a quota and a limit range", isolation.bounded),
)


def check(graph: Graph) -> dict[str, list[Finding]]:
    """Rule id -> what it finds."""
    return {rule.id: rule.check(graph) for rule in RULES}
