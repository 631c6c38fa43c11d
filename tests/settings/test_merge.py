"""A stack file over a platform file: each sentence of the design about merging."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from settings.merge import Merged, merge
from settings.problems import Problem, SettingsError
from settings.resolve import Resolved, settle
from settings.yaml_reader import Document, read_file, read_text
from tests.settings.support import QUICK, only
from tests.support import DATA, STACKS, TINY_SECRETS, problems, resolved, stack_file, tiny
from tests.support import ROOT as PROJECT

HPA = {"kind": "hpa", "min": 2, "max": 4, "metrics": {"cpu": "70%"}}


def merged(base: str, overlay: str) -> tuple[Any, list[Problem]]:
    """The data of two YAML texts as one, and the problems."""
    result, found = merge(read_text(base, "base.yaml"), read_text(overlay, "stack.yaml"))
    return result.data, found


def test_maps_merge_by_key_and_the_stack_file_wins() -> None:
    data, found = merged("a: {b: 1, c: {d: 2}}", "a: {b: 3, c: {e: 4}}\nf: 5")
    assert data == {"a": {"b": 3, "c": {"d": 2, "e": 4}}, "f": 5}
    assert found == []


@pytest.mark.parametrize(
    ("base", "overlay", "expected"),
    [
        ("a: [1, 2, 3]", "a: [4]", [4]),
        ("a: [1, 2, 3]", "a: []", []),
        ("a: [{b: 1, c: 2}]", "a: [{b: 3}]", [{"b": 3}]),
        ("a: 1", "a: x", "x"),
        ("a: {b: 1}", "a: x", "x"),
        ("a: x", "a: {b: 1}", {"b": 1}),
        ("a: [1]", "a: {b: 1}", {"b": 1}),
        ("a: {b: 1}", "a: {}", {"b": 1}),
    ],
)
def test_lists_and_scalars_replace(base: str, overlay: str, expected: Any) -> None:
    assert merged(base, overlay) == ({"a": expected}, [])


def test_neither_file_is_changed_by_the_merge() -> None:
    base = read_file(DATA / "tiny.yaml")
    overlay = Document("stack.yaml", {"services": {"door": {"image": "x", "replicas": 3}}})
    before = repr(base.data), repr(overlay.data)
    merge(base, overlay)
    assert (repr(base.data), repr(overlay.data)) == before


def test_a_map_whose_kind_changes_is_replaced_whole() -> None:
    scaling = "services: {a: {scaling: {kind: hpa, min: 2, max: 4, metrics: {cpu: 70%}}}}"
    data, found = merged(scaling, "services: {a: {scaling: {kind: fixed, replicas: 3}}}")
    assert data["services"]["a"]["scaling"] == {"kind": "fixed", "replicas": 3}
    assert found == []
    data, _ = merged("cluster: {kind: existing, context: a}", "cluster: {kind: eks}")
    assert data == {"cluster": {"kind": "eks"}}


def test_a_map_that_keeps_its_kind_merges() -> None:
    base = "services: {a: {scaling: {kind: hpa, min: 2, max: 4}}}"
    for overlay in ("services: {a: {scaling: {max: 9}}}", "services: {a: {scaling: {kind: hpa, max: 9}}}"):
        data, _ = merged(base, overlay)
        assert data["services"]["a"]["scaling"] == {"kind": "hpa", "min": 2, "max": 9}


def test_an_entry_or_label_that_a_user_calls_kind_is_an_entry_like_any_other() -> None:
    data, _ = merged("services: {kind: {port: 1}, other: {port: 2}}", "services: {kind: {port: 3}}")
    assert data["services"] == {"kind": {"port": 3}, "other": {"port": 2}}
    data, _ = merged("node_pools: {a: {labels: {kind: slow, team: x}}}", "node_pools: {a: {labels: {kind: fast}}}")
    assert data["node_pools"]["a"]["labels"] == {"kind": "fast", "team": "x"}


@pytest.mark.parametrize(
    ("base", "overlay", "expected"),
    [
        ("image: one", "image: two", {"repository": "two"}),
        ("image: one", "image: {tag: v1}", {"repository": "one", "tag": "v1"}),
        ("image: {repository: one, tag: v1}", "image: two", {"repository": "two", "tag": "v1"}),
        ("image: {repository: one}", "image: {tag: v1}", {"repository": "one", "tag": "v1"}),
    ],
)
def test_a_short_image_becomes_its_map_before_the_merge_in_both_files(base: str, overlay: str, expected: Any) -> None:
    data, found = merged(f"services: {{a: {{{base}}}}}", f"services: {{a: {{{overlay}}}}}")
    assert data == {"services": {"a": {"image": expected}}}
    assert found == []


@pytest.mark.parametrize(
    ("base", "overlay", "expected"),
    [
        ("replicas: 2", "replicas: 3", {"kind": "fixed", "replicas": 3}),
        ("replicas: 2", "scaling: {kind: fixed, replicas: 3}", {"kind": "fixed", "replicas": 3}),
        ("scaling: {kind: hpa, min: 2, max: 4}", "replicas: 3", {"kind": "fixed", "replicas": 3}),
        ("replicas: 2", "scaling: {kind: hpa, min: 2}", {"kind": "hpa", "min": 2}),
        ("replicas: 2", "replicas: null, scaling: {kind: hpa, min: 2}", {"kind": "hpa", "min": 2}),
    ],
)
def test_short_replicas_become_fixed_scaling_before_the_merge_in_both_files(
    base: str, overlay: str, expected: Any
) -> None:
    data, found = merged(f"services: {{a: {{{base}}}}}", f"services: {{a: {{{overlay}}}}}")
    assert data == {"services": {"a": {"scaling": expected}}}
    assert found == []


@pytest.mark.parametrize(
    ("base", "overlay", "expected"),
    [
        ("engine: vllm", "engine: {version: x}", {"kind": "vllm", "version": "x"}),
        ("engine: {kind: vllm, version: x}", "engine: vllm", {"kind": "vllm", "version": "x"}),
        ("engine: {kind: vllm, version: x}", "engine: max-serve", {"kind": "max-serve"}),
        ("engine: vllm", "engine: {kind: max-serve, version: x}", {"kind": "max-serve", "version": "x"}),
    ],
)
def test_a_short_engine_becomes_its_map_before_the_merge_in_both_files(base: str, overlay: str, expected: Any) -> None:
    data, found = merged(f"models: {{a: {{{base}}}}}", f"models: {{a: {{{overlay}}}}}")
    assert data == {"models": {"a": {"engine": expected}}}
    assert found == []


def test_replicas_beside_scaling_are_two_owners_of_one_count() -> None:
    problem = only(tiny(services__door__replicas=3, services__door__scaling=HPA))
    assert problem.path == ("services", "door", "replicas")
    assert problem.fix == "keep one of the two"


def test_a_problem_with_a_shorthand_is_told_in_the_users_own_words() -> None:
    assert only(tiny(services__door__replicas=0)).path == ("services", "door", "replicas")
    assert only(tiny(services__door__image="Door")).path == ("services", "door", "image")
    assert only(tiny(services__door__image={"repository": "Door"})).path == ("services", "door", "image", "repository")
    one = tiny(environment="prod", services__door__replicas=1)
    assert [p.path for p in problems(one) if p.rule == "replicas"] == [("services", "door", "replicas")]
    assert only(tiny(models__mind__engine="vlm")).path == ("models", "mind", "engine")


def test_null_removes_what_the_platform_file_has() -> None:
    assert merged("a: {b: 1, c: {d: 2}}", "a: {c: null}") == ({"a": {"b": 1}}, [])
    assert merged("a: {b: [1]}", "a: {b: null}") == ({"a": {}}, [])
    without = resolved(tiny(services__door__ingress=None, observability__grafana=None, ingress=None)).settings
    assert without.ingress is None
    assert without.services["door"].ingress is None
    assert without.observability is not None
    assert without.observability.grafana is None


@pytest.mark.parametrize(
    ("path", "fix"),
    [
        ("services__door__ingres", "did you mean ingress?"),
        ("services__dor", "did you mean door?"),
        ("registry__tagg", "did you mean tag?"),
        ("services__door__routes__work__variants__gren", "did you mean green?"),
        ("services__worker__disruption", "use one of: "),
        ("namespaces__front__quota", "what a namespace has from its tier is changed there"),
    ],
)
def test_null_on_nothing_is_an_error_with_the_nearest_name(path: str, fix: str) -> None:
    problem = only(tiny(**{path: None}))
    assert problem.path == tuple(path.split("__"))
    assert "it has nothing here" in problem.reason
    assert fix in problem.fix


def test_null_in_a_platform_file_lies_over_nothing() -> None:
    _, found = merged("a: {b: null}\nservices: {s: {replicas: null}}", "base: x")
    assert [(p.path, p.file, p.line) for p in found] == [
        (("a", "b"), "base.yaml", 1),
        (("services", "s", "replicas"), "base.yaml", 2),
    ]


@pytest.mark.parametrize(
    ("path", "value", "nearest"),
    [
        ("services__doorr", {"replicas": 3}, "door"),
        ("node_pools__generl", {"max": 9}, "general"),
        ("models__mindd", {"port": 9001}, "mind"),
        ("namespaces__fron", {"team": "x"}, "front"),
        ("priorities__servin", {"value": 5}, "serving"),
        ("tiers__smal", {"pod_security": "baseline"}, "small"),
        ("services__door__routes__wrk", {"timeout": "9s"}, "work"),
    ],
)
def test_an_entry_only_in_the_overlay_that_lacks_fields_is_answered_with_the_nearest_name(
    path: str, value: Any, nearest: str
) -> None:
    problem = only(tiny(**{path: value}))
    assert problem.path == tuple(path.split("__"))
    assert problem.reason.startswith("exists only in Pulumi.test.yaml and lacks ")
    assert problem.fix.startswith(f"did you mean {nearest}?; if it is new, give ")


def test_a_new_entry_without_a_near_name_is_told_what_it_lacks() -> None:
    problem = only(tiny(services__zebra={"replicas": 3}))
    assert problem.fix.startswith("use one of: door, worker; if it is new, give namespace: ")


def test_a_part_that_is_only_in_the_overlay_is_told_what_it_lacks_and_not_its_siblings() -> None:
    problem = only(tiny(services__worker__ingress={"name": "x"}))
    assert (problem.path, problem.reason) == (("services", "worker", "ingress", "host"), "is missing")
    assert problem.fix == "for example host: api.example.com"


def test_a_namespace_takes_what_its_tier_has_and_changes_single_values() -> None:
    settings = resolved(tiny(namespaces__front__quota={"limits": {"cpu": "6"}})).settings
    front, back = settings.namespaces["front"], settings.namespaces["back"]
    assert (str(front.quota.limits.cpu), str(back.quota.limits.cpu)) == ("6", "8")
    assert front.quota.limits.memory == back.quota.limits.memory
    assert front.limit_range == back.limit_range == settings.tiers["small"].limit_range
    assert front.pod_security == "restricted"


def test_a_tier_changed_in_the_overlay_reaches_its_namespaces() -> None:
    settings = resolved(tiny(tiers__small__quota__pods=11, tiers__small__pod_security="baseline")).settings
    assert {n.quota.pods for n in settings.namespaces.values()} == {11}
    assert {n.pod_security for n in settings.namespaces.values()} == {"baseline"}


def test_a_namespaces_own_security_level_wins_over_its_tiers() -> None:
    overlay = tiny(tiers__small__pod_security="baseline", namespaces__front__pod_security="restricted")
    assert resolved(overlay).settings.namespaces["front"].pod_security == "restricted"


def test_a_fault_of_a_tier_is_told_once_and_where_it_stands() -> None:
    assert only(tiny(tiers__small__quota__pods=-1)).path == ("tiers", "small", "quota", "pods")
    assert only(tiny(tiers__small__qota={"pods": 1})).path == ("tiers", "small", "qota")
    assert only(tiny(tiers__small=5)).path == ("tiers", "small")
    found = problems(tiny(tiers__small__limit_range__default__cpu="3"))
    assert [p.path for p in found] == [("tiers", "small", "limit_range", "default", "cpu")]


def test_a_rule_that_a_tiers_number_breaks_leads_to_the_tier_and_an_own_number_to_the_namespace() -> None:
    assert only(tiny(tiers__small__quota__pods=4)).path == ("tiers", "small", "quota", "pods")
    assert only(tiny(namespaces__back__quota={"pods": 4})).path == ("namespaces", "back", "quota", "pods")


def test_an_unknown_tier_is_named_with_the_nearest_one() -> None:
    problem = only(tiny(namespaces__front__tier="smal"))
    assert problem.path == ("namespaces", "front", "tier")
    assert problem.reason == 'there is no tier "smal"'
    assert problem.fix == "did you mean small?"


def test_a_platform_file_does_not_say_which_environment_it_is() -> None:
    base = read_file(DATA / "tiny.yaml", "platforms/tiny.yaml")
    wrong = Document(base.name, {**base.data, "environment": "dev", "base": "tiny"}, base.lines)
    with pytest.raises(SettingsError) as error:
        settle(wrong, Document("stack.yaml", tiny()), TINY_SECRETS)
    assert str(error.value).count("belongs into the stack file") == 2


def test_problems_lead_to_the_file_and_line_that_say_it() -> None:
    overlay = read_text("base: tiny\nenvironment: dev\nservices:\n  door:\n    port: 80\n", "Pulumi.x.yaml")
    base = read_text((DATA / "tiny.yaml").read_text().replace("max: 4", "max: 0"), "platforms/tiny.yaml")
    with pytest.raises(SettingsError) as error:
        settle(base, overlay, TINY_SECRETS)
    places = {(p.file, p.line) for p in error.value.problems}
    assert ("Pulumi.x.yaml", 5) in places
    lines = base.name, (DATA / "tiny.yaml").read_text().splitlines().index("    max: 4") + 1
    assert lines in places


def test_an_overlay_from_the_engine_has_its_own_faults_without_a_line() -> None:
    problem = only(tiny(services__door__replicas=0))  # the platform file has replicas, too, with a line
    assert (problem.file, problem.line) == ("Pulumi.test.yaml", None)


def test_what_is_missing_everywhere_is_missing_where_it_belongs() -> None:
    base = read_text("name: x\n", "platforms/x.yaml")
    with pytest.raises(SettingsError) as error:
        settle(base, Document("Pulumi.x.yaml", {"base": "x"}), ())
    files = {p.path[0]: p.file for p in error.value.problems if p.path}
    assert files["environment"] == "Pulumi.x.yaml"


def shuffled(data: Any, rng: random.Random) -> Any:
    """The same data with the keys of every map in another order."""
    if isinstance(data, dict):
        keys = list(data)
        rng.shuffle(keys)
        return {key: shuffled(data[key], rng) for key in keys}
    return [shuffled(item, rng) for item in data] if isinstance(data, list) else data


def outcome(base: Document, overlay: Document, secrets: Any) -> Any:
    """Settings and advice, or the message."""
    try:
        found: Resolved = settle(base, overlay, secrets)
    except SettingsError as error:
        return str(error)
    return found.settings, found.advice


@hypothesis_settings(QUICK, max_examples=25)
@given(st.sampled_from(STACKS), st.randoms(use_true_random=False))
def test_the_order_of_keys_never_matters(stack: str, rng: random.Random) -> None:
    file = stack_file(stack)
    base = read_file(PROJECT / "platforms" / "llm-optimization.yaml")
    mixed = Document(base.name, shuffled(base.data, rng), base.lines)
    overlay = Document(file.overlay.name, shuffled(file.overlay.data, rng), file.overlay.lines)
    assert outcome(mixed, overlay, file.secrets) == outcome(base, file.overlay, file.secrets)


@hypothesis_settings(QUICK, max_examples=25)
@given(st.randoms(use_true_random=False))
def test_the_order_of_keys_changes_no_refusal_either(rng: random.Random) -> None:
    wrong = tiny(
        services__door__config_map="same",
        services__worker__config_map="same",
        services__worker__namespace="front",
        services__worker__ingress={"host": "door.example.com"},
        ingress__certificate_arn=None,
        environment="prod",
        tiers__small__quota__pods=1,
    )
    base = read_file(DATA / "tiny.yaml")
    mixed = Document(base.name, shuffled(base.data, rng), base.lines)
    first = outcome(base, Document("o", wrong), TINY_SECRETS)
    assert isinstance(first, str)
    assert outcome(mixed, Document("o", shuffled(wrong, rng)), TINY_SECRETS) == first


def test_the_merge_says_whether_only_the_overlay_has_an_entry() -> None:
    result, _ = merge(read_text("a: {b: 1}", "base"), read_text("a: {c: 2}", "stack"))
    assert isinstance(result, Merged)
    assert result.only_in_overlay(("a", "c"))
    assert not result.only_in_overlay(("a", "b"))
    assert not result.only_in_overlay(("a", "d"))
