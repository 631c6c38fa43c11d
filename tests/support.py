"""What the tests share: settings from plain data, and a world that records what a program registers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from policy.graph import Graph, KubernetesObject, Resource
from settings.problems import Problem, SettingsError
from settings.resolve import PLATFORMS, Resolved, resolve
from settings.stack_file import StackFile, read_stack_file
from settings.yaml_reader import Document
from workbench.plan.recorder import record

ROOT = Path(__file__).parent.parent
DATA = Path(__file__).parent / "data"
SEEDS = ROOT.parent / "shared" / "seeds"
STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
"""Every committed stack: tests that go over all of them find a new one by themselves."""
TINY_SECRETS = ("workerApiKey",)
REMOVE: Any = object()
EKS: dict[str, Any] = {
    "cluster": {
        "kind": "eks",
        "deployer": "arn:aws:iam::999988887777:role/deployer",
        "break_glass": "arn:aws:iam::999988887777:role/break-glass",
        "network": {"endpoints": ["ecr.api", "ecr.dkr", "logs", "sagemaker.runtime", "sts"]},
    },
    "aws__quotas": {"standard": 32, "standard_spot": 32, "g_spot": 28},
    "caches__store__storage_class": "efs",
    "node_pools__gpu__disk": {"size": "100Gi"},
}
"""What tests/data/tiny.yaml says besides on a cluster that this program makes; `tiny` takes it."""


def tiny(**changes: Any) -> dict[str, Any]:
    """An overlay of tests/data/tiny.yaml; a change is given by its path with `__` between: services__door__port=9."""
    overlay: dict[str, Any] = {"base": "tiny", "environment": "dev"}
    for path, value in changes.items():
        put(overlay, tuple(path.split("__")), value if value is REMOVE else copy.deepcopy(value))
    return overlay


def on_eks(**changes: Any) -> dict[str, Any]:
    """As `tiny`, on a cluster that this program makes."""
    return tiny(**{**EKS, **changes})


def put(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Sets (or, with REMOVE, deletes) what lies at `path`, making maps on the way."""
    *parents, last = path
    for part in parents:
        data = data.setdefault(part, {})
    if value is REMOVE:
        data.pop(last, None)
    else:
        data[last] = value


def resolved(overlay: Mapping[str, Any], secrets: Collection[str] = TINY_SECRETS, platforms: Path = DATA) -> Resolved:
    """Settings of an overlay given as data."""
    return resolve(Document("Pulumi.test.yaml", copy.deepcopy(dict(overlay))), secrets, platforms)


def problems(
    overlay: Mapping[str, Any], secrets: Collection[str] = TINY_SECRETS, platforms: Path = DATA
) -> tuple[Problem, ...]:
    """What settings refuse an overlay for; empty if they take it."""
    try:
        resolved(overlay, secrets, platforms)
    except SettingsError as error:
        return error.problems
    return ()


def stack_file(stack: str) -> StackFile:
    """A committed stack's file."""
    return read_stack_file(ROOT / f"Pulumi.{stack}.yaml")


def stack_settings(stack: str) -> Resolved:
    """A committed stack's settings."""
    file = stack_file(stack)
    return resolve(file.overlay, file.secrets, PLATFORMS)


@dataclass
class World:
    """Runs programs the way `make plan` does, and answers questions about what they registered."""

    graph: Graph = field(default_factory=lambda: Graph(()))
    messages: list[tuple[str, str]] = field(default_factory=list)

    def deploy(
        self,
        program: Callable[[], object],
        *,
        stack: str = "test",
        config: Mapping[str, Any] | None = None,
        secrets: tuple[str, ...] = (),
        **how: Any,
    ) -> Graph:
        """Runs a program to its end."""

        def run() -> None:
            program()

        self.graph, self.messages = record(
            run, project="llmplatform", stack=stack, config=config or {}, secrets=secrets, **how
        )
        return self.graph

    def of_type(self, type_: str) -> list[Resource]:
        """Every resource of a type."""
        return [r for r in self.graph.resources if r.type == type_]

    def object(self, kind: str, name: str, namespace: str | None = None) -> KubernetesObject:
        """The one object of this kind and name."""
        found = [o for o in self.graph.of_kind(kind) if o.name == name and namespace in (None, o.namespace)]
        assert len(found) == 1, f"{len(found)} objects are {kind} {name}"
        return found[0]


_KEPT: dict[str, World] = {}


def kept(deploy: Callable[..., World], **changes: Any) -> World:
    """The world of an overlay of tests/data/tiny.yaml, made once for all tests that only look at it."""
    key = repr(sorted(changes.items()))
    if key not in _KEPT:
        _KEPT[key] = replace(deploy(**changes))  # a copy: all that a test deploys shares one world
    return _KEPT[key]
