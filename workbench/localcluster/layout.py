"""What a cluster was started with: kept in its state folder, and all that is needed to start a program of it again."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench.localcluster.errors import ClusterError

PORTS = ("etcd", "peer", "api", "controller-manager", "scheduler", "kwok", "metrics")


@dataclass(frozen=True)
class Layout:
    """What a cluster was started with."""

    ports: Mapping[str, int]
    factor: int
    stack: str
    """Whose node pools and times it has."""
    platform: str | None
    """Another base than the stack's file names."""

    def write(self, state: Path) -> None:
        """Keeps it."""
        (state / "cluster.json").write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, state: Path) -> Layout | None:
        """The layout of the cluster whose state is there; None if there is none."""
        try:
            return cls(**json.loads((state / "cluster.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise ClusterError(f"{state / 'cluster.json'} cannot be read: {error}\n  fix: `cluster down`") from error


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now, from below the range that outgoing connections take theirs from:
    one of those would be gone again before our program listens on it.

    Raises:
        ClusterError: there are none.
    """
    free: list[int] = []
    for port in random.sample(range(20_000, 32_000), 1000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        free.append(port)
        if len(free) == count:
            return free
    raise ClusterError(f"no {count} free ports between 20000 and 32000 on 127.0.0.1")
