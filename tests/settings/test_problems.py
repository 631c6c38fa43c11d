"""How faults are told: paths as users write them, the nearest right word, one order whatever the keys'."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings.problems import Problem, SettingsError, dotted, in_order, nearest, one_of, shown, suggest
from tests.settings.support import QUICK


def problem(**changes: object) -> Problem:
    return Problem(**{"path": ("a", "b"), "reason": "is wrong", "fix": "mend it", **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ((), "(the whole file)"),
        (("services", "gateway", "image"), "services.gateway.image"),
        (("a", 0, "b", 12), "a[0].b[12]"),
        (("labels", "nvidia.com/gpu"), 'labels."nvidia.com/gpu"'),
        (("config", "llmplatform:platform"), 'config."llmplatform:platform"'),
        (("a", ""), 'a.""'),
        (("a", "two\nlines"), 'a."two\\nlines"'),
    ],
)
def test_a_path_reads_as_users_write_it(path: tuple[str | int, ...], written: str) -> None:
    assert dotted(path) == written


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ({"file": "x.yaml", "line": 3}, "x.yaml:3: a.b: is wrong\n    fix: mend it"),
        ({"file": "x.yaml"}, "x.yaml: a.b: is wrong\n    fix: mend it"),
        ({}, "a.b: is wrong\n    fix: mend it"),
    ],
)
def test_a_problem_reads_as_place_path_reason_and_fix(where: dict[str, object], text: str) -> None:
    assert str(problem(**where)) == text


def test_an_error_counts_its_problems_and_tells_each_once_in_the_order_of_the_files() -> None:
    one, two = problem(file="b.yaml", line=9), problem(file="b.yaml", line=10)
    other = problem(file="a.yaml", line=99)
    error = SettingsError([two, one, other, one])
    assert error.problems == (other, one, two)
    assert str(error).splitlines()[0] == "3 problems in the settings, nothing was changed:"
    assert str(SettingsError([one])).splitlines()[0] == "1 problem in the settings, nothing was changed:"


@QUICK
@given(st.permutations([problem(line=n % 3, reason=str(n)) for n in range(5)]))
def test_the_order_in_which_problems_are_found_decides_nothing(found: list[Problem]) -> None:
    assert in_order(found) == in_order(sorted(found, key=str))


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("prot", ["port", "pool"], "port"),
        ("tp", ["to", "timeout"], "to"),
        ("t", ["to", "timeout"], "to"),
        ("too", ["to", "timeout"], "to"),
        ("minn", ["min", "max"], "min"),
        ("portt", ["ports", "port"], "port"),
        ("debug", ["DEBUG", "INFO"], "DEBUG"),
        ("WorkerApikey", ["workerApiKey"], "workerApiKey"),
        ("zzz", ["port", "pool"], None),
        ("x", ["y", "to"], None),
        ("", ["a", "to"], None),
        ("port", [], None),
    ],
)
def test_the_nearest_word_is_the_one_that_a_slip_of_the_finger_away(
    word: str, known: list[str], meant: str | None
) -> None:
    assert nearest(word, known) == meant
    assert nearest(word, reversed(known)) == meant


@QUICK
@given(st.from_regex(r"[a-z][a-z_]{3,12}", fullmatch=True), st.integers(0, 20), st.sampled_from("abcxyz"))
def test_one_slip_in_one_known_word_is_always_found(word: str, place: int, letter: str) -> None:
    at = place % len(word)
    for wrong in (word[:at] + letter + word[at:], word[:at] + word[at + 1 :], word[:at] + letter + word[at + 1 :]):
        assert nearest(wrong, [word]) == word


def test_a_fix_names_the_nearest_word_or_all_there_are() -> None:
    assert suggest("prot", ["port", "pool"]) == "did you mean port?"
    assert suggest("zzz", ["port", "pool"]) == "use one of: pool, port"
    assert suggest("zzz", []) == "use one of: (none is defined)"
    many = [f"w{n:02}" for n in range(40)]
    assert one_of(many).endswith("w29, ... (40 in all)")


def test_a_text_of_a_user_is_shown_on_one_line_and_short() -> None:
    assert shown("a\nb\t\u202e") == '"a\\nb\\t\\u202e"'
    assert shown("é😀") == '"é😀"'
    assert shown("x" * 100) == f'"{"x" * 57}..."'
    assert shown("\ud800").encode("utf-8")
