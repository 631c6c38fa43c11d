"""What a type takes, read off the SDK's classes: names, kinds of values, what is required. Nothing is listed here."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pulumi
import pulumi_aws
from pulumi import _types
from pulumi.provider.experimental.property_value import PropertyValue

from tests.standin.values import Properties, is_unknown
from workbench.plan.outputs import ProviderTypeError, resource_class

Fault = tuple[str, str]
"""Path of a property, and what is wrong with it."""


@dataclass(frozen=True)
class Shape:
    """The fields of a resource's arguments, or of what is nested in them, in the provider's spelling."""

    fields: Mapping[str, Any]
    required: frozenset[str]


@cache
def shape(args: type) -> Shape:
    """Of one of the SDK's argument classes."""
    names = _types.input_type_py_to_pulumi_names(args)
    parameters = list(inspect.signature(args.__init__).parameters.items())[1:]
    required = frozenset(names[name] for name, parameter in parameters if parameter.default is parameter.empty)
    return Shape(_types.input_type_types(args), required)


def arguments(type_: str) -> Shape:
    """What a resource type takes.

    Raises:
        ProviderTypeError: the SDK has no such type.
    """
    found = resource_class(type_)
    # BucketVersioningArgs is what a Bucket takes for its versioning; the resource's own are then its InitArgs.
    module = vars(sys.modules[found.__module__]) if found else {}
    args = module.get(f"{found.__name__}InitArgs") or module.get(f"{found.__name__}Args") if found else None
    if args is None:
        raise ProviderTypeError(f"the SDK has no arguments for {type_}")
    return shape(args)


def provider_arguments() -> Shape:
    """What the provider itself takes."""
    return shape(pulumi_aws.ProviderArgs)


def faults(wanted: Shape, given: Properties, path: str = "") -> Iterator[Fault]:
    """Fields that there are not, required ones that are missing, and values of a wrong kind; at any depth."""
    for name, value in given.items():
        here = f"{path}.{name}" if path else name
        if name.startswith("__"):
            continue  # an engine's own
        if name not in wanted.fields:
            yield here, "there is no such field"
        elif value.value is not None:
            yield from _wrong(wanted.fields[name], value, here)
    for name in sorted(wanted.required):
        if name not in given or given[name].value is None:
            yield f"{path}.{name}" if path else name, "is required and missing"


def members(type_: Any) -> tuple[Any, ...]:
    """What a value may be, without the SDK's wrappers (Output, Awaitable, None)."""
    origin = get_origin(type_)
    if origin in (Union, UnionType):
        return tuple(dict.fromkeys(m for member in get_args(type_) for m in members(member)))
    if type_ is type(None) or origin in (Awaitable, pulumi.Output) or type_ is pulumi.Output:
        return ()
    return (type_,)


def _wrong(type_: Any, value: PropertyValue, path: str) -> list[Fault]:
    """What is wrong with a value; with a choice of kinds, by the one that it comes nearest to."""
    if is_unknown(value):
        return []
    tried = [list(_wrong_one(member, value, path)) for member in members(type_)]
    if not tried or [] in tried:
        return []
    return max(tried, key=lambda found: max(len(place) for place, _ in found))


def _wrong_one(type_: Any, value: PropertyValue, path: str) -> Iterator[Fault]:
    inner, origin = value.value, get_origin(type_)
    if type_ is Any:
        return
    if isinstance(type_, type) and _types.is_input_type(type_):
        if isinstance(inner, Mapping):
            yield from faults(shape(type_), inner, path)
        else:
            yield path, f"{_kind(inner)} stands where a map is expected"
    elif origin in (list, Sequence):
        if not isinstance(inner, tuple):
            yield path, f"{_kind(inner)} stands where a list is expected"
            return
        for place, item in enumerate(inner):
            yield from _wrong(get_args(type_)[0], item, f"{path}[{place}]")
    elif origin in (dict, Mapping):
        if not isinstance(inner, Mapping):
            yield path, f"{_kind(inner)} stands where a map is expected"
            return
        for key, item in inner.items():
            yield from _wrong(get_args(type_)[1], item, f"{path}.{key}")
    elif not _is(type_, inner):
        yield path, f"{_kind(inner)} stands where {_called(type_)} is expected"


def _is(type_: Any, value: Any) -> bool:
    if type_ is bool:
        return isinstance(value, bool)
    if type_ is int:
        return isinstance(value, float) and value.is_integer()
    if type_ is float:
        return isinstance(value, float)
    if isinstance(type_, type) and issubclass(type_, Enum):
        return any(value == member.value for member in type_)
    return isinstance(type_, type) and isinstance(value, type_)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    for type_, name in ((str, "a text"), (float, "a number"), (tuple, "a list"), (Mapping, "a map")):
        if isinstance(value, type_):
            return name
    return "nothing" if value is None else f"a {type(value).__name__}"


def _called(type_: Any) -> str:
    names = {str: "a text", bool: "a boolean", int: "a whole number", float: "a number"}
    if isinstance(type_, type) and issubclass(type_, Enum):
        return f"one of {', '.join(str(member.value) for member in type_)}"
    return names.get(type_) or getattr(type_, "__name__", str(type_))
