"""The first pass: what has not the shape of settings is told in the user's words, all of it at once."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

from settings.merge import merge
from settings.problems import Problem, SettingsError
from settings.resolve import resolve, settle
from settings.shape import parse
from settings.yaml_reader import Document, read_file, read_text
from tests.settings.support import models, only
from tests.support import DATA, TINY_SECRETS, problems, tiny

JARGON = re.compile(
    r"Input should|[Vv]alidation|pydantic|Field required|Extra inputs|type=|input_|JSON|NoneType|discriminator|union"
    r"|\bdict\b|\btuple\b|\bstr\b|\bint\b|literal|model"
)
WORDS = {"models", "model"}
"""Words of ours that are also pydantic's."""


@cache
def class_names() -> frozenset[str]:
    """Names of our models that are no words of the settings."""
    words = {"Aws", "Image", "Secret", "Model", "Source", "Route", "Probe", "Service", "Namespace", "Tier"}
    return frozenset(model.__name__ for _, model in models()) - words


def jargon(problem: Problem) -> list[str]:
    """Words that only somebody who knows our code understands."""
    said = f"{problem.reason} {problem.fix}"
    found = [word for word in JARGON.findall(said) if word not in WORDS]
    return found + [name for name in sorted(class_names()) if re.search(rf"\b{name}\b", said)]


@pytest.mark.parametrize(
    ("path", "value", "reason", "fix"),
    [
        ("aws", 5, "the number 5 stands where a map is expected", "for example {region: us-west-2,"),
        ("aws", [], "a list stands where a map is expected", "for example {region: us-west-2,"),
        ("services", "x", 'the text "x" stands where a map is expected', "for example {quant-api: {namespace: quant,"),
        ("services__door", [1], "a list stands where a map is expected", "for example {namespace: quant,"),
        (
            "aws__zones",
            "us-west-2a",
            'the text "us-west-2a" stands where a list is expected',
            "for example [us-west-2a]",
        ),
        ("aws__zones", {"a": 1}, "a map stands where a list is expected", "for example [us-west-2a]"),
        ("aws__zones", [["us-west-2a"]], "a list is no availability zone", "for example us-west-2a"),
        (
            "node_pools__cheap__taints",
            ["x"],
            'the text "x" stands where a map is expected',
            "for example {key: nvidia.com/gpu}",
        ),
        (
            "node_pools__cheap__taints",
            [None],
            "nothing stands where a map is expected",
            "for example {key: nvidia.com/gpu}",
        ),
        ("node_pools__cheap__taints", [{}], "is missing", "for example key: nvidia.com/gpu"),
        (
            "cluster",
            "eks",
            'the text "eks" stands where a map is expected',
            "for example {kind: eks, deployer: arn:aws:iam::",
        ),
        ("cluster", [1], "a list stands where a map is expected", "for example {kind: eks, deployer: arn:aws:iam::"),
        ("cluster", {"kind": "gke"}, 'the text "gke" is no kind of cluster', "use one of: eks, existing"),
        ("cluster", {"kind": 5}, "the number 5 is no kind of cluster", "use one of: eks, existing"),
        ("cluster", {"kind": None}, "is missing", "use one of: eks, existing"),
        (
            "services__door__scaling",
            5,
            "the number 5 stands where a map is expected",
            "for example {kind: fixed, replicas: 2}",
        ),
        (
            "services__door__scaling",
            {"kind": "hpa"},
            "lacks min, max, metrics",
            "for example min: 2, max: 4, metrics: {cpu: 70%}",
        ),
        ("environment", "test", 'the text "test" is not a choice', "use one of: dev, local, prod, staging"),
        ("environment", 5, "the number 5 is not a choice", "use one of: dev, local, prod, staging"),
        ("environment", ["dev"], "a list is not a choice", "use one of: dev, local, prod, staging"),
        (
            "priorities__serving__preempts",
            "yes",
            'the text "yes" is no truth value',
            "write true or false, without quotes",
        ),
        ("priorities__serving__preempts", 1, "the number 1 is no truth value", "write true or false, without quotes"),
        ("services__door__port", "8000", 'the text "8000" is no port that a non-root', "write 8000 without quotes"),
        ("services__door__config", {"bad-key": "x"}, '"bad-key" is no environment variable', "for example LOG_FORMAT"),
        ("services__door__config", {"KEY": True}, "the truth value true is no text", 'write "true"'),
        ("services__door__disruption", {"min_available": 0}, "the number 0 is outside 1 to 1000", "for example 2"),
        ("services__door__disruption", {"max_unavailable": 0}, "the number 0 is outside 1 to 1000", "for example 2"),
        ("services__worker__calls", ["mind", None], "nothing is no name", "for example quant-api"),
        ("services__Bad_Name", {}, '"Bad_Name" is no name', "for example quant-api"),
        ("services__[key]", {}, '"[key]" is no name', "for example quant-api"),
        ("services__door__extra", 1, "there is no such key here", "use one of: calls, component, config,"),
        ("nothing_like_it", 1, "there is no such key here", "use one of: aws, base, buckets, caches, cluster,"),
        (
            "aws__account",
            111122223333,
            "is no AWS account id: without quotes YAML reads a number",
            'write "111122223333"',
        ),
    ],
)
def test_each_kind_of_fault_is_told_in_words_that_a_user_knows(path: str, value: Any, reason: str, fix: str) -> None:
    found = problems(tiny(**{path: value}))
    told = [p for p in found if reason in p.reason and fix in p.fix]
    assert len(told) == 1, [str(p) for p in found]
    assert told[0].path[: path.count("__") + 1] == tuple(path.split("__"))
    assert not [word for problem in found for word in jargon(problem)]


