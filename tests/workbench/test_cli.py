"""The command line as a user meets it: text, JSON, exit codes, files.

That the bytes are the same whatever the hash seed is held by tests/judges/manifests.py, in processes of their own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support import ROOT, STACKS
from workbench import cli
from workbench.plan import report
from workbench.plan import stack as planning


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workbench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.requirement("S003-109", "S003-110")
def test_a_plan_shows_resources_checks_what_is_unknown_and_outputs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["plan", "prod", "--out", str(tmp_path / "prod")]) == 0
    text = capsys.readouterr().out
    for expected in (
        "HorizontalPodAutoscaler platform/gateway-hpa",
        "limits.cpu 11 of 12",
        "mistral-7b: vllm ",
        "accepted: evaluations are queued and run again; nobody waits for one",
        "secret llmplatform-prod/hugging-face-token in AWS Secrets Manager (store platform-secrets reads",
        "images pushed to ECR (",
        "Service grafana:3000 (in namespace observability, run by somebody else",
        "ok      quota:",
        "ok      reachability:",
        "provider kubernetes: kubeconfig",
        "image of gateway: 111122223333.dkr.ecr.us-west-2.amazonaws.com/llmplatform-prod/gateway:v1.0.0 (",
        "adapter lora-v1 of mistral-7b-lora",
        "gateway: https://api.llmplatform.dev",
        "Verdict: holds",
    ):
        assert expected in text
    assert (tmp_path / "prod" / "plan.json").is_file()


@pytest.mark.parametrize("stack", STACKS)
def test_json_is_one_document_with_the_graph_and_every_verdict(
    stack: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["plan", stack, "--json", "--out", str(tmp_path / "x")]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is True
    assert document["stack"] == stack
    assert not any(document["findings"].values())
    assert {"resources", "outputs", "advice", "unpinned", "incomplete", "files"} <= set(document)
    written = json.loads((tmp_path / "x" / "plan.json").read_text())
    assert written["resources"] == document["resources"]


def test_manifests_lists_what_it_writes_and_cluster_scoped_objects_come_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["manifests", "staging", "--out", str(tmp_path / "x")]) == 0
    listed = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(p for p in (tmp_path / "x").rglob("*") if p.is_file()) == sorted(listed)
    manifests = [p for p in listed if p.suffix == ".yaml"]
    assert manifests == sorted(manifests)
    assert manifests[0].parent.name == "_cluster", "kubectl apply -R meets the namespaces first"
    for path in manifests:
        manifest = yaml.safe_load(path.read_text())
        assert path.name == f"{manifest['kind'].lower()}-{manifest['metadata']['name']}.yaml"
        assert path.parent.name == manifest["metadata"].get("namespace", "_cluster")


def test_a_second_plan_removes_what_the_first_left(tmp_path: Path) -> None:
    out = tmp_path / "x"
    assert cli.main(["plan", "prod", "--out", str(out)]) == 0
    (out / "manifests" / "stale.yaml").write_text("x")
    (out / "notes.txt").write_text("the user's own")
    assert cli.main(["plan", "dev", "--out", str(out)]) == 0
    assert not (out / "manifests" / "stale.yaml").exists()
    assert not (out / "manifests" / "platform" / "horizontalpodautoscaler-gateway-hpa.yaml").exists()
    assert (out / "notes.txt").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["x"], "no temporary folder is left"


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what a user edits, in the place of the real one."""
    copy = tmp_path / "project"
    copy.mkdir()
    for path in [*ROOT.glob("Pulumi.*.yaml"), ROOT / "__main__.py"]:
        shutil.copy(path, copy)
    shutil.copytree(ROOT / "platforms", copy / "platforms")
    monkeypatch.setattr("workbench.plan.stack.ROOT", copy)
    monkeypatch.setattr("settings.resolve.PLATFORMS", copy / "platforms")
    return copy


def planned_files(stack: str, out: Path) -> dict[str, bytes]:
    assert cli.main(["plan", stack, "--out", str(out)]) == 0
    return _files(out)


def test_a_change_of_one_setting_shows_as_the_smallest_diff(project: Path, tmp_path: Path) -> None:
    before = planned_files("prod", tmp_path / "before")
    file = project / "Pulumi.prod.yaml"
    file.write_text(file.read_text().replace("max: 10", "max: 9"))
    after = planned_files("prod", tmp_path / "after")
    changed = {name for name in before if before[name] != after[name]}
    assert set(before) == set(after)
    assert changed == {"plan.json", "manifests/platform/horizontalpodautoscaler-gateway-hpa.yaml"}
    lines = [
        (a, b)
        for name in changed
        for a, b in zip(before[name].splitlines(), after[name].splitlines(), strict=True)
        if a != b
    ]
    # The maximum in both files, and in plan.json how long the engine waits for a rollout of so many pods.
    assert len(lines) == 4


