"""One red case."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from settings.problems import Path

Changes: TypeAlias = dict[str, Any]
"""Changes of tests/data/tiny.yaml, as `tests.support.tiny` takes them: path with `__` between -> value."""


@dataclass(frozen=True)
class Red:
    """What a rule refuses, and its nearest neighbour that it takes: with the value of the fix, where it names one."""

    what: str
    """The case in a few words."""
    red: Changes
    """What is refused."""
    path: Path
    """The path that the rule names."""
    says: tuple[str, ...]
    """Parts of the reason: the numbers and names of the case."""
    fix: str
    """Part of the fix."""
    green: Changes = field(default_factory=dict)
    """What is taken; the smallest platform as it is where nothing is given."""
    strict: bool = False
    """True if it binds in prod only."""
