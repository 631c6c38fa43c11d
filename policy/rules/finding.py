"""What a rule finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """One fault of the graph."""

    subject: str
    """The object, as users name it."""
    reason: str
    """What is wrong."""
    fix: str
    """What would mend it."""

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}\n    fix: {self.fix}"
