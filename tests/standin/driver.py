"""Calls the stand-in as an engine does, without one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from pulumi.provider.experimental import provider as protocol
from pulumi.provider.experimental.property_value import PropertyValue

from tests.standin.provider import OLD_INPUTS, StandIn
from tests.standin.settings import Settings
from tests.standin.values import Properties, plain_map, wrapped_map

REGION = "us-west-2"


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:test::llmplatform::llmplatform:index:Network${type_}::{name}"


class Driver:
    """Calls the provider as an engine does."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.provider = StandIn(Settings(folder, **settings))
        self.state = self.provider.state
        inputs = {"region": REGION, "defaultTags": json.dumps({"tags": {"team": "ml"}})}
        self._run(self.provider.configure(protocol.ConfigureRequest({}, wrapped_map(inputs), True, True)))

    @staticmethod
    def _run(call: Any) -> Any:
        return asyncio.run(call)

    def check(self, type_: str, inputs: Properties) -> dict[str, str]:
        """Property -> what is wrong with it."""
        request = protocol.CheckRequest(urn(type_, "it"), {}, dict(inputs), b"")
        found = self._run(self.provider.check(request))
        return {failure.property: failure.reason for failure in found.failures or ()}

    def check_config(self, **inputs: Any) -> dict[str, str]:
        request = protocol.CheckRequest(urn("pulumi:providers:aws", "it"), {}, wrapped_map(inputs), b"")
        found = self._run(self.provider.check_config(request))
        return {failure.property: failure.reason for failure in found.failures or ()}

    def create(self, type_: str, name: str, inputs: dict[str, Any], *, preview: bool = False) -> Any:
        request = protocol.CreateRequest(urn(type_, name), wrapped_map(inputs), 0, preview)
        return self._run(self.provider.create(request))

    def diff(self, type_: str, old: dict[str, Any], new: dict[str, Any], **state: Any) -> protocol.DiffResponse:
        olds = {**wrapped_map(state), OLD_INPUTS: PropertyValue(wrapped_map(old))}
        found: protocol.DiffResponse = self._run(
            self.provider.diff(protocol.DiffRequest(urn(type_, "it"), "id", olds, wrapped_map(new), []))
        )
        return found

    def update(self, type_: str, made: Any, inputs: dict[str, Any], *, preview: bool = False) -> dict[str, Any]:
        request = protocol.UpdateRequest(
            urn(type_, "it"), made.resource_id, made.properties, wrapped_map(inputs), 0, [], preview
        )
        return plain_map(self._run(self.provider.update(request)).properties)

    def read(self, type_: str, identity: str) -> protocol.ReadResponse:
        found: protocol.ReadResponse = self._run(
            self.provider.read(protocol.ReadRequest(urn(type_, "it"), identity, {}, {}))
        )
        return found

    def delete(self, type_: str, name: str, identity: str) -> None:
        self._run(self.provider.delete(protocol.DeleteRequest(urn(type_, name), identity, {}, 0)))
