"""What a resource is once it is made: its inputs, and a value for whatever else its type puts out."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, get_args, get_origin

from pulumi import _types
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import rpc

from tests.standin.identity import Identity, digest, kebab
from tests.standin.schema import members
from tests.standin.values import Properties, is_unknown, plain, wrapped
from workbench.plan.outputs import properties, resource_class

DEPTH = 5
"""Nested types may contain themselves (rules in rules): no deeper than this."""
_TEXTS = {
    "status": "ACTIVE",
    "state": "available",
    "createdAt": "2026-01-01T00:00:00Z",
    "createDate": "2026-01-01T00:00:00Z",
    "platformVersion": "eks.1",
    "version": "1",
    "instanceTenancy": "default",
}
"""Outputs that say the same of whatever is made."""
CLUSTER = "aws:eks/cluster:Cluster"


@dataclass(frozen=True)
class Maker:
    """Makes the outputs of one resource."""

    type: str
    identity: Identity
    account: str
    region: str
    endpoint: str = ""
    ca: str = ""
    default_tags: Mapping[str, str] = field(default_factory=dict)
    known: bool = True
    """False: in a preview, where only a deployment knows."""

    def outputs(self, inputs: Properties) -> dict[str, PropertyValue]:
        """All that a program can read."""
        found = resource_class(self.type)
        assert found is not None
        out = {key: value for key, value in inputs.items() if not key.startswith("__")}
        for name, type_ in properties(found).items():
            if name in out and out[name].value is not None:
                out[name] = self._completed(type_, out[name])
            elif name == "tagsAll":
                out[name] = self._tags(inputs)
            elif name not in optional(found):
                out[name] = wrapped(self._value(name, type_, DEPTH))
        return out

    def _tags(self, inputs: Properties) -> PropertyValue:
        tags = inputs.get("tags", PropertyValue({}))
        if is_unknown(tags):
            return tags
        own = tags.value if isinstance(tags.value, Mapping) else {}
        return wrapped({**self.default_tags, **own}).with_secret(tags.is_secret)

    def _completed(self, type_: Any, value: PropertyValue) -> PropertyValue:
        """What was given, with the ids that AWS adds to it; a document that was given as a map is a text."""
        nested, inner = _nested(type_), value.value
        if is_unknown(value):
            return value
        if nested is not None and isinstance(inner, Mapping):
            added = {
                name: wrapped(self._value(name, kind, 0))
                for name, kind in properties(nested).items()
                if name not in inner and str in members(kind) and name.endswith(("Id", "Arn"))
            }
            kept = {key: self._completed(properties(nested).get(key, Any), item) for key, item in inner.items()}
            return value.with_value({**kept, **added})
        if isinstance(inner, Mapping) and members(type_) == (str,):
            return PropertyValue(json.dumps(plain(value)), value.is_secret)
        return value

    def _value(self, name: str, type_: Any, depth: int) -> Any:
        """A value of a type, by the name of the property."""
        only = next(iter(members(type_)), str)
        if not self.known and name not in ("name", "region"):
            return rpc.UNKNOWN
        nested, origin = _nested(only), get_origin(only)
        if nested is not None:
            fields = properties(nested).items() if depth else ()
            return {key: self._value(key, kind, depth - 1) for key, kind in fields}
        if origin in (list, Sequence):
            return [self._value(name.removesuffix("s"), get_args(only)[0], depth - 1)] if depth else []
        if origin in (dict, Mapping):
            return {}
        return {bool: False, int: 1, float: 1.0}.get(only) if only in (bool, int, float) else self._text(name)

    def _text(self, name: str) -> str:
        number = digest(self.type, self.identity.id, name)
        service = self.identity.arn.split(":")[2]
        exact = {
            "arn": self.identity.arn,
            "name": self.identity.name,
            "region": self.region,
            "ownerId": self.account,
            "accountId": self.account,
            "registryId": self.account,
            "availabilityZone": f"{self.region}a",
            "endpoint": self.endpoint
            if self.type == CLUSTER
            else f"{number[:10]}.{service}.{self.region}.amazonaws.com",
            "data": self.ca or base64.b64encode(b"no authority").decode(),
            "issuer": f"https://oidc.eks.{self.region}.amazonaws.com/id/{number[:32].upper()}",
            "dnsName": f"{self.identity.id}.{service}.{self.region}.amazonaws.com",
            "domainName": f"{self.identity.id}.{service}.{self.region}.amazonaws.com",
            "repositoryUrl": f"{self.account}.dkr.ecr.{self.region}.amazonaws.com/{self.identity.name}",
            "url": f"https://{service}.{self.region}.amazonaws.com/{self.account}/{self.identity.name}",
            "cidrBlock": "10.0.0.0/16",
            "keyId": self.identity.id,
            "publicIp": f"203.0.113.{int(number[:2], 16)}",
            "privateIp": f"10.0.0.{int(number[:2], 16)}",
        } | _TEXTS
        kind = self.type.rpartition(":")[2]
        if name in exact:
            return exact[name]
        if name.endswith("Arn"):
            return f"arn:aws:{service}:{self.region}:{self.account}:{kebab(name[:-3])}/{number[:12]}"
        if name == f"{kind[0].lower()}{kind[1:]}Id":
            return self.identity.id
        if name.endswith("SecurityGroupId"):
            return f"sg-{number[:17]}"
        if name.endswith("Id"):
            return f"{kebab(name[:-2])}-{number[:17]}"
        return self.identity.name if name.endswith("Name") else f"{kebab(name)}-{number[:8]}"


@cache
def optional(found: type) -> frozenset[str]:
    """The output properties that a made resource may well not have, by the annotations of its class."""
    names = _types.resource_py_to_pulumi_names(found)
    out = set()
    for python, pulumi_name in names.items():
        returned = getattr(found, python).fget.__annotations__["return"]
        if any(type(None) in get_args(arg) for arg in get_args(returned)):
            out.add(pulumi_name)
    return frozenset(out)


def _nested(type_: Any) -> type | None:
    only = next(iter(members(type_)), None)
    return only if isinstance(only, type) and _types.is_output_type(only) else None
