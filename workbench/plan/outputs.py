"""What a provider adds to what it was sent: the output properties of AWS types, as the SDK declares them.

Nothing is listed by hand: types and properties are read off the SDK's own classes, so that a document built from an ARN
or an endpoint keeps its shape, with a marker where the value will be.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Union, get_args, get_origin

from google.protobuf import struct_pb2
from pulumi import _types
from pulumi.runtime import rpc

Value = Callable[[str], struct_pb2.Value]
"""Path of a property -> what stands for its value."""


class ProviderTypeError(Exception):
    """Raised for a type that the installed SDK does not have."""


def fill(type_: str, sent: struct_pb2.Struct, value: Value) -> struct_pb2.Struct:
    """The properties of a resource once it is made: its inputs, and a value for everything else that it has.

    Args:
        type_: type token, for example aws:eks/cluster:Cluster.
        sent: its inputs, in the provider's spelling.
        value: gives the value of what was not sent.

    Raises:
        ProviderTypeError: the SDK has no such type.
    """
    found = resource_class(type_)
    if found is None:
        return sent
    made = struct_pb2.Struct()
    made.CopyFrom(sent)
    _fill(made, properties(found), value, "")
    return made


@cache
def resource_class(type_: str) -> type | None:
    """The SDK's class of an AWS type; None for other providers, from whose outputs nothing here is built.

    >>> resource_class("kubernetes:core/v1:Namespace")
    >>> resource_class("aws:ec2/vpc:Vpc").__name__
    'Vpc'
    """
    package, module, name = type_.split(":")
    if package != "aws":
        return None
    try:
        found = getattr(importlib.import_module(f"pulumi_aws.{module.partition('/')[0]}"), name, None)
    except ModuleNotFoundError:
        found = None
    if not isinstance(found, type):
        raise ProviderTypeError(f"the SDK has no class for {type_}")
    return found


@cache
def properties(found: type) -> Mapping[str, Any]:
    """Property in the provider's spelling -> its type; of a resource or of an output type."""
    read = _types.output_type_types if _types.is_output_type(found) else _types.resource_types
    return dict(read(found))


def _fill(struct: struct_pb2.Struct, known: Mapping[str, Any], value: Value, path: str) -> None:
    if rpc._special_sig_key in struct.fields:  # a secret or an output as a whole: nothing may be put beside it
        return
    for name, type_ in known.items():
        here = f"{path}.{name}" if path else name
        nested = _output_type(type_)
        if name not in struct.fields or struct.fields[name].WhichOneof("kind") == "null_value":
            struct.fields[name].CopyFrom(_made(type_, value, here))
        elif nested is not None and struct.fields[name].WhichOneof("kind") == "struct_value":
            _fill(struct.fields[name].struct_value, properties(nested), value, here)


def _made(type_: Any, value: Value, path: str) -> struct_pb2.Value:
    """The value of a property that was not sent, in the shape of its type."""
    type_ = _plain(type_)
    nested, kind = _output_type(type_), getattr(get_origin(type_), "__name__", "")
    out = struct_pb2.Value()
    if nested is not None:
        out.struct_value.SetInParent()
        _fill(out.struct_value, properties(nested), value, path)
    elif kind in (list.__name__, Sequence.__name__):
        out.list_value.values.append(_made((get_args(type_) or (str,))[0], value, f"{path}[0]"))
    elif kind in (dict.__name__, Mapping.__name__):
        out.struct_value.SetInParent()
    else:
        out.CopyFrom(value(path))
    return out


def _plain(type_: Any) -> Any:
    """A type without `Optional`."""
    if get_origin(type_) is Union:
        return next(arg for arg in get_args(type_) if arg is not type(None))
    return type_


def _output_type(type_: Any) -> type | None:
    type_ = _plain(type_)
    return type_ if isinstance(type_, type) and _types.is_output_type(type_) else None
