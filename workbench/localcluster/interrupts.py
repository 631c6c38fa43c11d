"""Ctrl-C, kept: Python drops a KeyboardInterrupt that comes up in a destructor, and the work would go on to its end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_dropped: list[object] = []


@contextmanager
def kept() -> Iterator[None]:
    """While it lasts, a Ctrl-C that Python drops is raised by the next `raise_dropped`, or at the end."""
    _dropped.clear()
    before = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            _dropped.append(unraisable.object)
        else:
            before(unraisable)

    sys.unraisablehook = hook
    try:
        yield
        raise_dropped()
    finally:
        sys.unraisablehook = before
        _dropped.clear()


def raise_dropped() -> None:
    """Raises the KeyboardInterrupt that was dropped, if there was one. Whoever waits asks here."""
    if _dropped:
        _dropped.clear()  # once: what clears up after it may wait, too
        raise KeyboardInterrupt
