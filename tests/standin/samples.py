"""Inputs that a type takes, made from its shape, and the places in them where something can be wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pulumi import _types

from tests.standin import schema
from tests.standin.values import UNKNOWN


def sample(shape: schema.Shape, depth: int = 0) -> dict[str, Any]:
    """The least that a type takes: its required fields; at the top, everything else too, to reach nested fields."""
    return {
        name: sample_value(kind, depth) for name, kind in shape.fields.items() if name in shape.required or depth == 0
    }


def sample_value(kind: Any, depth: int) -> Any:
    members = schema.members(kind)
    only = members[0]
    if isinstance(only, type) and _types.is_input_type(only):
        return sample(schema.shape(only), depth + 1)
    if getattr(only, "__origin__", None) is not None:
        inner = sample_value(only.__args__[-1], depth)
        return [inner] if len(only.__args__) == 1 else {"key": inner}
    if only not in (str, bool, int, float):
        return str(UNKNOWN.value)  # an asset, an enumeration
    return {str: "text", bool: True, int: 3, float: 0.5}[only]


def without(inputs: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    changed = json.loads(json.dumps(inputs))
    *parents, last = path
    at = changed
    for part in parents:
        at = at[part]
    del at[last]
    return changed


def put(inputs: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = json.loads(json.dumps(inputs))
    *parents, last = path
    at = changed
    for part in parents:
        at = at[part]
    at[last] = value
    return changed


def written(path: tuple[Any, ...]) -> str:
    """("a", 0, "b") -> a[0].b."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def places(shape: schema.Shape, inputs: dict[str, Any], path: tuple[Any, ...] = ()) -> Iterator[Any]:
    """Path and shape of the inputs and of every argument map in them."""
    yield path, shape
    for name, value in inputs.items():
        kind = schema.members(shape.fields[name])[0]
        where: tuple[Any, ...] = (*path, name)
        inner = value
        while isinstance(inner, list) and inner:
            kind, inner, where = schema.members(kind.__args__[0])[0], inner[0], (*where, 0)
        if isinstance(inner, dict) and isinstance(kind, type) and _types.is_input_type(kind):
            yield from places(schema.shape(kind), inner, where)
