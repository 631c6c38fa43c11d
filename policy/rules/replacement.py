"""What an update would replace: a resource that is made anew, with everything that hangs on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policy.graph import Graph, Resource
from policy.markers import Markers
from policy.reading import at
from policy.replacements import REPLACES, ROWS, SETS
from policy.rules.finding import Finding

AUTO_NAMED = ("name", "nodeGroupName")
"""Inputs that the SDK, or the provider from a prefix, fills with a name that nobody has."""
_MISSING = object()


def replaced(old: Graph, new: Graph) -> list[Finding]:
    """Every resource that an update from one graph to the other would replace, and why.

    What only one of them has is made or deleted, not replaced. A resource that is replaced gets another id and other
    ARNs: whoever has one of them in a property that cannot change is replaced with it, and so is whatever is
    `deleted_with` it.
    """
    reasons = {r.urn: reason for r in new.resources if (reason := _changed(old.by_urn.get(r.urn), r))}
    markers = Markers(new)
    todo = list(reasons)
    while todo:
        first = new.by_urn[todo.pop()]
        for resource in new.resources:
            if resource.urn not in reasons and resource.urn in old.by_urn:
                reason = _follows(resource, first, markers)
                if reason:
                    reasons[resource.urn] = reason
                    todo.append(resource.urn)
    fix = "leave it as it was, or plan for what is away meanwhile"
    return [Finding(str(r), reasons[r.urn], fix) for r in new.resources if r.urn in reasons]


def clashing(resource: Resource) -> list[str]:
    """The properties whose change asks for a second one that AWS cannot have beside the first.

    The engine makes the new one first. It cannot where both would have the same name; unless the name is the very
    thing that changes, is made up (a prefix, or none said), or the old one is said to go first.
    """
    row = ROWS.get(resource.type)
    if row is None or not row.unique or resource.delete_before_replace:
        return []
    if any(path in AUTO_NAMED and _value(resource.inputs, path) is _MISSING for path in row.unique):
        return []
    return [p for p in row.forces if p not in row.unique and _value(resource.inputs, p) is not _MISSING]


def _changed(old: Resource | None, new: Resource) -> str | None:
    if old is None:
        return None
    for path in REPLACES.get(new.type, ()):
        before, after = _value(old.inputs, path), _value(new.inputs, path)
        if before != after:
            return f"{path} cannot change in place: {_shown(before)} -> {_shown(after)}"
    row = ROWS.get(new.type)
    for path in row.gone if row else ():
        if _value(old.inputs, path) is not _MISSING and _value(new.inputs, path) is _MISSING:
            return f"{path} cannot be taken out in place"
    return None


def _follows(resource: Resource, first: Resource, markers: Markers) -> str | None:
    if resource.deleted_with == first.urn:
        return f"it goes with {first}, which is replaced"
    for path in REPLACES.get(resource.type, ()):
        if first in markers.within(_value(resource.inputs, path)):
            return f"{path} names {first}, which is replaced"
    return None


def _value(inputs: Mapping[str, Any], path: str) -> Any:
    found = at(inputs, *path.split("."))
    if found is None:
        return _MISSING
    return sorted(map(str, found)) if path in SETS and isinstance(found, list) else found


def _shown(value: Any) -> str:
    return "nothing" if value is _MISSING else str(value)
