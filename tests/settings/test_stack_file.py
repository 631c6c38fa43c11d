"""A stack file read without an engine: the overlay, the names of its secrets, and what nothing would read."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings.problems import Problem, SettingsError
from settings.resolve import secret_keys
from settings.stack_file import ROOT, StackFile, read_stack_file, unused_secrets
from tests.settings.support import only
from tests.support import STACKS, problems, resolved, stack_file, stack_settings, tiny

PLATFORM = "  llmplatform:platform: {base: tiny, environment: dev}\n"


def read(tmp_path: Path, text: str) -> StackFile:
    file = tmp_path / "Pulumi.test.yaml"
    file.write_text(text, encoding="utf-8")
    return read_stack_file(file)


def refused(tmp_path: Path, text: str) -> tuple[Problem, ...]:
    with pytest.raises(SettingsError) as error:
        read(tmp_path, text)
    return error.value.problems


def test_the_overlay_keeps_its_lines_and_secrets_only_their_names(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        "# a comment\nconfig:\n  aws:region: us-west-2\n" + PLATFORM + "  llmplatform:apiKey: {secure: v1:abc}\n"
        "  llmplatform:kubeconfig:\n    secure: v1:def\nencryptionsalt: v1:x\n",
    )
    assert file.overlay.data == {"base": "tiny", "environment": "dev"}
    assert file.overlay.line_of(("environment",)) == 4
    assert file.secrets == {"apiKey", "kubeconfig"}
    assert file.lines == {"apiKey": 5, "kubeconfig": 6}
    assert "abc" not in repr(file)


@pytest.mark.parametrize(
    "name", ["hfToken", "platformToken", "plattform", "grafanaPassword", "key", "platforms", "kubeconfig"]
)
def test_a_secret_may_have_any_name_even_one_like_the_platforms(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, f"config:\n{PLATFORM}  llmplatform:{name}: {{secure: v1:abc}}\n").secrets == {name}


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("llmplatform:platfrom", "llmplatform:platform"),
        ("llmplatform:plattform", "llmplatform:platform"),
        ("llmplatfrom:platform", "llmplatform:platform"),
        ("llm-platform:platform", "llmplatform:platform"),
        ("platform", "llmplatform:platform"),
        ("Llmplatform:Platform", "llmplatform:platform"),
    ],
)
def test_a_misspelt_platform_is_answered_with_the_right_key_and_nothing_else(
    tmp_path: Path, wrong: str, right: str
) -> None:
    (problem,) = refused(tmp_path, f"config:\n  {wrong}:\n    base: tiny\n")
    assert problem.path == ("config", wrong)
    assert problem.line == 2
    assert problem.fix == f"did you mean {right}?"


def test_a_misspelt_namespace_of_a_secret_is_answered_with_the_right_one(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, f"config:\n{PLATFORM}  llmplatfrm:apiKey: {{secure: v1:abc}}\n")
    assert (problem.line, problem.fix) == (3, "did you mean llmplatform:apiKey?")


@pytest.mark.parametrize(
    ("wrong", "fix"),
    [
        ("confg", "did you mean config?"),
        ("secretprovider", "did you mean secretsprovider?"),
        ("zzz", "use one of: config, encryptedkey, encryptionsalt, environment, secretsprovider"),
    ],
)
def test_an_unknown_top_level_key_is_answered_with_the_nearest_one(tmp_path: Path, wrong: str, fix: str) -> None:
    (problem,) = refused(tmp_path, f"config:\n{PLATFORM}{wrong}: x\n")
    assert (problem.path, problem.line, problem.fix) == ((wrong,), 3, fix)


@pytest.mark.parametrize("value", ["hunter2", "5", "true", "[a]", "{a: b}", "{secure: 5}", "{secure: a, b: c}", "null"])
def test_a_config_key_of_ours_in_clear_text_is_refused_with_the_command_that_hides_it(
    tmp_path: Path, value: str
) -> None:
    (problem,) = refused(tmp_path, f"config:\n{PLATFORM}  llmplatform:apiKey: {value}\n")
    assert (problem.reason, problem.line) == ("stands in clear text", 3)
    assert problem.fix == "pulumi config set --secret llmplatform:apiKey"
    assert "hunter2" not in str(problem)


def test_a_key_without_a_reader_is_told_how_keys_begin(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, f"config:\n{PLATFORM}  region: us-west-2\n")
    assert problem.fix == "llmplatform:region, or <provider>:region"


def test_keys_of_other_providers_are_not_ours_to_judge(tmp_path: Path) -> None:
    text = f"config:\n{PLATFORM}  aws:region: us-west-2\n  aws:defaultTags: {{tags: {{a: b}}}}\n  kubernetes:x: y\n"
    assert read(tmp_path, text).secrets == frozenset()


def test_a_platform_that_is_secret_as_a_whole_is_refused(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, "config:\n  llmplatform:platform: {secure: v1:abc}\n")
    assert problem.path == ROOT
    assert problem.reason == "a secret may not stand inside the platform"


@pytest.mark.parametrize(
    ("text", "path", "fix"),
    [
        ("", (), "begin with config:"),
        ("- a\n", (), "begin with config:"),
        ("just text\n", (), "begin with config:"),
        ("encryptionsalt: x\n", ("config",), "give config: with llmplatform:platform: under it"),
        ("config:\n", ("config",), "give config: with llmplatform:platform: under it"),
        ("config: [a]\n", ("config",), "give config: with llmplatform:platform: under it"),
        ("config: {}\n", ("config",), "give llmplatform:platform: with base and environment"),
        ("config: {aws:region: x}\n", ("config",), "give llmplatform:platform: with base and environment"),
    ],
)
def test_a_stack_file_without_a_platform_is_told_what_it_lacks(
    tmp_path: Path, text: str, path: tuple[str, ...], fix: str
) -> None:
    (problem,) = refused(tmp_path, text)
    assert (problem.path, problem.fix, problem.file) == (path, fix, "Pulumi.test.yaml")


def test_every_fault_of_a_stack_file_is_told_at_once(tmp_path: Path) -> None:
    found = refused(tmp_path, "config:\n  llmplatform:a: clear\n  b: x\nzzz: 1\n")
    assert [(p.line, p.path[-1]) for p in found] == [(1, "config"), (2, "llmplatform:a"), (3, "b"), (4, "zzz")]


def test_a_secure_key_that_no_setting_names_is_most_likely_a_misspelt_one(tmp_path: Path) -> None:
    settings = resolved(tiny()).settings
    keys = "".join(f"  llmplatform:{key}: {{secure: v1:a}}\n" for key in ("workrApiKey", "kubeconfig"))
    text = f"config:\n{PLATFORM}{keys}"
    (problem,) = unused_secrets(read(tmp_path, text), secret_keys(settings))
    assert problem.path == ("config", "llmplatform:workrApiKey")
    assert (problem.line, problem.fix) == (3, "did you mean workerApiKey?")
    assert problem.reason == "no setting names this secret"
    (alone,) = unused_secrets(read(tmp_path, text), {})
    assert alone.fix == "remove it, or name it under secrets of a service"


def test_a_secret_that_the_stack_does_not_have_is_answered_with_the_command_that_makes_it() -> None:
    problem = only(tiny(), secrets=())
    assert problem.path == ("services", "worker", "secrets", "api-key", "config")
    assert problem.rule == "secrets"
    assert problem.reason == 'the stack has no secure key "workerApiKey"'
    assert problem.fix == "pulumi config set --secret llmplatform:workerApiKey"
    near = only(tiny(), secrets=("workerApiKy", "other"))
    assert near.fix == "pulumi config set --secret llmplatform:workerApiKey (or did you mean workerApiKy?)"


@pytest.mark.parametrize("key", ["platform", "kubeconfig"])
def test_the_platforms_own_keys_are_no_secrets_of_a_service(key: str) -> None:
    problem = only(tiny(services__worker__secrets={"api-key": {"config": key}}), secrets=("platform", "kubeconfig"))
    assert problem.reason == f"{key} is the platform's own config key, not a secret of a service"


def test_every_service_that_names_a_missing_secret_is_told() -> None:
    overlay = tiny(services__door__secrets={"key": {"config": "workerApiKey"}})
    assert [p.path[1] for p in problems(overlay, secrets=())] == ["door", "worker"]


@pytest.mark.parametrize("stack", STACKS)
def test_every_committed_stack_file_reads_without_a_fault(stack: str) -> None:
    settings = stack_settings(stack).settings
    assert settings.environment == stack
    assert unused_secrets(stack_file(stack), secret_keys(settings)) == []