def test_a_number_where_a_version_is_expected_is_answered_with_quotes() -> None:
    overlay = read_text("base: tiny\nenvironment: dev\ncluster: {kind: existing, version: 1.30}\n", "Pulumi.x.yaml")
    with pytest.raises(SettingsError) as error:
        settle(read_file(DATA / "tiny.yaml"), overlay, TINY_SECRETS)
    (problem,) = error.value.problems
    assert (problem.path, problem.line) == (("cluster", "version"), 3)
    assert problem.reason.endswith("without quotes YAML reads a number (and 1.30 as 1.3)")
    assert problem.fix == 'write "1.30"'


def test_several_missing_fields_are_one_problem_with_all_of_them() -> None:
    problem = only(tiny(services__door__scaling={"kind": "hpa"}))
    assert problem.path == ("services", "door", "scaling")
    assert problem.reason == "lacks min, max, metrics"


def test_every_fault_of_both_files_is_told_at_once_with_file_and_line() -> None:
    base = read_text(
        (DATA / "tiny.yaml").read_text().replace("min: 2\n    max: 4", "min: two\n    max: 4").replace("1Gi", "1G"),
        "platforms/tiny.yaml",
    )
    overlay = read_text(
        "base: tiny\nenvironment: dev\nservices:\n  door:\n    port: 80\n    prot: 1\n  doorr: {replicas: 2}\n"
        "aws: {account: 111122223333}\ncluster: {kind: gke}\nregistry: {host: null}\n",
        "Pulumi.x.yaml",
    )
    with pytest.raises(SettingsError) as error:
        settle(base, overlay, TINY_SECRETS)
    told = [(p.file, p.line, p.path[-1]) for p in error.value.problems]
    assert told == [
        ("Pulumi.x.yaml", 5, "port"),
        ("Pulumi.x.yaml", 6, "prot"),
        ("Pulumi.x.yaml", 7, "doorr"),
        ("Pulumi.x.yaml", 8, "account"),
        ("Pulumi.x.yaml", 9, "kind"),
        ("Pulumi.x.yaml", 10, "host"),
        ("platforms/tiny.yaml", 40, "min"),
        ("platforms/tiny.yaml", 76, "memory"),
    ]
    assert str(error.value).startswith("8 problems in the settings, nothing was changed:\n  Pulumi.x.yaml:5: services.")


def test_every_broken_rule_is_told_at_once_with_file_and_line() -> None:
    overlay = read_text(
        "base: tiny\nenvironment: prod\nservices:\n  door:\n    pool: nowhere\n    replicas: 1\n"
        "    disruption: {min_available: 2}\naws: {zones: [us-west-2a]}\n",
        "Pulumi.x.yaml",
    )
    with pytest.raises(SettingsError) as error:
        settle(read_file(DATA / "tiny.yaml"), overlay, TINY_SECRETS)
    told = [(p.rule, p.line) for p in error.value.problems]
    assert told == [("references", 5), ("replicas", 6), ("budget", 7), ("zones", 8), ("outage", 84)]


