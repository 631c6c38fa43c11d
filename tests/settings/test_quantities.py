"""CPU, memory, durations and percentages: what is read, how it is written, what is refused and with what fix."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings.types import Cpu, Duration, Memory, Percent, Refusal
from tests.settings.support import QUICK, suggested

UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


@pytest.mark.parametrize(
    ("raw", "milli", "written"),
    [
        ("500m", 500, "500m"),
        ("0.5", 500, "500m"),
        (0.5, 500, "500m"),
        (2, 2000, "2"),
        ("2", 2000, "2"),
        ("2000m", 2000, "2"),
        ("1.001", 1001, "1001m"),
        ("1m", 1, "1m"),
        (2.0, 2000, "2"),
    ],
)
def test_cpu_is_counted_in_thousandths_and_written_canonically(raw: Any, milli: int, written: str) -> None:
    assert Cpu.parse(raw).milli == milli
    assert str(Cpu.parse(raw)) == written


@pytest.mark.parametrize(
    ("raw", "bytes_", "written"),
    [
        ("512Mi", 512 * 2**20, "512Mi"),
        ("1024Mi", 2**30, "1Gi"),
        ("1.5Gi", 1536 * 2**20, "1536Mi"),
        ("1Ki", 1024, "1Ki"),
        ("1024Gi", 2**40, "1Ti"),
        ("0.25Mi", 2**18, "256Ki"),
    ],
)
def test_memory_is_counted_in_bytes_and_written_in_the_largest_whole_unit(raw: str, bytes_: int, written: str) -> None:
    assert Memory.parse(raw).bytes == bytes_
    assert str(Memory.parse(raw)) == written


@pytest.mark.parametrize(
    ("raw", "seconds", "written"),
    [
        ("30s", 30, "30s"),
        ("90s", 90, "1m30s"),
        ("1h30m", 5400, "1h30m"),
        ("120m", 7200, "2h"),
        ("0s", 0, "0s"),
        ("1h1s", 3601, "1h1s"),
        ("8784h", 8784 * 3600, "8784h"),
    ],
)
def test_durations_are_whole_seconds_and_written_in_hours_minutes_seconds(raw: str, seconds: int, written: str) -> None:
    assert Duration.parse(raw).seconds == seconds
    assert str(Duration.parse(raw)) == written


@pytest.mark.parametrize(("raw", "value"), [("1%", 1), ("70%", 70), ("100%", 100), ("070%", 70)])
def test_percentages_are_whole_and_from_1_to_100(raw: str, value: int) -> None:
    assert Percent.parse(raw).value == value
    assert str(Percent.parse(raw)) == f"{value}%"


@pytest.mark.parametrize(
    ("kind", "raw", "reason", "fix"),
    [
        (Cpu, "500mi", 'the text "500mi" is no CPU quantity', "500m or 2"),
        (Cpu, "", 'the text "" is no CPU quantity', "500m"),
        (Cpu, -1, "the number -1 is no CPU quantity", "500m"),
        (Cpu, True, "the truth value true is no CPU quantity", "500m"),
        (Cpu, None, "nothing is no CPU quantity", "500m"),
        (Cpu, [], "a list is no CPU quantity", "500m"),
        (Cpu, {}, "a map is no CPU quantity", "500m"),
        (Cpu, "0.0005", "0.0005 is finer than a thousandth", "write 1m"),
        (Cpu, "1.5m", "1.5m is finer than a thousandth", "write 2m"),
        (Cpu, 0, "0 CPU reserves nothing", "500m"),
        (Cpu, "0m", "0 CPU reserves nothing", "500m"),
        (Cpu, 10**100, "a huge number is no CPU quantity", "500m"),
        (Cpu, float("nan"), "the number nan is no CPU quantity", "500m"),
        (Memory, "4G", 'the text "4G" is no memory quantity', "write 4Gi"),
        (Memory, "4GB", 'the text "4GB" is no memory quantity', "write 4Gi"),
        (Memory, "512 mb", "is no memory quantity", "write 512Mi"),
        (Memory, "512m", "is no memory quantity", "m means thousandths of a byte: write 512Mi"),
        (Memory, "0G", "is no memory quantity", "512Mi or 4Gi"),
        (Memory, "1..5Gi", "is no memory quantity", "512Mi or 4Gi"),
        (Memory, 512, "the number 512 is no memory quantity: the unit is missing", "512Mi"),
        (Memory, True, "the truth value true is no memory quantity", "512Mi"),
        (Memory, "0Mi", "0 memory reserves nothing", "512Mi"),
        (Memory, "0.5Ki", "0.5Ki is no whole number of KiB", "write 1Ki"),
        (Memory, "8388608Ti", "8388608Ti is more than Kubernetes can count", "512Mi"),
        (Duration, 30, "the number 30 has no unit", "write 30s if you mean seconds"),
        (Duration, -5, "the number -5 has no unit", "30s, 5m or 1h30m"),
        (Duration, "30", "is no duration", "write 30s"),
        (Duration, "30 S", "is no duration", "write 30s"),
        (Duration, "5M", "is no duration", "write 5m"),
        (Duration, "500ms", "is no duration", "30s"),
        (Duration, "1.5h", "is no duration", "1h30m"),
        (Duration, "x", "is no duration", "30s"),
        (Duration, "", 'the text "" is no duration', "30s"),
        (Duration, "-5s", "is no duration", "30s"),
        (Duration, "8785h", "8785h is longer than a year", "30s"),
        (Percent, 70, "the number 70 is no percentage", "write 70%"),
        (Percent, 0.7, "the number 0.7 is no percentage", "write 70%"),
        (Percent, "70", "is no percentage", "write 70%"),
        (Percent, "70 %", "is no percentage", "write 70%"),
        (Percent, 500, "the number 500 is no percentage", "for example 70%"),
        (Percent, "0%", "0% is outside 1% to 100%", "for example 70%"),
        (Percent, "101%", "101% is outside 1% to 100%", "for example 70%"),
        (Percent, False, "the truth value false is no percentage", "70%"),
    ],
)
def test_each_refusal_says_why_and_names_a_value_that_is_taken(kind: Any, raw: Any, reason: str, fix: str) -> None:
    with pytest.raises(Refusal) as refused:
        kind.parse(raw)
    assert reason in refused.value.reason
    assert fix in refused.value.fix
    values = suggested(refused.value.fix)
    assert values
    for value in values:
        kind.parse(value)


@QUICK
@given(st.integers(1, 10**12))
def test_every_cpu_amount_reads_back_as_it_is_written(milli: int) -> None:
    assert Cpu.parse(str(Cpu(milli))) == Cpu(milli)


@QUICK
@given(st.integers(1, 2**53 - 1).map(lambda kib: kib * 1024))
def test_every_memory_amount_reads_back_as_it_is_written(size: int) -> None:
    assert Memory.parse(str(Memory(size))) == Memory(size)


@QUICK
@given(st.integers(0, 366 * 24 * 3600))
def test_every_duration_reads_back_as_it_is_written(seconds: int) -> None:
    assert Duration.parse(str(Duration(seconds))) == Duration(seconds)


@QUICK
@given(st.integers(1, 100))
def test_every_percentage_reads_back_as_it_is_written(value: int) -> None:
    assert Percent.parse(str(Percent(value))) == Percent(value)


@QUICK
@given(st.integers(0, 10**9 - 1), st.integers(0, 999_999), st.booleans())
def test_cpu_agrees_with_exact_arithmetic(whole: int, part: int, milli: bool) -> None:
    exact = (Fraction(whole) + Fraction(part, 10**6)) * (1 if milli else 1000)
    text = f"{whole}.{part:06d}{'m' if milli else ''}"
    if exact.denominator == 1 and exact > 0:
        assert Cpu.parse(text).milli == exact
    else:
        with pytest.raises(Refusal):
            Cpu.parse(text)


@QUICK
@given(st.integers(0, 10**7), st.integers(0, 999_999), st.sampled_from(sorted(UNITS)))
def test_memory_agrees_with_exact_arithmetic(whole: int, part: int, unit: str) -> None:
    exact = (Fraction(whole) + Fraction(part, 10**6)) * UNITS[unit]
    text = f"{whole}.{part:06d}{unit}"
    if exact > 0 and exact % 1024 == 0 and exact < 2**63:
        assert Memory.parse(text).bytes == exact
    else:
        with pytest.raises(Refusal):
            Memory.parse(text)


@QUICK
@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(1, 10**4))
def test_amounts_add_and_multiply_as_numbers_do(one: int, other: int, times: int) -> None:
    assert (Cpu(one) + Cpu(other)).milli == one + other
    assert (Cpu(one) * times).milli == one * times
    assert (Memory(one) + Memory(other)).bytes == one + other
    assert (Memory(one) * times).bytes == one * times
    assert (Cpu(one) < Cpu(other)) == (one < other)
    assert (Memory(one) <= Memory(other)) == (one <= other)
