"""What an apply says of what it did."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from workbench.deploy import apply
from workbench.deploy.apply import Report
from workbench.localcluster.errors import ClusterError


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as Python lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_objects_that_are_made_at_the_same_time_are_all_counted() -> None:
    together = Barrier(8)

    def make(report: Report, number: int) -> None:
        together.wait()
        report.add("created", f"ConfigMap a/{number}", ["old"])

    with ThreadPoolExecutor(8) as threads:
        for _ in range(500):
            report = Report()
            list(threads.map(make, [report] * 8, range(8)))
            assert report.done == {"created": 8}
    assert sorted(report.changed) == [f"ConfigMap a/{number}" for number in range(8)]
    assert len(report.warnings) == 8


def test_what_is_left_alone_is_counted_and_not_named() -> None:
    report = Report()
    assert str(report) == "nothing to do"
    report.add("unchanged", "ConfigMap a/b")
    report.add("deleted", "ConfigMap a/c")
    assert (str(report), report.changed) == ("1 deleted, 1 unchanged", ["ConfigMap a/c"])


@pytest.mark.parametrize("text", ['[["v1", "Confi', '[["v1"]]', "{}x", "[1]"])
def test_a_list_of_what_was_applied_that_was_cut_off_is_refused_with_a_way_out(tmp_path: Path, text: str) -> None:
    (tmp_path / apply.INVENTORY).write_text(text)
    nobody: Any = None  # is not asked: nothing is changed
    with pytest.raises(ClusterError, match=r"applied.json cannot be read: .*\n  fix: `make down`, then `make up`"):
        apply.up(nobody, [], tmp_path, print)