def test_the_order_of_keys_in_the_yaml_changes_nothing(project: Path, tmp_path: Path) -> None:
    before = planned_files("prod", tmp_path / "before")
    for file in (project / "Pulumi.prod.yaml", project / "platforms" / "llm-optimization.yaml"):
        file.write_text(yaml.safe_dump(_reversed(yaml.safe_load(file.read_text())), sort_keys=False))
    assert planned_files("prod", tmp_path / "after") == before


def _reversed(data: object) -> object:
    if isinstance(data, dict):
        return {key: _reversed(data[key]) for key in reversed(data)}
    return data


def test_refused_settings_end_with_1_name_file_and_line_and_leave_the_last_plan_alone(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = planned_files("prod", tmp_path / "out")
    file = project / "Pulumi.prod.yaml"
    text = file.read_text().replace("max: 10", "max: 40")
    file.write_text(text.replace("quant-api: {replicas: 3", "quant-api: {replicass: 3"))
    assert cli.main(["plan", "prod", "--out", str(tmp_path / "out")]) == 1
    line = file.read_text().splitlines().index("      quant-api: {replicass: 3, disruption: {min_available: 1}}") + 1
    said = capsys.readouterr().err
    assert f"Pulumi.prod.yaml:{line}: services.quant-api.replicass: there is no such key here" in said
    assert "did you mean replicas?" in said
    assert _files(tmp_path / "out") == before
    file.write_text(text)
    assert cli.main(["plan", "prod", "--out", str(tmp_path / "out"), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    problem = next(p for p in document["problems"] if p["rule"] == "quota" and "limits.cpu" in p["reason"])
    assert "needs 41" in problem["reason"]


def test_a_region_beside_the_platform_that_says_another_is_refused(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = project / "Pulumi.dev.yaml"
    text = file.read_text()
    file.write_text(text.replace("config:\n", "config:\n  aws:region: us-west-2\n"))
    assert cli.main(["plan", "dev", "--out", str(tmp_path / "out")]) == 0
    file.write_text(text.replace("config:\n", "config:\n  aws:region: eu-west-1\n"))
    assert cli.main(["plan", "dev", "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert (
        'Pulumi.dev.yaml:3: config."aws:region": says eu-west-1, and the platform\'s aws.region says us-west-2' in said
    )


def test_a_failing_program_shows_its_cause_and_place_and_no_traceback(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.cli.ROOT", project)
    main = project / "__main__.py"
    main.write_text(main.read_text() + 'raise LookupError("the moon is not in this quarter")\n')
    assert cli.main(["plan", "dev", "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    assert "the program failed: LookupError: the moon is not in this quarter (__main__.py:" in said.err
    assert "Traceback" not in said.err + said.out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plan", "prd"], "did you mean prod?"),
        (["plan"], "usage"),
        (["plam", "dev"], "usage"),
        ([], "usage"),
        (["plan", "dev", "--jsn"], "usage"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_platform_that_does_not_exist_is_refused_with_the_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", "local", "--platform", "llm-optimisation"]) == 1
    assert "did you mean llm-optimization?" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    assert cli.main(["plan", "local", "--out", str(tmp_path / "file" / "out")]) == 1
    assert "cannot write" in capsys.readouterr().err


def test_help_starts_without_the_sdk_and_at_once() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "plan" in done.stdout


def test_a_plan_with_a_finding_is_refused_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from policy.rules import Rule
    from policy.rules.finding import Finding

    broken = Rule("labels", "nothing", lambda _: [Finding("Deployment x/y", "it is wrong", "mend it")])
    monkeypatch.setattr("policy.rules.RULES", (broken,))
    monkeypatch.setattr(report, "GRAPH_RULES", (broken,))  # loaded with the other ones
    assert cli.main(["plan", "local", "--out", str(tmp_path / "x")]) == 1
    text = capsys.readouterr().out
    assert "REFUSED labels" in text
    assert "Deployment x/y: it is wrong; fix: mend it" in text
    assert "Verdict: refused" in text
    assert not (tmp_path / "x").exists()
    assert planning.stacks() == STACKS
