"""A Ctrl-C that Python drops, since it came up in a destructor, is none the less one."""

from __future__ import annotations

import sys

import pytest

from workbench.localcluster import interrupts
from workbench.localcluster.api import wait


class Gone:
    """Ctrl-C comes just while it is collected."""

    def __del__(self) -> None:
        raise KeyboardInterrupt


def test_whoever_waits_next_is_interrupted_once() -> None:
    looked = []

    def look() -> bool:
        looked.append(len(looked))
        if len(looked) == 1:
            Gone()
        return len(looked) == 3

    with interrupts.kept():
        with pytest.raises(KeyboardInterrupt):
            wait("the third look", look, 5, poll=0)
        assert len(looked) == 1
        assert wait("the third look", look, 5, poll=0), "what clears up after it may wait"


def test_at_the_latest_the_end_is_interrupted() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.kept():
        Gone()


def test_what_is_dropped_otherwise_is_told_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __del__(self) -> None:
            raise ValueError

    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: told.append(unraisable.exc_type))
    with interrupts.kept():
        Broken()
    assert told == [ValueError]
