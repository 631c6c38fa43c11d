"""Property values and plain ones. Secrets are seen through, and stay secrets in what goes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from google.protobuf import json_format, struct_pb2
from pulumi.provider.experimental.property_value import Computed, PropertyValue
from pulumi.runtime import rpc

Properties = Mapping[str, PropertyValue]
UNKNOWN = PropertyValue(rpc.UNKNOWN)
"""A value that only a deployment can know, as it goes over the wire. The SDK's own Computed cannot be sent."""
_UNKNOWNS = {
    rpc.UNKNOWN,
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # of other kinds, from memory: a program in Python sends only the first
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "030794c1-ac77-496b-92df-f27374a8bd58",
    "e48ece36-62e2-4504-bad9-02848725956a",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
}


def is_unknown(value: PropertyValue) -> bool:
    return isinstance(value.value, Computed) or (isinstance(value.value, str) and value.value in _UNKNOWNS)


def plain(value: PropertyValue) -> Any:
    """Without secrets; what is unknown is the SDK's mark for it."""
    inner = value.value
    if is_unknown(value):
        return rpc.UNKNOWN
    if isinstance(inner, Mapping):
        return {key: plain(item) for key, item in inner.items()}
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return [plain(item) for item in inner]
    if isinstance(inner, float) and inner.is_integer():
        return int(inner)
    return inner


def plain_map(values: Properties) -> dict[str, Any]:
    return {key: plain(value) for key, value in values.items()}


def wrapped(value: Any) -> PropertyValue:
    """The property value of a plain one."""
    if isinstance(value, PropertyValue):
        return value
    if isinstance(value, Mapping):
        return PropertyValue({key: wrapped(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return PropertyValue([wrapped(item) for item in value])
    if isinstance(value, int) and not isinstance(value, bool):
        return PropertyValue(float(value))
    return PropertyValue(value)


def wrapped_map(values: Mapping[str, Any]) -> dict[str, PropertyValue]:
    return {key: wrapped(value) for key, value in values.items()}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Path and value of everything in a plain value that is no map and no list; empty ones are leaves too."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for place, item in enumerate(value):
            yield from leaves(item, f"{path}[{place}]")
    else:
        yield path, value


def to_json(values: Properties) -> dict[str, Any]:
    """For a file: secrets stay marked."""
    found: dict[str, Any] = json_format.MessageToDict(PropertyValue.marshal_map(dict(values)))
    return found


def from_json(values: Mapping[str, Any]) -> dict[str, PropertyValue]:
    return PropertyValue.unmarshal_map(json_format.ParseDict(dict(values), struct_pb2.Struct()))
