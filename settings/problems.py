"""What is wrong with the settings: one `Problem` for each fault, all of them together in one `SettingsError`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Where in the user's YAML: keys and list positions from the root of the platform."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_/-]+")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One fault of the settings, said so that a user can mend it without reading our code."""

    path: Path
    """The YAML path that has to change."""
    reason: str
    """What is wrong, with the numbers."""
    fix: str
    """A value or a change that works."""
    strict: bool = False
    """True if the rule binds in prod only; elsewhere it is advice."""
    rule: str = "shape"
    """The rule that found it."""
    file: str | None = None
    """The file that holds `path`, or its nearest ancestor."""
    line: int | None = None
    """The line in `file`, counted from 1; None where the engine handed the settings over."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        return f"{place}{dotted(self.path)}: {self.reason}\n    fix: {self.fix}"


class SettingsError(Exception):
    """Raised when settings are refused: carries every problem of the pass that failed."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = in_order(problems)
        super().__init__(str(self))

    def __str__(self) -> str:
        count = len(self.problems)
        head = (
            "1 problem in the settings, nothing was changed:"
            if count == 1
            else (f"{count} problems in the settings, nothing was changed:")
        )
        return "\n".join([head, *(f"  {line}" for p in self.problems for line in str(p).splitlines())])


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems as they stand in the files, each once: the order of keys and rules decides nothing."""
    return tuple(sorted(set(problems), key=lambda p: (p.file or "", p.line or 0, dotted(p.path), p.reason, p.rule)))


def shown(text: str, limit: int = 60) -> str:
    r"""A user's text in quotes, on one line and short enough for a message.

    >>> print(shown("two\nlines"))
    "two\nlines"
    """
    short = text if len(text) <= limit else text[: limit - 3] + "..."
    return '"' + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short) + '"'


def dotted(path: Sequence[str | int]) -> str:
    """The path as users write it: `services.gateway.image`; keys with other characters are quoted.

    >>> dotted(("namespaces", "a.b", 0))
    'namespaces."a.b"[0]'
    """
    out = ""
    for part in path:
        if isinstance(part, int):
            out += f"[{part}]"
        else:
            text = part if _PLAIN_KEY.fullmatch(part) else shown(part)
            out += f".{text}" if out else text
    return out or "(the whole file)"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was most likely meant to be, or None."""
    spelt = {right.lower(): right for right in sorted(known, reverse=True)}
    close = difflib.get_close_matches(word.lower(), sorted(spelt), n=3, cutoff=0.6)
    # Among equals, one that needs a single slip; and two letters that differ in one are below any ratio.
    slips = [right for right in (close or sorted(spelt)) if len(right) > 1 and _one_slip(word.lower(), right)]
    return spelt[(slips or close)[0]] if slips or close else None


def _one_slip(wrong: str, right: str) -> bool:
    """True if one letter is missing, too many, another one, or swapped with its neighbour."""
    if wrong == right:
        return True
    start = next((i for i, (a, b) in enumerate(zip(wrong, right, strict=False)) if a != b), min(len(wrong), len(right)))
    left, good = wrong[start:], right[start:]
    return (
        left[1:] == good or left == good[1:] or left[1:] == good[1:] or (left[:2], left[2:]) == (good[1::-1], good[2:])
    )


def one_of(known: Iterable[str], limit: int = 30) -> str:
    """`known` as a readable list, for a message."""
    words = sorted(set(known))
    if not words:
        return "(none is defined)"
    more = f", ... ({len(words)} in all)" if len(words) > limit else ""
    return ", ".join(words[:limit]) + more


def suggest(word: str, known: Iterable[str]) -> str:
    """The fix for a name that is not known: the nearest right spelling, else everything that is known."""
    words = list(known)
    match = nearest(word, words)
    return f"did you mean {match}?" if match else f"use one of: {one_of(words)}"