@pytest.mark.parametrize(
    ("overlay", "path"),
    [
        (tiny(services__door__config={"TOKEN": {"secure": "v1:abc"}}), ("services", "door", "config", "TOKEN")),
        (tiny(registry={"secure": "v1:abc"}), ("registry",)),
        (tiny(services__worker__calls=[{"secure": "v1:abc"}]), ("services", "worker", "calls", 0)),
    ],
)
def test_a_secret_inside_the_platform_is_refused(overlay: dict[str, Any], path: tuple[Any, ...]) -> None:
    problem = only(overlay)
    assert problem.path == path
    assert problem.reason == "a secret may not stand inside the platform"
    assert "a key of its own beside llmplatform:platform" in problem.fix
    assert "v1:abc" not in str(problem)


def test_a_service_may_be_called_secure() -> None:
    problem = only({"base": "tiny", "environment": "dev", "services": {"secure": {"port": 8000}}})
    assert problem.path == ("services", "secure")
    assert problem.reason.startswith("exists only in Pulumi.test.yaml and lacks ")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (float("inf"), "is a huge number"),
        (float("nan"), "is a huge number"),
        (2**53, "is a huge number"),
        (10**400, "is a huge number"),
        ("\ud800", "is no Unicode text"),
        ({"\ud800": 1}, "is no Unicode text"),
    ],
)
def test_what_only_an_engine_can_hand_over_is_refused_too(value: Any, reason: str) -> None:
    problem = only(tiny(services__door__config={"KEY": value}))
    assert problem.path[:3] == ("services", "door", "config")
    assert reason in problem.reason
    str(problem).encode("utf-8")


def test_an_overlay_nested_without_end_is_refused() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = {"a": deep}
    with pytest.raises(SettingsError) as error:
        settle(read_file(DATA / "tiny.yaml"), Document("o", {**tiny(), "services": deep}), ())
    (problem,) = error.value.problems
    assert "nested more than 64 levels" in problem.reason


@pytest.mark.parametrize(
    ("overlay", "path", "fix"),
    [
        ({}, ("base",), "use one of: tiny"),
        ({"base": None, "environment": "dev"}, ("base",), "use one of: tiny"),
        ({"base": "tny"}, ("base",), "did you mean tiny?"),
        ({"base": "../support"}, ("base",), "use one of: tiny"),
        ({"base": ["tiny"]}, ("base",), "use one of: tiny"),
        ({"base": {"a": 1}}, ("base",), "use one of: tiny"),
        ({"base": 5}, ("base",), "use one of: tiny"),
    ],
)
def test_a_stack_without_a_platform_file_is_told_which_there_are(overlay: Any, path: Any, fix: str) -> None:
    problem = only(overlay)
    assert (problem.path, problem.fix) == (path, fix)


@pytest.mark.parametrize("data", [None, [], "text", 5, True])
def test_an_overlay_that_is_no_map_is_refused(data: Any) -> None:
    with pytest.raises(SettingsError) as error:
        resolve(Document("Pulumi.x.yaml", data), (), DATA)
    (problem,) = error.value.problems
    assert problem.path == ("config", "llmplatform:platform")
    assert "stands where the platform is expected" in problem.reason


def test_a_platform_file_that_is_no_map_is_refused(tmp_path: Any) -> None:
    (tmp_path / "list.yaml").write_text("- a\n")
    with pytest.raises(SettingsError) as error:
        resolve(Document("o", {"base": "list"}), (), tmp_path)
    (problem,) = error.value.problems
    assert (problem.file, problem.reason) == ("platforms/list.yaml", "is no map")


def test_every_model_is_closed_frozen_and_strict_and_every_field_says_what_it_is() -> None:
    for path, model in models():
        assert model.model_config.get("extra") == "forbid", path
        assert model.model_config.get("frozen") is True, path
        assert model.model_config.get("strict") is True, path
        for name, field in model.model_fields.items():
            assert field.description, (model.__name__, name)


def test_settings_that_hold_come_back_as_settings() -> None:
    result, _ = merge(read_file(DATA / "tiny.yaml"), Document("o", tiny()))
    found, faults = parse(result)
    assert found is not None
    assert faults == []
