"""The same program under the real engine: what it registers is what the offline plan says.

Runs where `pulumi`, its Python host and the Kubernetes plugin are found; elsewhere it reports that it did not run. It
needs no cluster: previews work on a kubeconfig whose server does not answer. AWS is a stand-in (tests/standin).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import rpc

from policy.graph import leaves, unknown
from tests.conftest import planned
from tests.standin.install import install
from tests.support import ROOT
from workbench.deploy.engine import surroundings, why_not
from workbench.plan.manifests import plan_json

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("engine")]

NOWHERE = """\
apiVersion: v1
kind: Config
current-context: nowhere
clusters: [{name: nowhere, cluster: {server: "https://127.0.0.1:9"}}]
users: [{name: nobody, user: {token: none}}]
contexts: [{name: nowhere, context: {cluster: nowhere, user: nobody}}]
"""


class Engine:
    """A copy of the project with a backend of its own."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        ignore = shutil.ignore_patterns(".*", "out", "__pycache__")
        shutil.copytree(ROOT, self.project, ignore=ignore)
        (self.project / ".venv").symlink_to(sys.prefix)
        (folder / "backend").mkdir()
        (folder / "kubeconfig").write_text(NOWHERE)
        self.environment = {
            **surroundings(folder / "backend", "a test's"),
            "KUBECONFIG": str(folder / "kubeconfig"),
            **install(folder / "standin", ACCOUNT="111122223333"),
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs `pulumi ...` in the copy."""
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    if missing := why_not():
        pytest.skip(f"DID NOT RUN: {missing}")
    return Engine(tmp_path_factory.mktemp("engine"))


def preview(engine: Engine, stack: str) -> dict[str, Any]:
    engine.run("stack", "init", stack)
    done = engine.run("preview", "--stack", stack, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.mark.parametrize("stack", ["local", "dev", "prod"])
def test_the_engine_registers_what_the_offline_plan_says(engine: Engine, stack: str) -> None:
    steps = preview(engine, stack)["steps"]
    registered = {s["newState"]["urn"]: s["newState"] for s in steps if s["newState"]["type"] != "pulumi:pulumi:Stack"}
    expected = {r["urn"]: r for r in plan_json(planned(stack))["resources"]}
    assert set(registered) == set(expected)
    for urn, state in registered.items():
        assert differences(state, expected[urn], exact=stack != "local") == []
        ours, theirs = essence(expected[urn]), essence(state)
        assert {**theirs, "inputs": None} == {**ours, "inputs": None}, urn


def essence(state: dict[str, Any]) -> dict[str, Any]:
    """What the engine's state and a plan have in common, spelt alike."""
    inputs = dict(state.get("inputs") or {})
    inputs.pop("__internal", None)  # the engine's own
    inputs.pop("kubeconfig", None)  # a secret there, a secret or a marker here: the value is nobody's business
    dependencies = {key: sorted(urns) for key, urns in (state.get("propertyDependencies") or {}).items() if urns}
    return {
        "custom": state["custom"],
        "deletedWith": state.get("deletedWith") or None,
        "dependencies": sorted(state.get("dependencies") or []),
        "inputs": inputs,
        "parent": state.get("parent"),
        "propertyDependencies": dependencies,
        "protect": state.get("protect", False),
        "provider": "::".join((state.get("provider") or "").split("::")[:4]) or None,  # without the provider's id
        "type": state["type"],
    }


def differences(state: dict[str, Any], expected: dict[str, Any], *, exact: bool) -> list[tuple[str, Any]]:
    """The leaves of the inputs that are not on both sides. What the engine does not know yet is a marker in the plan.

    Not `exact`: a provider that cannot reach its cluster sends typed objects back without their zeros; it does not
    where the kubeconfig is unknown (the eks stacks), so those are held exactly.
    """
    ours, theirs = (dict(leaves(essence(side)["inputs"])) for side in (expected, state))
    for place in [path for path, value in theirs.items() if value == rpc.UNKNOWN]:
        inside = {
            path: value for path, value in ours.items() if path == place or path.startswith((f"{place}.", f"{place}["))
        }
        if any(map(unknown, inside.values())):
            del theirs[place]
            ours = {path: value for path, value in ours.items() if path not in inside}
    both = ((ours, theirs), (theirs, ours))
    found = {(path, str(value)) for a, b in both for path, value in a.items() if path not in b or b[path] != value}
    return sorted((path, value) for path, value in found if exact or value not in ("0", "False"))


def test_a_preview_of_local_has_no_warning_of_the_program(engine: Engine) -> None:
    diagnostics = preview(engine, "local").get("diagnostics") or []
    known = ("unreachable", "using pulumi-resource-aws from $PATH")
    ours = [d for d in diagnostics if not any(part in d["message"] for part in known)]
    assert ours == []


def test_up_in_an_account_of_the_documentation_is_refused_with_one_message(engine: Engine) -> None:
    engine.run("stack", "init", "prod")
    done = engine.run("up", "--stack", "prod", "--yes", "--skip-preview")
    assert done.returncode != 0
    assert "example account of AWS's documentation" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_account_can_be_made_before_what_is_inside_the_cluster(engine: Engine) -> None:
    """The first step of "Deploy" in docs/aws.md: images are pushed before anything pulls them."""
    first = "--exclude '**$kubernetes:**'"
    assert f"pulumi up -s dev {first} " in (ROOT / "docs" / "aws.md").read_text(encoding="utf-8")
    engine.run("stack", "init", "dev")
    done = engine.run("preview", "--stack", "dev", "--json", *(part.strip("'") for part in first.split()))
    assert done.returncode == 0, done.stdout + done.stderr
    made = {s["newState"]["urn"] for s in json.loads(done.stdout)["steps"] if s["op"] == "create"}
    whole = planned("dev").graph.resources
    assert {r.urn for r in whole if r.type.startswith("aws:")} <= made
    assert not {r.urn for r in whole if r.type.startswith("kubernetes:")} & made


def test_the_engine_hands_over_nulls_and_wrong_types_as_they_are_written(engine: Engine) -> None:
    engine.run("stack", "init", "broken")
    file = engine.project / "Pulumi.broken.yaml"
    file.write_text(
        (file.read_text() if file.exists() else "")
        + "config:\n  llmplatform:platform:\n    base: llm-optimization\n    environment: local\n"
        + "    cluster: {kind: existing}\n"
        + "    services: {gateway: {ingress: null, replicas: on}, eval-api: {scratch: null}}\n"
    )
    done = engine.run("preview", "--stack", "broken")
    assert done.returncode != 0
    assert 'services.gateway.replicas: the text "on" is no number of replicas' in done.stdout
    assert "services.eval-api.scratch: null removes what the platform file has" in done.stdout
    assert "services.gateway.ingress" not in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
