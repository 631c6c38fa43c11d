"""Every rule refuses what it is there for, says the numbers and a fix, and takes the nearest neighbour."""

from __future__ import annotations

import re
from typing import Any

import pytest

from settings.problems import Problem, SettingsError
from settings.rules import RULES, check
from settings.yaml_reader import read_text
from tests.settings.red import RED
from tests.settings.red.case import Changes, Red
from tests.support import problems, put, resolved, tiny

CASES = [pytest.param(rule, case, id=f"{rule}: {case.what}") for rule, cases in RED.items() for case in cases]


def found_by(rule: str, changes: Changes, environment: str) -> list[Problem]:
    return [p for p in problems(tiny(**{"environment": environment, **changes})) if p.rule in (rule, "shape")]


def test_every_rule_has_a_red_case_and_no_case_is_without_a_rule() -> None:
    assert {rule.id for rule in RULES} == set(RED)
    assert all(RED.values())


def test_rules_have_ids_of_their_own_and_a_sentence_each() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert len({rule.holds for rule in RULES}) == len(RULES)
    assert all(rule.check.__doc__ for rule in RULES)


@pytest.mark.parametrize("environment", ["dev", "staging", "prod", "local"])
def test_the_smallest_platform_breaks_no_rule_anywhere(environment: str) -> None:
    assert check(resolved(tiny(environment=environment)).settings) == []


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_a_rule_refuses_its_red_case_with_path_numbers_and_fix(rule: str, case: Red) -> None:
    found = found_by(rule, case.red, "prod")
    told = [p for p in found if p.path == case.path and all(part in p.reason for part in case.says)]
    assert len(told) == 1, [str(p) for p in found]
    assert case.fix in told[0].fix
    assert told[0].strict == case.strict
    assert told[0].file in ("Pulumi.test.yaml", "platforms/tiny.yaml")
    assert all(p.reason and p.fix and p.file for p in found)


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_a_rule_takes_the_nearest_neighbour_of_its_red_case(rule: str, case: Red) -> None:
    assert [str(p) for p in found_by(rule, case.green, "prod")] == []


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_strict_rules_bind_in_prod_and_are_advice_elsewhere(rule: str, case: Red) -> None:
    refused = found_by(rule, case.red, "staging")
    if not case.strict:
        assert case.path in [p.path for p in refused]
        return
    assert case.path not in [p.path for p in refused]
    advice = resolved(tiny(environment="staging", **case.red)).advice
    assert (rule, case.path) in [(p.rule, p.path) for p in advice]


LIMIT = re.compile(r'(?:at most|at least) ("?)([^\s,"]+)\1')


@pytest.mark.parametrize(
    ("rule", "case"),
    [c for c in CASES if LIMIT.match(c.values[1].fix) and all(isinstance(part, str) for part in c.values[1].path)],
)
def test_the_value_that_a_fix_names_is_taken_where_the_problem_was(rule: str, case: Red) -> None:
    (told,) = [p for p in found_by(rule, case.red, "prod") if p.path == case.path and case.says[0] in p.reason]
    named = LIMIT.match(told.fix)
    assert named
    value = named[2] if named[1] else read_text(named[2], "fix").data
    mended = tiny(environment="prod", **case.red)
    put(mended, tuple(map(str, case.path)), value)
    left = [p for p in problems(mended) if p.path == case.path and p.rule in (rule, "shape")]
    assert left == [], [str(p) for p in left]


def everything_wrong() -> dict[str, Any]:
    """As many red cases as fit beside each other."""
    return tiny(
        environment="prod",
        services__door__namespace="nowhere",
        services__door__pool="nowhere",
        services__door__priority="nobody",
        services__door__routes={"work": {"to": "nobody", "timeout": "0s"}, "self": {"to": "door", "timeout": "2h"}},
        services__worker__calls=["nothing", "nothing"],
        services__worker__scaling={"min": 9, "max": 1, "metrics": {"cpu": None}},
        models__mind__namespace="nowhere",
        daemonsets__agent={"cpu": "100", "memory": "1Ti", "pools": ["nowhere", "cheap", "general"]},
        observability__namespace="nowhere",
        aws__zones=[],
        aws__vpc_cidr="::/0",
        aws__load_balancer_cidrs=["::/0", "0.0.0.0/0"],
        node_pools__cheap__instance_types=[],
        node_pools__general__instance_types=["none.such", "m6i.xlarge"],
        cluster={"kind": "existing", "version": "1.10"},
    )


def test_rules_tell_everything_at_once_whatever_the_other_rules_find() -> None:
    found = problems(everything_wrong())
    rules = {p.rule for p in found}
    assert {"references", "network", "node-pools", "autoscaler", "timeouts", "kubernetes"} <= rules
    assert len(found) > 15


def test_advice_is_told_in_one_order_with_its_rule_and_place() -> None:
    overlay = tiny(services__door__replicas=1, ingress__certificate_arn=None, aws__zones=["us-west-2a"])
    advice = resolved(overlay).advice
    assert [(p.rule, p.path) for p in advice] == [
        ("zones", ("aws", "zones")),
        ("exposure", ("ingress",)),
        ("replicas", ("services", "door", "replicas")),
        ("outage", ("models", "mind")),
    ]
    assert [p.file for p in advice] == [*["Pulumi.test.yaml"] * 3, "platforms/tiny.yaml"]
    with pytest.raises(SettingsError) as error:
        resolved({**overlay, "environment": "prod"})
    assert error.value.problems == advice


def test_two_limits_of_one_sequence_are_told_as_the_one_that_binds() -> None:
    """32768 tokens is what the model was made for, 40625 what its GPU holds: the second would be no fix."""
    told = [p for p in problems(tiny(models__mind__engine__max_model_len=99999)) if p.path[-1] == "max_model_len"]
    assert [p.fix for p in told] == ["at most 32768"]
