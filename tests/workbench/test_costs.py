"""What a stack costs at rest: the arithmetic, and that docs/aws.md says the same."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from settings.costs import at_rest, nodes_at_rest
from tests.support import ROOT, stack_settings

STACKS = ("dev", "staging", "prod")


def documented() -> dict[str, dict[str, Decimal]]:
    """Line -> stack -> USD, as docs/aws.md has them."""
    rows = re.findall(r"^\| ([A-Za-z ,-]+) \| ([0-9.]+) \| ([0-9.]+) \| ([0-9.]+) \|$", DOC, re.MULTILINE)
    return {row[0]: dict(zip(STACKS, map(Decimal, row[1:]), strict=True)) for row in rows}


DOC = (ROOT / "docs" / "aws.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("stack", STACKS)
def test_the_document_says_what_the_plan_says(stack: str) -> None:
    lines = at_rest(stack_settings(stack).settings)
    told = {what: of[stack] for what, of in documented().items()}
    cents = Decimal("0.01")

    def sum_of(part: str) -> Decimal:
        return sum((c.monthly for c in lines if part in c.what), Decimal(0)).quantize(cents)

    assert told == {
        "control plane": sum_of("control plane"),
        "NAT gateways": sum_of("NAT"),
        "interfaces of service endpoints": sum_of("interfaces"),
        "nodes of pool general, with disks": sum_of("pool general"),
        "nodes of pool gpu-spot, with disks, at most": sum_of("pool gpu-spot"),
        "USD in all, at most": sum_of(""),
    }


def test_nodes_at_rest_are_those_of_the_autoscalers_minimum() -> None:
    dev, prod = (stack_settings(stack).settings for stack in ("dev", "prod"))
    assert nodes_at_rest(dev, "gpu-spot") == sum(m.fewest for m in dev.models.values()) == 4
    assert nodes_at_rest(prod, "gpu-spot") == sum(m.fewest for m in prod.models.values()) + 1, "and the headroom"
    assert nodes_at_rest(prod, "general") == prod.node_pools["general"].min


def test_a_cluster_of_somebody_else_costs_this_stack_nothing() -> None:
    assert at_rest(stack_settings("local").settings) == []
