"""One contract over all components: names, parents, outputs, providers, docstrings."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import planned
from tests.support import ROOT, STACKS

COMPONENTS = sorted((ROOT / "components").rglob("*.py"))
TOKEN = re.compile(r"llmplatform:index:[A-Z][A-Za-z]+")


def component_classes() -> list[tuple[Path, ast.ClassDef]]:
    out: list[tuple[Path, ast.ClassDef]] = []
    for path in COMPONENTS:
        classes = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef))
        out += [(path, c) for c in classes if any("ComponentResource" in ast.unparse(base) for base in c.bases)]
    return out


CLASSES = component_classes()


def test_there_are_components_to_hold_to_the_contract() -> None:
    assert len(CLASSES) >= 9


@pytest.mark.parametrize("cls", [cls for _, cls in CLASSES], ids=lambda c: c.name)
def test_a_component_takes_name_args_and_opts_and_registers_its_outputs_last(cls: ast.ClassDef) -> None:
    init = next(n for n in cls.body if isinstance(n, ast.FunctionDef) and n.name == "__init__")
    assert [a.arg for a in init.args.args] == ["self", "name", "args", "opts"]
    assert ast.unparse(init.body[-1]).startswith("self.register_outputs("), "register_outputs is the last line"
    token = re.search(r"super\(\).__init__\('([^']+)'", ast.unparse(init))
    assert token, "super().__init__ has a literal token"
    assert token[1] == f"llmplatform:index:{cls.name}"
    assert len(ast.unparse(init).splitlines()) <= 60, "the constructor validates, creates, names outputs, registers"


@pytest.mark.parametrize(("path", "cls"), CLASSES, ids=lambda v: getattr(v, "name", None))
def test_a_component_has_a_frozen_keyword_only_record_of_arguments(path: Path, cls: ast.ClassDef) -> None:
    tree = ast.parse(path.read_text())
    args = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == f"{cls.name}Args")
    assert ast.unparse(args.decorator_list[0]) == "dataclass(frozen=True, kw_only=True)"
    fields = [n for n in args.body if isinstance(n, ast.AnnAssign)]
    documented = [n for n in args.body if isinstance(n, ast.Expr)]
    assert len(documented) == len(fields) + 1, "the class and every field have a docstring"


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_hangs_under_the_one_platform(stack: str) -> None:
    graph = planned(stack).graph
    roots = [r for r in graph.resources if r.parent is None]
    assert [r.type for r in roots] == ["llmplatform:index:LlmPlatform"]
    for resource in graph.resources:
        assert resource.parent is None or resource.parent in graph.by_urn
        if not resource.custom:
            assert TOKEN.fullmatch(resource.type)
        else:
            parent = graph.by_urn[resource.parent or ""]
            assert not parent.custom, f"{resource.name} is a child of a component"


@pytest.mark.parametrize("stack", STACKS)
def test_no_logical_name_holds_the_stack_and_no_object_is_made_twice(stack: str) -> None:
    graph = planned(stack).graph
    assert not [r.name for r in graph.resources if stack in re.split(r"[-/]", r.name)]
    twice = [key for key, n in Counter((o.kind, o.namespace, o.name) for o in graph.objects).items() if n > 1]
    assert twice == []


@pytest.mark.parametrize("stack", STACKS)
def test_every_object_in_a_namespace_is_made_after_all_that_guards_it(stack: str) -> None:
    graph = planned(stack).graph
    guards = {
        o.resource.urn: o
        for o in graph.of_kind("Namespace", "ResourceQuota", "LimitRange", "NetworkPolicy")
        if o.kind == "Namespace" or o.name in ("default-deny", "allow-dns") or o.kind != "NetworkPolicy"
    }
    for workload in graph.workloads:
        before = {guards[urn].kind for urn in workload.resource.dependencies if urn in guards}
        assert before == {"Namespace", "ResourceQuota", "LimitRange", "NetworkPolicy"}


def test_a_docstring_says_what_every_field_of_the_settings_is_for() -> None:
    from pydantic import BaseModel

    from settings.model import PlatformSettings

    def specs(cls: type[BaseModel]) -> set[type[BaseModel]]:
        return {cls}.union(*(specs(sub) for sub in cls.__subclasses__()))

    from settings.spec import Spec

    assert PlatformSettings in specs(Spec)
    silent = [
        f"{spec.__name__}.{name}"
        for spec in specs(Spec) - {Spec}
        for name, info in spec.model_fields.items()
        if not any(
            name in up.model_fields and up.model_fields[name].description for up in spec.__mro__ if up in specs(Spec)
        )
    ]
    assert silent == []
