"""Imports point one way: __main__ -> llm_platform -> families -> components.kubernetes -> settings."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

FAMILIES = ("cluster", "tenancy", "serving", "scaling", "observability")
ROOMS = ("settings", "components", "policy", "workbench", "tests")
FILES = [p for room in ROOMS[:4] for p in sorted((ROOT / room).rglob("*.py"))] + [ROOT / "__main__.py"]


def imports(path: Path) -> set[str]:
    """Modules of this project (and pulumi's) that a file imports."""
    out = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            out |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            out |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in out if name.split(".")[0] in (*ROOMS, "pulumi", "pulumi_kubernetes", "pulumi_aws")}


def allowed(path: Path, module: str) -> bool:
    here = path.relative_to(ROOT).parts
    top = module.split(".", maxsplit=1)[0]
    match here[0]:
        case "settings":
            return top == "settings" or (here[-1] == "load.py" and top == "pulumi")
        case "policy":
            return top == "policy"
        case "workbench":
            return top in ("workbench", "policy", "settings", "pulumi")
        case "__main__.py":
            return module.startswith(("components.llm_platform", "settings.")) or top == "pulumi"
        case "components":
            if top in ("pulumi", "pulumi_kubernetes", "pulumi_aws", "settings"):
                return True
            if here[1] in ("llm_platform.py", "aws_foundation.py", "eks_services.py"):
                return top == "components"
            if here[1] == "kubernetes":
                return module.startswith("components.kubernetes")
            return module.startswith((f"components.{here[1]}", "components.kubernetes"))
    return False


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    wrong = sorted(module for module in imports(path) if not allowed(path, module))
    assert wrong == [], f"{path.relative_to(ROOT)} imports {wrong}"


def test_a_family_that_imports_its_neighbour_is_noticed() -> None:
    assert not allowed(ROOT / "components" / "serving" / "x.py", "components.scaling.horizontal")
    assert not allowed(ROOT / "settings" / "x.py", "pulumi")
    assert not allowed(ROOT / "policy" / "x.py", "settings.model")
    assert not allowed(ROOT / "components" / "x" / "y.py", "workbench.plan")


@pytest.mark.parametrize("module", ["settings.resolve", "settings.stack_file", "policy.rules", "workbench.cli"])
def test_settings_rules_and_the_command_line_start_without_pulumi(module: str) -> None:
    code = f"import sys, {module}; print([m for m in sys.modules if m.startswith('pulumi')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_room_says_what_belongs_in_it() -> None:
    import importlib

    for room in ("settings", "settings.rules", "components", "components.kubernetes", "policy", "workbench"):
        text = importlib.import_module(room).__doc__ or ""
        assert "Belongs here" in text or "nothing else" in text, room
