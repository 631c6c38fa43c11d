"""Faults planted in the sample: how one is made. Which there are, and who must catch them, stands in planted.py."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from policy.graph import Graph, Resource
from tests.judges.aws_sample import sample
from tests.judges.markers import Stand
from tests.support import REMOVE

ALL = "*"
"""Everything else is taken away."""
Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault in one resource of the sample."""

    id: str
    """What the judge calls it. Of a gap: the id that looks past it; empty if there is none for such a thing."""
    resource: str
    """Type and name, as in a marker."""
    change: Change | None = None
    """Spoils its inputs; None: it is left as it is."""
    without: tuple[str, ...] = ()
    """Types that are taken away."""
    title: str = ""
    on: str = ""
    """Where it is found, if not there."""

    @property
    def label(self) -> str:
        """Its own name, fit for an address."""
        return "".join(letter if letter.isalnum() else "-" for letter in f"{self.id} {self.title}").strip("-")

    @property
    def place(self) -> tuple[str, str]:
        """Type and name of the resource that it is found on."""
        type_, _, name = (self.on or self.resource).partition(" ")
        return type_, name

    @property
    def type(self) -> str:
        """Pulumi's type of what is spoilt."""
        return self.resource.partition(" ")[0]

    @property
    def name(self) -> str:
        """Its name."""
        return self.resource.partition(" ")[2]

    def graph(self) -> Graph:
        """The spoilt resource; where others matter, with whatever refers to it and whatever it refers to."""
        whole = sample()
        stand, key = Stand(whole), (self.type, self.name)
        found = next(r for r in whole.resources if (r.type, r.name) == key)
        spoilt = replace(found, inputs=copy.deepcopy(dict(found.inputs)))
        if self.change is not None:
            self.change(spoilt.inputs)  # type: ignore[arg-type]  # a copy of our own
        if not self.without and not self.on:
            return Graph.of([spoilt])
        near = [r for r in whole.resources if r is not found and _touch(stand, r, found) and not self._away(r)]
        return Graph.of([spoilt, *near])

    def _away(self, resource: Resource) -> bool:
        return resource.type in self.without or ALL in self.without


def _touch(stand: Stand, one: Resource, other: Resource) -> bool:
    pairs = ((one, other), (other, one))
    return any(
        (b.type, b.name) in stand.referred(a.inputs) or any(b.urn in urns for urns in a.property_dependencies.values())
        for a, b in pairs
    )


def fault(
    id_: str, resource: str, change: Change | None = None, title: str = "", *, without: str = "", on: str = ""
) -> Fault:
    types = (without.partition(" ")[0],) if without else ()
    return Fault(id=id_, resource=resource, change=change, without=types, title=title, on=on)


def put(path: str, value: Any) -> Change:
    """Sets what stands at a path of inputs; numbers are places in lists."""

    def change(inputs: dict[str, Any]) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        target: Any = inputs
        for part in parents:
            target = target.setdefault(part, {}) if isinstance(target, dict) else target[part]
        if value is REMOVE:
            del target[last]
        else:
            target[last] = value

    return change


def state(**changes: Any) -> Change:
    """Changes the first statement of a policy document."""

    def change(inputs: dict[str, Any]) -> None:
        key = "assumeRolePolicy" if "assumeRolePolicy" in inputs else "policy"
        document: dict[str, Any] = json.loads(inputs[key])
        document["Statement"][0] |= changes
        inputs[key] = json.dumps(document)

    return change


def labelled(faults: tuple[Fault, ...]) -> Mapping[str, Fault]:
    """Label -> fault."""
    return {f"{index:03}-{fault.label}": fault for index, fault in enumerate(faults)}
