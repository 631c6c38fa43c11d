"""Programs of a cluster: known by their environment, and gone from the table of processes once they have ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from workbench.localcluster import processes
from workbench.localcluster.api import wait
from workbench.localcluster.errors import ClusterError

SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]
ENDS = [sys.executable, "-c", "pass"]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    processes.stop(tmp_path, kill=True)


def ended(pid: int) -> None:
    """Waits until a program has ended, without taking note of it."""
    wait("the end of a program", lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 30, poll=0.01)


def test_a_program_that_ended_by_itself_leaves_nothing_behind(state: Path) -> None:
    """As one does whose port somebody took: the cluster is started on other ports, by a process that goes on."""
    pid = processes.start(state, "ends", ENDS)
    ended(pid)
    assert processes.running(state) == {}
    assert not psutil.pid_exists(pid)


def test_a_program_that_is_stopped_leaves_nothing_behind(state: Path) -> None:
    pid = processes.start(state, "sleeps", SLEEPS)
    assert [p.pid for p in processes.running(state)["sleeps"]] == [pid]
    assert processes.stop(state) == ["sleeps"]
    assert not psutil.pid_exists(pid)


def test_only_the_programs_that_are_named_are_stopped(state: Path) -> None:
    for name in ("one", "two"):
        processes.start(state, name, SLEEPS)
    assert processes.stop(state, ["one"], kill=True) == ["one"]
    assert set(processes.running(state)) == {"two"}


def test_other_children_of_the_same_process_keep_their_exit_code(state: Path) -> None:
    """Whoever uses clusters from Python starts other programs too: their end is not ours to take note of."""
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as other:
        ended(other.pid)
        processes.start(state, "ends", ENDS)
        processes.running(state)
        assert other.wait() == 3


def test_a_program_that_cannot_be_started_is_named(state: Path) -> None:
    with pytest.raises(ClusterError, match="nothing cannot be started"):
        processes.start(state, "nothing", [str(state / "nowhere")])
