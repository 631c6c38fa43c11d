"""Every committed stack plans, and every rule holds on it."""

from __future__ import annotations

import pytest

from tests.conftest import planned
from tests.support import STACKS


@pytest.mark.parametrize("stack", STACKS)
def test_every_committed_stack_plans_and_every_graph_rule_holds(stack: str) -> None:
    plan = planned(stack)
    assert not plan.refused, plan.findings
    assert plan.messages == ()
