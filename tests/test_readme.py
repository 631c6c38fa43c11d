"""The README and docs say what is true: their examples are run, and what they show is what comes out."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.llm_platform import LlmPlatform, LlmPlatformArgs
from settings.problems import SettingsError
from settings.resolve import settle
from settings.yaml_reader import Document, read_text
from tests.support import ROOT, SEEDS, stack_file
from workbench.cli import _parser
from workbench.plan import report
from workbench.plan.recorder import record
from workbench.plan.stack import judged

README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
LOCAL = (ROOT / "docs" / "local-cluster.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PLATFORM = "platforms/llm-optimization.yaml"
ROUTE = "      eval: {to: eval-api, timeout: 45s}\n"
SERVICES_END = "\nhub:\n"


def blocks(heading: str) -> list[tuple[str, str]]:
    """(language, text) of every fenced block under a heading."""
    part = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```(\w*)\n(.*?)```", part, re.DOTALL)


def with_service() -> str:
    """The platform file after somebody has followed "Add a service"."""
    example = blocks("Add a service")[0][1]
    route = re.search(r"^ {6}search: .*\n", example, re.MULTILINE)
    service = re.search(r"^ {2}search-api:.*", example, re.DOTALL | re.MULTILINE)
    assert route
    assert service
    text = platform_text().replace(ROUTE, ROUTE + route[0])
    return text.replace(SERVICES_END, f"\n{service[0]}{SERVICES_END}")


def with_model() -> str:
    """The platform file after somebody has followed "Add a model"."""
    example = blocks("Add a model")[0][1]
    return f"{platform_text().rstrip()}\n\n{example.removeprefix('models:' + chr(10))}"


@cache
def platform_text() -> str:
    text = (ROOT / PLATFORM).read_text(encoding="utf-8")
    assert ROUTE in text
    assert SERVICES_END in text
    return text


def shown(text: str) -> str:
    """What `make plan STACK=dev` prints with this platform file."""
    resolved = settle(document(text), stack_file("dev").overlay, ())

    def program() -> None:
        kubeconfig = pulumi.Output.secret("masked")
        LlmPlatform("test", LlmPlatformArgs(settings=resolved.settings, secrets={}, kubeconfig=kubeconfig))

    graph, _ = record(program, project="llmplatform", stack="dev", config={})
    return report.text(judged("dev", resolved, graph), Path("out/dev"), 0)


def document(text: str) -> Document:
    read = read_text(text, PLATFORM)
    return Document(PLATFORM, read.data, read.lines)


@pytest.mark.parametrize(("heading", "text"), [("Add a service", with_service), ("Add a model", with_model)])
def test_every_line_that_an_example_shows_is_printed(heading: str, text: Any) -> None:
    printed = [line.strip("├└│─ ") for line in shown(text()).splitlines()]
    lines = [line.strip("├└│─ ") for line in blocks(heading)[1][1].splitlines()]
    assert len(lines) >= 9
    assert [line for line in lines if line not in printed] == []


def test_the_slip_of_a_service_is_met_as_it_is_shown() -> None:
    slip = with_service().replace("namespace: eval\n    image: search-api", "namespace: evals\n    image: search-api")
    slip = slip.replace("calls: [mistral-7b]                           #", "calls: [mistral-7b-awk]  #")
    assert refusal(slip) == blocks("Add a service")[2][1].strip()


def test_the_slip_of_a_model_is_met_as_it_is_shown() -> None:
    example = blocks("Add a model")[0][1].removeprefix("models:\n")
    slip = example.replace("max_model_len: 16384", "max_model_len: 65536").replace("weights: 90s", "weights: 5s")
    slip = with_model().replace(example, slip.replace("cache: weights", "cache: weight"))
    assert refusal(slip) == blocks("Add a model")[2][1].strip()


def refusal(text: str) -> str:
    with pytest.raises(SettingsError) as refused:
        settle(document(text), stack_file("dev").overlay, ())
    return str(refused.value)


def test_a_model_is_ten_lines() -> None:
    assert len(blocks("Add a model")[0][1].strip().splitlines()) <= 10


@pytest.mark.parametrize("text", [README, OPERATIONS, LOCAL], ids=["README", "operations", "local-cluster"])
def test_every_command_of_ours_that_is_named_exists(text: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    named = set(re.findall(r"`?make ([a-z-]+)", text))
    assert named
    assert named <= targets
    for command in set(re.findall(r"python -m workbench (plan|manifests) (?:[a-z]+|STACK)", text)):
        assert _parser().parse_args([command, "dev"]).command == command


def test_every_command_of_the_local_cluster_that_is_shown_is_taken() -> None:
    shown = re.findall(r"^    (?:.*#.*)?python -m workbench ((?:cluster|up) [^#`\n]*)", LOCAL, re.MULTILINE)
    assert len(shown) >= 9
    for line in shown:
        arguments = _parser().parse_args(shlex.split(line))
        assert arguments.command in ("cluster", "up")


def test_every_live_scenario_is_in_the_list() -> None:
    files = {path.name for path in (ROOT / "tests" / "live").glob("test_*.py")}
    assert files == set(re.findall(r"`(test_\w+\.py)`", LOCAL.partition("## Live scenarios")[2]))


@pytest.mark.requirement("S003-29", "S003-109", "S003-110", "S003-111", "S003-112")
def test_every_command_of_the_seed_that_deploys_diffs_or_rolls_back_has_its_equivalent() -> None:
    table = dict(re.findall(r"^\| `([^|]+)` \| ([^|]+) \|", OPERATIONS, re.MULTILINE))
    for command, ours in {
        "kubectl apply -k k8s/overlays/dev": "pulumi up -s dev",
        "kubectl apply -k k8s/overlays/prod": "pulumi up -s prod",
        "kubectl diff -k k8s/overlays/dev": "pulumi preview -s dev --diff",
        "kubectl rollout undo deployment/gateway -n platform": "git revert",
        "kubectl rollout undo deployment/gateway -n platform --to-revision=2": "git checkout COMMIT",
    }.items():
        assert ours in table[command]
    assert {"apply.sh", "diff.sh", "rollback.sh"} <= set(re.findall(r"(\w+\.sh)", OPERATIONS))


@pytest.mark.requirement("S003-111", "S003-112")
@pytest.mark.skipif(not SEEDS.exists(), reason="DID NOT RUN: the documents are not beside the project")
def test_no_deployment_command_of_the_seed_is_left_out() -> None:
    (seed,) = SEEDS.glob("003_*.txt")
    part = seed.read_text(encoding="utf-8").partition("## Deployment Commands")[2].partition("## Implementation")[0]
    commands = [line.split(" | ")[0] for line in part.splitlines() if line.startswith("kubectl ")]
    assert len(commands) >= 7
    assert [command for command in commands if f"`{command}`" not in OPERATIONS] == []
