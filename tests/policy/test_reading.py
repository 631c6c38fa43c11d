"""Reading of what may be missing, unknown or of the wrong type."""

from __future__ import annotations

import doctest
from fractions import Fraction
from typing import Any

import pytest

from policy import reading
from policy.reading import at, listed, mapping, mappings, quantity, share, text, texts, whole
from policy.rules import selectors

JUNK: list[Any] = [None, True, 0, 1.5, "", "x", [], [0], {}, {"a": 0}]


@pytest.mark.parametrize("module", [reading, selectors], ids=lambda module: module.__name__)
def test_examples_hold(module) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("value", JUNK, ids=repr)
def test_whatever_is_read_comes_back_as_what_was_asked_for(value) -> None:
    assert isinstance(mapping(value), dict)
    assert isinstance(listed(value), list)
    assert all(isinstance(item, dict) for item in mappings([value]))
    assert isinstance(text(value), str)
    assert all(isinstance(item, str) for item in texts([value]))
    assert isinstance(whole(value), int | None)
    assert not isinstance(whole(value), bool)
    assert isinstance(share(value, 3), int | None)
    assert isinstance(quantity(value), Fraction | None)
    at(value, "a", "b")


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1.5, True, "3", [3]])
def test_what_is_no_whole_number_is_none(value) -> None:
    assert whole(value, 1) is None


AMOUNTS = {
    "0": 0, "1": 1, "1.5": Fraction(3, 2), ".5": Fraction(1, 2), "1.": 1, "-1": -1, "+1": 1, "100m": Fraction(1, 10),
    "1u": Fraction(1, 10**6), "1n": Fraction(1, 10**9), "1k": 1000, "1M": 10**6, "1G": 10**9, "1T": 10**12,
    "1P": 10**15, "1E": 10**18, "1Ki": 2**10, "1Mi": 2**20, "1Gi": 2**30, "1Ti": 2**40, "1Pi": 2**50, "1Ei": 2**60,
    "1e3": 1000, "1E3": 1000, "12e-1": Fraction(6, 5),
}  # fmt: skip


@pytest.mark.parametrize(("amount", "value"), AMOUNTS.items())
def test_amounts_are_exact(amount, value) -> None:
    assert quantity(amount) == value


@pytest.mark.parametrize(
    "amount", ["", "1 Gi", "1GiB", "Gi", "1K", "1mi", "1,5", "1e", "1e3k", "${x y.z}", "--1", float("inf")]
)
def test_what_is_no_amount_is_none(amount) -> None:
    assert quantity(amount) is None


def test_an_absurd_exponent_costs_nothing() -> None:
    assert quantity("1e999999999") is None
