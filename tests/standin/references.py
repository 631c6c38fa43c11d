"""Who refers to whom among what is made: by id or ARN in its inputs, as a whole value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.standin.state import Made
from tests.standin.values import leaves, plain_map

_SAID = ("tags", "tagsAll", "description", "name", "policy", "assumeRolePolicy")
"""Inputs in which an equal value is a coincidence, or which AWS does not hold against a deletion."""
_KEPT_BY_NAME = {"clusterName": "aws:eks/cluster:Cluster", "role": "aws:iam/role:Role"}
"""Inputs that name what must be there already."""
_RANDOM = re.compile(r"(vpc|subnet|sg|rtb|igw|nat|eipalloc|lt|fs)-[0-9a-f]{17}")


def users(made: Made, others: Iterable[Made]) -> list[str]:
    """Names of those that still refer to a resource."""
    found = (other for other in others if (other.type, other.id) != (made.type, made.id))
    return sorted(_called(other) for other in found if _uses(plain_map(other.inputs), made))


def missing(type_: str, inputs: Mapping[str, Any], others: Iterable[Made]) -> str | None:
    """What AWS says to inputs that refer to something that is not there; None if it all is."""
    there = list(others)
    for key, kind in _KEPT_BY_NAME.items():
        wanted = inputs.get(key)
        if wanted and type_.split(":")[1].partition("/")[0] in ("eks", "iam"):
            names = {one.id for one in there if one.type == kind}
            if wanted not in names:
                return f"ResourceNotFoundException: no {kind.rpartition(':')[2].lower()} found for {key}: {wanted}"
    ids = {one.id for one in there} | {value for one in there for _, value in _values(plain_map(one.outputs))}
    for _, value in _values(inputs):
        if _RANDOM.fullmatch(value) and value not in ids:
            return f"NotFound: the id {value!r} does not exist"
    return None


def _uses(inputs: Mapping[str, Any], made: Made) -> bool:
    """By ARN or by an id like vpc-0123 anywhere; by a name only where the input says of what (role, clusterName)."""
    kind = made.type.rpartition(":")[2].lower()
    return any(
        value in (made.arn, made.id) and (value == made.arn or _RANDOM.fullmatch(value) or kind in path.lower())
        for path, value in _values(inputs)
    )


def _values(inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    said = ((re.split(r"[.\[]", path)[0], path, value) for path, value in leaves(inputs))
    return ((path, value) for top, path, value in said if isinstance(value, str) and top not in _SAID)


def _called(made: Made) -> str:
    return f"{made.type.rpartition(':')[2]} {made.urn.rpartition('::')[2]} ({made.id})"
