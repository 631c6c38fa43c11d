"""Seed 003: its commands, as far as ours exist (S003-08, 09, 109, 110)."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import yaml

from policy.graph import Graph
from tests.conftest import planned
from tests.support import ROOT, STACKS, World, stack_file
from workbench.cli import main
from workbench.deploy import likeness
from workbench.plan.recorder import ProgramError


def program() -> None:
    """What `pulumi up` runs."""
    runpy.run_path(str(ROOT / "__main__.py"))


def everything_before(graph: Graph, urn: str) -> set[str]:
    """The URNs that a deployment makes before `urn`: its dependencies, and theirs."""
    seen: set[str] = set()
    todo = [urn]
    while todo:
        fresh = set(graph.by_urn[todo.pop()].dependencies) - seen
        seen |= fresh
        todo += [u for u in fresh if u in graph.by_urn]
    return seen


@pytest.mark.requirement("S003-08")
@pytest.mark.parametrize("stack", STACKS)
def test_a_namespace_is_made_before_everything_in_it(stack: str) -> None:
    graph = planned(stack).graph
    homes = {n.name: n.resource.urn for n in graph.of_kind("Namespace")}
    inside = [thing for thing in graph.objects if thing.namespace]
    assert len(inside) > len(homes)
    for thing in inside:
        assert homes[thing.namespace or ""] in everything_before(graph, thing.resource.urn), str(thing)


@pytest.mark.requirement("S003-08")
@pytest.mark.parametrize("stack", STACKS)
def test_a_workload_is_made_after_quota_and_limit_range_and_default_deny_of_its_namespace(stack: str) -> None:
    graph = planned(stack).graph
    for workload in graph.workloads:
        before = everything_before(graph, workload.resource.urn)
        for guard in graph.of_kind("ResourceQuota", "LimitRange"):
            assert guard.namespace != workload.namespace or guard.resource.urn in before, str(workload)
        deny = next(
            p for p in graph.of_kind("NetworkPolicy") if (p.namespace, p.name) == (workload.namespace, "default-deny")
        )
        assert deny.resource.urn in before, str(workload)


@pytest.mark.requirement("S003-110")
def test_make_plan_shows_what_dev_would_make(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "dev", "--out", str(tmp_path / "dev")]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Plan of stack dev: llm-optimization-platform")
    for thing in planned("dev").graph.objects:
        assert str(thing) in shown, str(thing)


@pytest.mark.requirement("S003-09", "S003-109")
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_base_and_overlay_come_out_as_one_folder_that_kubectl_applies_in_order(stack: str, tmp_path: Path) -> None:
    assert main(["manifests", stack, "--out", str(tmp_path / stack)]) == 0
    folder = tmp_path / stack / "manifests"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    kinds = [yaml.safe_load(path.read_text(encoding="utf-8"))["kind"] for path in files]
    later = sorted(path.name for path in (tmp_path / stack / "incomplete").rglob("*") if path.is_file())
    assert later == ["storageclass-efs.yaml"], "only AWS knows the file system's id"
    assert len(files) == len(planned(stack).graph.objects) - len(later)
    spaces = [index for index, kind in enumerate(kinds) if kind == "Namespace"]
    assert len(spaces) == 6
    assert max(spaces) < min(index for index, path in enumerate(files) if path.parent.name != "_cluster")


@pytest.mark.requirement("S003-09", "S003-109")
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_up_makes_what_the_plan_shows(stack: str, world: World) -> None:
    overlay = likeness.replaced(stack_file(stack).overlay.data, "111122223333", "999988887777")
    world.deploy(program, stack=stack, config={"llmplatform:platform": overlay}, preview=False)
    assert [r.urn for r in world.graph.resources] == [r.urn for r in planned(stack).graph.resources]


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_up_in_an_account_of_the_documentation_is_refused_with_one_message(stack: str, world: World) -> None:
    config = {"llmplatform:platform": stack_file(stack).overlay.data}
    with pytest.raises(ProgramError) as refused:
        world.deploy(program, stack=stack, config=config, preview=False)
    assert "111122223333 is an example account of AWS's documentation" in str(refused.value)
    assert world.graph.resources == ()
