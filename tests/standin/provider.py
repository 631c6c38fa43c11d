"""The provider itself: checks as the SDK's classes say, makes nothing, keeps what it was told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi.provider.experimental import provider as protocol
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import rpc

from tests.standin import schema
from tests.standin.identity import Identity, identify, is_adopted, is_random, name_keys
from tests.standin.made import Maker
from tests.standin.references import missing, users
from tests.standin.replacements import replaces
from tests.standin.settings import Settings
from tests.standin.state import Made, State
from tests.standin.values import UNKNOWN, Properties, leaves, plain, plain_map, wrapped
from workbench.plan.outputs import ProviderTypeError

OLD_INPUTS = "__inputs"
"""Under which the server hands the old inputs over, beside the old state (see server.py)."""
_OF_THE_ENGINE = ("version", "pluginDownloadURL")
"""Inputs of a provider that are not its own."""


class RefusedError(Exception):
    """Raised for what AWS would refuse, or what the stand-in does not do. The message is the user's."""


class StandIn(protocol.Provider):
    """The stand-in for one configured provider."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.state = State(settings.state)
        self._region = ""
        self._default_tags: Mapping[str, str] = {}

    # --- configuration

    async def check_config(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        given = {key: value for key, value in request.new_inputs.items() if key not in _OF_THE_ENGINE}
        decoded, found = _decoded(given)
        found += schema.faults(schema.provider_arguments(), decoded)
        if "region" not in given:
            found.append(("region", "is required and missing"))
        allowed = plain(decoded["allowedAccountIds"]) if "allowedAccountIds" in decoded else None
        if isinstance(allowed, list) and self._settings.account not in allowed and rpc.UNKNOWN not in allowed:
            found.append(("allowedAccountIds", f"AWS account ID not allowed: {self._settings.account}"))
        return _checked(request.new_inputs, found)

    async def diff_config(self, request: protocol.DiffRequest) -> protocol.DiffResponse:
        changed = _changed(plain_map(request.old_state), plain_map(request.new_inputs))
        return protocol.DiffResponse(bool(changed), replaces=[key for key in changed if key == "region"])

    async def configure(self, request: protocol.ConfigureRequest) -> protocol.ConfigureResponse:
        decoded, _ = _decoded(request.args)
        self._region = str(plain(decoded.get("region", UNKNOWN)))
        tags = plain(decoded["defaultTags"]) if "defaultTags" in decoded else {}
        self._default_tags = tags.get("tags") or {} if isinstance(tags, dict) else {}
        return protocol.ConfigureResponse(accept_secrets=True, supports_preview=True)

    # --- one resource

    async def check(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        try:
            found = list(schema.faults(schema.arguments(kind_of(request.urn)), request.new_inputs))
        except ProviderTypeError as error:
            found = [("", str(error))]
        return _checked(request.new_inputs, found)

    async def diff(self, request: protocol.DiffRequest) -> protocol.DiffResponse:
        state = request.old_state
        inner = state[OLD_INPUTS].value if OLD_INPUTS in state else state
        assert isinstance(inner, Mapping)
        old, new = plain_map(inner), plain_map(request.new_inputs)
        changed = _changed(old, new)
        if "tagsAll" in state and not any(path.startswith("tags") for path in changed):
            tags = self._maker(kind_of(request.urn), _nobody(request.urn)).outputs(request.new_inputs)["tagsAll"]
            changed |= _changed({"tagsAll": plain(state["tagsAll"])}, {"tagsAll": plain(tags)})
        ignored = tuple(request.ignore_changes)
        kinds = {path: kind for path, kind in changed.items() if _top(path) not in ignored}
        replacing = {path for path in kinds if replaces(kind_of(request.urn), path, removed=_top(path) not in new)}
        kind = kind_of(request.urn).rpartition(":")[2]
        # What keeps its name cannot stand beside its successor. The real provider decides alike, from memory.
        same_name = any(key in new and old.get(key) == new[key] for key in name_keys(kind))
        return protocol.DiffResponse(
            changes=bool(kinds),
            replaces=sorted({_top(path) for path in replacing}),
            diffs=sorted({_top(path) for path in kinds}),
            delete_before_replace=bool(replacing) and same_name and not is_random(kind),
            detailed_diff={
                path: protocol.PropertyDiff(_kind_of(change, replacing=path in replacing), input_diff=True)
                for path, change in kinds.items()
            },
        )

    async def create(self, request: protocol.CreateRequest) -> protocol.CreateResponse:
        if request.preview:
            maker = self._maker(kind_of(request.urn), _nobody(request.urn), known=False)
            return protocol.CreateResponse("", maker.outputs(request.properties))
        await self._takes_time()
        with self.state.locked():
            identity = self._identity(request)
            kind = kind_of(request.urn).rpartition(":")[2]
            if self.state.get(kind_of(request.urn), identity.id) and not is_adopted(kind):
                raise self._refusal("create", request.urn, identity.id, f"{kind} {identity.id} already exists")
            if request.name == self._settings.fails:
                raise self._refusal("create", request.urn, identity.id, f"LimitExceededException: no more {kind}s")
            if lacks := missing(kind_of(request.urn), plain_map(request.properties), self.state.all()):
                raise self._refusal("create", request.urn, identity.id, lacks)
            outputs = self._maker(kind_of(request.urn), identity).outputs(request.properties)
            made = Made(request.urn, kind_of(request.urn), identity.id, identity.arn, request.properties, outputs)
            self.state.put(made)
            self.state.write("create", request.urn, identity.id)
        return protocol.CreateResponse(identity.id, outputs)

    async def read(self, request: protocol.ReadRequest) -> protocol.ReadResponse:
        made = self.state.get(kind_of(request.urn), request.resource_id)
        if made is None:
            return protocol.ReadResponse("")  # gone
        return protocol.ReadResponse(made.id, dict(made.outputs), dict(made.inputs))

    async def update(self, request: protocol.UpdateRequest) -> protocol.UpdateResponse:
        outputs = self._updated(request)
        if request.preview:
            return protocol.UpdateResponse(outputs)
        await self._takes_time()
        with self.state.locked():
            made = self.state.get(kind_of(request.urn), request.resource_id)
            if made is None:
                raise self._refusal("update", request.urn, request.resource_id, f"{request.resource_id} does not exist")
            self.state.put(Made(made.urn, made.type, made.id, made.arn, request.news, outputs))
            self.state.write("update", request.urn, request.resource_id)
        return protocol.UpdateResponse(outputs)

    async def delete(self, request: protocol.DeleteRequest) -> None:
        await self._takes_time()
        with self.state.locked():
            made = self.state.get(kind_of(request.urn), request.resource_id)
            if made is not None and self._settings.strict and not is_adopted(kind_of(request.urn).rpartition(":")[2]):
                found = users(made, self.state.all())
                if found:
                    why = f"DependencyViolation: {made.id} has a dependent object: {', '.join(found)}"
                    raise self._refusal("delete", request.urn, made.id, why)
            self.state.remove(kind_of(request.urn), request.resource_id)
            self.state.write("delete", request.urn, request.resource_id)

    async def invoke(self, request: protocol.InvokeRequest) -> protocol.InvokeResponse:
        raise RefusedError(f"{request.tok}: the stand-in answers no look-ups")

    # --- helpers

    async def _takes_time(self) -> None:
        if self._settings.delay:
            await asyncio.sleep(self._settings.delay)

    def _refusal(self, call: str, urn: str, identity: str, why: str) -> RefusedError:
        self.state.write(call, urn, identity, refused=why)
        return RefusedError(why)

    def _identity(self, request: protocol.CreateRequest) -> Identity:
        """The first of its identities that no earlier one of it has; with a fixed name there is only one."""
        type_, inputs = kind_of(request.urn), plain_map(request.properties)

        def turned(turn: int) -> Identity:
            where = {"account": self._settings.account, "region": self._region}
            return identify(type_, request.urn, inputs, **where, turn=turn)

        turn = 0
        while turned(turn).id != turned(turn + 1).id and self.state.get(type_, turned(turn).id) is not None:
            turn += 1
        return turned(turn)

    def _maker(self, type_: str, identity: Identity, *, known: bool = True) -> Maker:
        return Maker(
            type=type_,
            identity=identity,
            account=self._settings.account,
            region=self._region,
            endpoint=self._settings.endpoint,
            ca=self._settings.ca,
            default_tags=self._default_tags,
            known=known,
        )

    def _updated(self, request: protocol.UpdateRequest) -> dict[str, PropertyValue]:
        """What was put out stays, with the new inputs in it; a launch template counts its versions."""
        old = {key: value for key, value in request.olds.items() if key != OLD_INPUTS}
        arn = str(plain(old["arn"])) if "arn" in old else f"arn:aws:::{request.resource_id}"
        name = str(plain(old["name"])) if "name" in old else request.name
        identity = Identity(request.resource_id, name, arn)
        outputs = {**old, **self._maker(kind_of(request.urn), identity).outputs(request.news)}
        if "latestVersion" in old:
            version = plain(old["latestVersion"])
            outputs["latestVersion"] = UNKNOWN if request.preview else wrapped(int(version) + 1)
        return outputs


def kind_of(urn: str) -> str:
    """The type in a URN; the SDK's own reading of it keeps the components above.

    >>> kind_of("urn:pulumi:dev::llm::llm:index:Network$aws:ec2/vpc:Vpc::main")
    'aws:ec2/vpc:Vpc'
    """
    return urn.split("::")[2].rpartition("$")[2]


def _checked(inputs: Properties, found: list[schema.Fault]) -> protocol.CheckResponse:
    if found:
        return protocol.CheckResponse(
            failures=[protocol.CheckFailure(path, f"{path}: {reason}" if path else reason) for path, reason in found]
        )
    return protocol.CheckResponse(inputs=dict(inputs))


def _decoded(given: Properties) -> tuple[dict[str, PropertyValue], list[schema.Fault]]:
    """A provider's own inputs: the SDK sends whatever is no text as JSON."""
    out, found = {}, []
    for key, value in given.items():
        wanted = schema.members(schema.provider_arguments().fields.get(key, Any))
        out[key] = value
        inner = plain(value)
        if str not in wanted and Any not in wanted and isinstance(inner, str) and inner != rpc.UNKNOWN:
            try:
                out[key] = wrapped(json.loads(inner))
            except ValueError:
                found.append((key, "is no JSON"))
    return out, found


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """Path -> add, update or delete."""
    before, after = dict(_given(old)), dict(_given(new))
    out = {path: "update" if path in before else "add" for path, value in after.items() if before.get(path) != value}
    return out | {path: "delete" for path in before if path not in after}


def _given(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((path, value) for path, value in leaves(values) if value is not None and not path.startswith("__"))


def _kind_of(change: str, *, replacing: bool) -> protocol.PropertyDiffKind:
    return protocol.PropertyDiffKind[f"{change}_replace".upper() if replacing else change.upper()]


def _top(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _nobody(urn: str) -> Identity:
    """Of what is not made yet."""
    return Identity("", urn.rpartition("::")[2], "arn:aws:::")
