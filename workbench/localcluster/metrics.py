"""What the metrics APIs say: set by a test or by hand, kept in one file of the state, read at each request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from workbench.localcluster.errors import ClusterError

FILE = "metrics.json"
IDLE = 10
"""Percent of its requests that a pod uses of which nothing is said: a platform that nobody uses yet."""


@dataclass(frozen=True)
class Usage:
    """What each pod with these labels uses."""

    namespace: str
    labels: Mapping[str, str]
    cpu: str | None
    """Per pod, for example 140m; None: the API has no CPU of it."""
    memory: str | None
    """Per pod, for example 128Mi; None: the API has no memory of it."""


@dataclass(frozen=True)
class Custom:
    """A metric of objects."""

    namespace: str
    resource: str
    """For example pods, or ingresses.networking.k8s.io."""
    labels: Mapping[str, str]
    """Of pods: which; of other objects: empty."""
    metric: str
    value: str


@dataclass(frozen=True)
class External:
    """A metric of something outside the cluster."""

    namespace: str
    metric: str
    labels: Mapping[str, str]
    value: str


@dataclass(frozen=True)
class Metrics:
    """Everything that the metrics APIs serve."""

    usage: tuple[Usage, ...] = ()
    custom: tuple[Custom, ...] = ()
    external: tuple[External, ...] = ()
    idle: int | None = IDLE
    """Percent of its requests for pods that `usage` does not name; None: the API does not know them."""

    def write(self, state: Path) -> None:
        """Makes it what the APIs say from now on."""
        fresh = state / f".{FILE}.new"
        fresh.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")
        fresh.replace(state / FILE)

    @classmethod
    def read(cls, state: Path) -> Metrics:
        """What they say now.

        Raises:
            ClusterError: the file is none of ours.
        """
        file = state / FILE
        try:
            data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
            return cls(
                usage=tuple(Usage(**row) for row in data.get("usage", ())),
                custom=tuple(Custom(**row) for row in data.get("custom", ())),
                external=tuple(External(**row) for row in data.get("external", ())),
                idle=data.get("idle", IDLE),
            )
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ClusterError(f"{file} cannot be read: {error}") from error


@dataclass
class MetricsApi:
    """Sets what the metrics APIs of a cluster say."""

    state: Path
    _now: Metrics = field(default_factory=Metrics)

    def usage(self, namespace: str, app: str, *, cpu: str | None, memory: str | None) -> None:
        """Every pod of an app uses so much from now on; None: the API no longer knows it."""
        row = Usage(namespace, {"app": app}, cpu, memory)
        others = tuple(u for u in self._now.usage if (u.namespace, u.labels) != (row.namespace, row.labels))
        self.set(Metrics((*others, row), self._now.custom, self._now.external, self._now.idle))

    def set(self, metrics: Metrics) -> None:
        """All of it at once."""
        self._now = metrics
        metrics.write(self.state)
