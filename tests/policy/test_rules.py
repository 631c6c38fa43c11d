"""All graph rules together: what they say of the committed stacks, and of nothing."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from policy.graph import Graph
from policy.rules import RULES, check
from settings.rules import RULES as SETTINGS_RULES
from tests.conftest import planned
from tests.support import ROOT, STACKS


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_holds_on_every_committed_stack(rule, stack) -> None:
    assert rule.check(planned(stack).graph) == []


def test_a_stack_without_resources_breaks_no_rule() -> None:
    assert not any(check(Graph(())).values())


def test_every_rule_can_be_told_apart_in_the_report() -> None:
    ids = [rule.id for rule in (*RULES, *SETTINGS_RULES)] + ["reachability"]
    assert len(ids) == len(set(ids))
    holds = [rule.holds for rule in RULES]
    assert len(holds) == len(set(holds))
    assert all(sentence.startswith(("every ", "no ")) for sentence in holds)


@pytest.mark.parametrize("stack", STACKS)
def test_findings_name_objects_that_a_reader_can_tell_apart(stack) -> None:
    names = [str(thing) for thing in planned(stack).graph.objects]
    assert len(names) == len(set(names))


def test_the_room_imports_nothing_but_itself_and_the_standard_library() -> None:
    foreign = {
        f"{file.relative_to(ROOT)}: {module}"
        for file in Path(ROOT / "policy").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for module in _imported(node)
        if module.split(".")[0] not in {"policy", *sys.stdlib_module_names}
    }
    assert foreign == set()


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or "."] if isinstance(node, ast.ImportFrom) else []
