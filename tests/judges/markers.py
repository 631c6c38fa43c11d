"""Puts something of the right form where a marker stands, and says where that would decide for a judge.

A marker is a value that only a deployment knows: `${aws:ec2/vpc:Vpc network-vpc.id}`. In a place that holds a reference
(an id, an ARN, a name of something else) any well-formed stranger will do. Anywhere else a judge would pass or fail by
what we make up: that is undecided, and a failure.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from policy.graph import SECRET, Graph, Resource
from tests.judges.aws_types import ACCOUNT, REGION, TYPES

MARKER = re.compile(r"\$\{([a-z][\w-]*:[\w/.-]*:\w+) ([^}]+)\}")
"""A policy's own variables, as in `${aws:PrincipalTag/team}`, hold no space."""
REFERENCE = re.compile(r".*(Arns?|Ids?)|arn|id")
"""Properties that hold what another resource is called by AWS."""
NAMES = frozenset(
    {
        "autoscalingGroupName",
        "bucket",
        "clusterName",
        "configurationValues",
        "creationToken",
        "gateway",
        "key",
        "kmsKey",
        "logDestination",
        "name",
        "records",
        "repository",
        "role",
        "securityGroups",
        "targetBucket",
        "thumbprintLists",
        "url",
        "userData",
        "validationRecordFqdns",
    }
)
"""Others that do, or that carry such a thing inside."""
PLACES = frozenset({"launchTemplate.version"})
"""And this one: the number of a version that the program has just made."""
DOCUMENTS = frozenset({"policy", "assumeRolePolicy"})
"""Properties that hold a policy document."""
DECISIVE = frozenset({"Action", "NotAction", "Effect", "Principal", "NotPrincipal"})
"""What a policy allows, and to whom: a judge reads it word by word."""
SERVICES = {"ec2", "eks", "iam", "kms", "s3"}
ISSUER = f"oidc.eks.{REGION}.amazonaws.com/id/"


@dataclass(frozen=True)
class Undecided:
    """A place where only a deployment knows what a judge would have to know."""

    resource: str
    path: str
    value: str

    def __str__(self) -> str:
        return f"{self.resource} {self.path}: {self.value}"


