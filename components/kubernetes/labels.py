"""Labels: one value per workload, small in the selector and full on the objects.

`app`, `component` and `team` are seed 003's own labels, which its kubectl commands use. Labels that can change
(environment, version, part-of) never enter a selector: a Deployment's selector is immutable (S003-93).
"""

from __future__ import annotations

from dataclasses import dataclass

from settings.names import MANAGED_BY


@dataclass(frozen=True, kw_only=True)
class PlatformLabels:
    """What every object of one stack has in common."""

    part_of: str
    environment: str

    @property
    def common(self) -> dict[str, str]:
        """Labels of an object that belongs to no single workload."""
        return {
            "app.kubernetes.io/managed-by": MANAGED_BY,
            "app.kubernetes.io/part-of": self.part_of,
            "environment": self.environment,
        }


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Labels of one workload and everything that belongs to it."""

    platform: PlatformLabels
    app: str
    component: str
    team: str | None = None

    @property
    def selector(self) -> dict[str, str]:
        """What selects the workload's pods. Never changes."""
        return {"app": self.app}

    @property
    def all(self) -> dict[str, str]:
        """What its objects and pods carry."""
        return {
            **self.platform.common,
            **self.selector,
            "app.kubernetes.io/component": self.component,
            "app.kubernetes.io/name": self.app,
            "component": self.component,
            **({"team": self.team} if self.team else {}),
        }
