"""Simulated time: how long what is simulated takes on this machine.

Only simulated durations are divided: starts of nodes, pods and images, the grace that a pod uses, a spot notice. What
real controllers do takes as long as it takes; those of their own waits that flags can set are divided alike.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

FACTOR = 60
"""A simulated minute passes in a second."""


@dataclass(frozen=True)
class Clock:
    """Divides simulated durations."""

    factor: int = FACTOR

    @classmethod
    def from_environment(cls) -> Clock:
        """FULL=1 runs everything undivided."""
        return cls(1 if os.environ.get("FULL", "") not in ("", "0") else FACTOR)

    def seconds(self, simulated: float) -> float:
        """Seconds that a simulated duration takes here."""
        return simulated / self.factor

    def flag(self, simulated: float) -> str:
        """The same for a program's flag: whole seconds, at least one."""
        return f"{max(1, round(self.seconds(simulated)))}s"

    def __str__(self) -> str:
        return "undivided" if self.factor == 1 else f"divided by {self.factor}"