@dataclass
class Stand:
    """Stands in for what a deployment would know of one graph."""

    graph: Graph
    undecided: list[Undecided] = field(default_factory=list)
    """Every place that was found undecided so far."""

    @cached_property
    def names(self) -> Mapping[str, list[str]]:
        """Type -> names of its resources, the longest first: names hold dots."""
        found: dict[str, list[str]] = {}
        for resource in self.graph.resources:
            found.setdefault(resource.type, []).append(resource.name)
        return {type_: sorted(names, key=len, reverse=True) for type_, names in found.items()}

    def read(self, match: re.Match[str]) -> tuple[str, str, str]:
        """Type, name and property of a marker."""
        type_, rest = match.groups()
        known = next((name for name in self.names.get(type_, ()) if rest.startswith(f"{name}.")), None)
        name = known if known is not None else rest.partition(".")[0]
        return type_, name, rest[len(name) + 1 :]

    def referred(self, value: Any) -> Iterator[tuple[str, str]]:
        """Type and name of every resource that a value refers to."""
        for leaf in _strings(value):
            yield from (self.read(match)[:2] for match in MARKER.finditer(leaf))

    def inputs(self, resource: Resource) -> dict[str, Any]:
        """A resource's inputs without a marker, with documents as strings of JSON."""
        return {key: self._value(resource, value, key) for key, value in resource.inputs.items()}

    def _value(self, resource: Resource, value: Any, path: str) -> Any:
        if _last(path) in DOCUMENTS:
            return self._document(resource, value, path)
        if isinstance(value, Mapping):
            return {key: self._value(resource, item, f"{path}.{key}") for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(resource, item, f"{path}[{index}]") for index, item in enumerate(value)]
        if not isinstance(value, str):
            return value
        if value == SECRET or (MARKER.search(value) and not _holds_references(path)):
            self.undecided.append(Undecided(f"{resource.type} {resource.name}", path, value))
        return self.filled(value)

    def filled(self, value: str) -> str:
        """The text with something in place of each marker."""
        whole = MARKER.fullmatch(value)
        if whole:
            return self._made_up(whole, alone=True)
        return MARKER.sub(lambda match: self._made_up(match, alone=False), value)

    def _made_up(self, match: re.Match[str], *, alone: bool) -> str:
        return made_up(*self.read(match), alone=alone)

    def _document(self, resource: Resource, value: Any, path: str) -> str:
        try:
            document = json.loads(value) if isinstance(value, str) else value
        except json.JSONDecodeError:
            document = None
        if not isinstance(document, Mapping):
            self.undecided.append(Undecided(f"{resource.type} {resource.name}", path, str(value)))
            return self.filled(str(value))
        return json.dumps(self._part(resource, document, path, decisive=False))

    def _part(self, resource: Resource, value: Any, path: str, *, decisive: bool) -> Any:
        if isinstance(value, Mapping):
            return {
                self.filled(key): self._part(resource, item, f"{path}.{key}", decisive=decisive or key in DECISIVE)
                for key, item in value.items()
            }
        if isinstance(value, list):
            parts = enumerate(value)
            return [self._part(resource, item, f"{path}[{i}]", decisive=decisive) for i, item in parts]
        if not isinstance(value, str):
            return value
        if value == SECRET or (decisive and MARKER.search(value) and not self._is_arn(value)):
            self.undecided.append(Undecided(f"{resource.type} {resource.name}", path, value))
        return self.filled(value)

    def _is_arn(self, value: str) -> bool:
        """True if a principal is one thing whatever the deployment says: it can be no star."""
        match = MARKER.fullmatch(value)
        return value.startswith("arn:aws:iam::") or (match is not None and self.read(match)[2].lower().endswith("arn"))


def made_up(type_: str, name: str, attribute: str, *, alone: bool = True) -> str:
    """What stands for a marker: the same for the same marker, another for any other.

    Args:
        type_: type of the resource that the marker names.
        name: its name.
        attribute: path of its property.
        alone: it is the whole value; False: it stands inside a text.
    """
    last, known = _last(attribute), TYPES.get(type_)
    digits = hashlib.sha256(f"{type_} {name}".encode()).hexdigest()
    uuid = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"
    slug = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")[:40] or "x"
    parts = {"name": f"{slug}-{digits[:7]}", "hex": digits[:17], "uuid": uuid}
    if known and (last == "arn" or (last == "id" and known.id == "{arn}")):
        return "arn:aws:" + known.arn.format(**parts)
    if known and last == "id":
        return known.id.format(**parts)
    if last in ("issuer", "url"):
        return ("https://" if alone else "") + ISSUER + digits[:32].upper()
    other = hashlib.sha256(f"{type_} {name} {attribute}".encode()).hexdigest()
    if last.lower().endswith("arn"):
        service = type_.split(":")[1].partition("/")[0]
        return f"arn:aws:{service if service in SERVICES else 'iam'}:{REGION}:{ACCOUNT}:{slug}/{other[:17]}"
    if last.lower().endswith("securitygroupid"):
        return f"sg-{other[:17]}"
    if last == "latestVersion":
        return "1"
    return f"{slug}-{other[:7]}"


def _last(path: str) -> str:
    return re.sub(r"\[\d+\]", "", path).rpartition(".")[2]


def _holds_references(path: str) -> bool:
    plain = re.sub(r"\[\d+\]", "", path)
    first, last = plain.split(".")[0], _last(path)
    return (
        first in ("tag", "tags", "labels") or last in NAMES or plain in PLACES or REFERENCE.fullmatch(last) is not None
    )


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from (*_strings(key), *_strings(item))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)
