"""Runs a Pulumi program in this process against a monitor that keeps every request whole. No engine, no network.

The SDK's own mock monitor decodes requests on worker threads and leaks an event loop on each; this one reads the
protocol buffers itself, which is also what lets it keep secrets and unknowns apart.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import linecache
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pulumi
from google.protobuf import empty_pb2, struct_pb2
from pulumi import log
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto import engine_pb2, resource_pb2
from pulumi.runtime.settings import ROOT

from policy.graph import SECRET, Graph, Resource
from workbench.plan import outputs

STACK_TYPE = "pulumi:pulumi:Stack"
PLACEHOLDER = "masked"
"""Stands for the value of a secret while the program runs; the graph shows `policy.graph.SECRET`."""


class ProgramError(Exception):
    """Raised when the program itself fails: its cause is `__cause__`."""


class _NoMocks(mocks.Mocks):
    """Never asked: the recorder answers every request itself."""

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise AssertionError(args.token)  # pragma: no cover

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        raise AssertionError(args.name)  # pragma: no cover


class Recorder(mocks.MockMonitor):
    """A resource monitor that keeps every RegisterResourceRequest.

    Args:
        unknowns: what is known only after deployment (ids) is truly unknown, as in an engine's preview; otherwise
            it is a marker that names resource and property, so that documents built from it stay readable.
    """

    def __init__(self, *, unknowns: bool = False) -> None:
        super().__init__(_NoMocks())
        self.requests: dict[str, Any] = {}
        self.outputs: dict[str, struct_pb2.Struct] = {}
        self.stack_urn = ""
        self._unknowns = unknowns
        self._lock = threading.Lock()  # the SDK calls from a pool of threads

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The engine's URN: the types of all components above, without the stack.

        The mock monitor's own keeps the stack's type and only the nearest component's.
        """
        above = "" if parent in ("", self.stack_urn) else parent.split("::")[2] + "$"
        return super().make_urn("", above + type_, name)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  # the protocol's name
        """Keeps the request; answers with what was sent."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK_TYPE:
            self.stack_urn = urn
            return resource_pb2.RegisterResourceResponse(urn=urn)
        with self._lock:
            if urn in self.requests:
                raise ProgramError(f"two resources are called {request.type} {request.name} under one parent")
            self.requests[urn] = request
        known = not request.custom or not self._unknowns or request.type.startswith("pulumi:providers:")
        identity = marker(request.type, request.name, "id") if request.custom and known else ""
        made = self._made(request) if request.custom else request.object
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identity, object=made)

    def _made(self, request: Any) -> Any:
        """The object of a resource once it is made, for the program to build further documents from."""

        def value(path: str) -> struct_pb2.Value:
            text = rpc.UNKNOWN if self._unknowns else marker(request.type, request.name, path)
            return struct_pb2.Value(string_value=text)

        return outputs.fill(request.type, request.object, value)

    def Invoke(self, request: Any) -> Any:  # noqa: N802  # the protocol's name
        """Refuses: a look-up would make the plan depend on an account."""
        raise ProgramError(f"the program calls {request.tok}: look-ups are not allowed, make it a setting")

    def ReadResource(self, request: Any) -> Any:  # noqa: N802  # the protocol's name
        """Refuses, as Invoke does."""
        raise ProgramError(f"the program reads {request.type} {request.name}: make what it needs a setting")

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802  # the protocol's name
        """Keeps the outputs of components and of the stack."""
        with self._lock:
            self.outputs[request.urn] = request.outputs
        return empty_pb2.Empty()

    def graph(self) -> Graph:
        """What was registered, with what the engine lets children inherit folded in."""
        resources = {urn: _resource(urn, request, self.stack_urn) for urn, request in self.requests.items()}
        folded = (_inherit(resource, resources) for resource in resources.values())
        outputs = self.outputs.get(self.stack_urn)
        return Graph.of(folded, _decode_struct(outputs, (STACK_TYPE, "stack"), "") if outputs else {})


class _Engine:
    """Takes the program's log messages."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []

    def Log(self, request: Any) -> Any:  # noqa: N802  # the protocol's name
        """Keeps warnings and errors."""
        if request.severity >= engine_pb2.WARNING:
            self.messages.append((engine_pb2.LogSeverity.Name(request.severity).lower(), request.message))
        return empty_pb2.Empty()

    def __getattr__(self, name: str) -> Callable[[Any], Any]:
        return lambda _: empty_pb2.Empty()


def record(
    program: Callable[[], None],
    *,
    project: str,
    stack: str,
    config: Mapping[str, Any],
    secrets: tuple[str, ...] = (),
    unknowns: bool = False,
    preview: bool = True,
) -> tuple[Graph, list[tuple[str, str]]]:
    """Runs `program` as the engine would, to its end, and returns what it registered and what it logged.

    Args:
        program: makes resources.
        project: name of the Pulumi project.
        stack: name of the stack.
        config: whole config keys and their values; objects are handed over as JSON, with sorted keys, as the engine
            does.
        secrets: whole config keys whose values are secret; they get a placeholder.
        unknowns: see Recorder.
        preview: as in `pulumi preview`; False: as in `pulumi up`.

    Raises:
        ProgramError: the program failed.
    """
    texts = {k: v if isinstance(v, str) else json.dumps(v, sort_keys=True) for k, v in config.items()}
    texts |= dict.fromkeys(secrets, PLACEHOLDER)
    recorder, engine = Recorder(unknowns=unknowns), _Engine()

    def run() -> None:
        loop = asyncio.new_event_loop()
        # The first failure is raised below; its fellow tasks would each be logged when they are collected, some time
        # later and elsewhere. The SDK's own executor turns asyncio's logger off for the same reason.
        loop.set_exception_handler(lambda _loop, _context: None)
        asyncio.set_event_loop(loop)
        try:
            pulumi.runtime.configure(
                pulumi.runtime.Settings(project=project, stack=stack, monitor=recorder, engine=engine, dry_run=preview)
            )
            ROOT.set(None)
            pulumi.runtime.set_all_config(texts, list(secrets))
            loop.run_until_complete(pulumi.runtime.run_in_stack(program))
        except Exception as error:
            raise ProgramError(str(error)) from error
        finally:
            loop.run_until_complete(_drained(loop))
            asyncio.set_event_loop(None)
            loop.close()

    # In a context of its own: the SDK keeps its settings in context variables, and two runs must not meet.
    with _unread():
        contextvars.copy_context().run(run)
    return recorder.graph(), engine.messages


@contextmanager
def _unread() -> Iterator[None]:
    """While it lasts, the SDK does not write debug messages, and looks up no source lines, which nobody reads here:
    together 0.1 of 1.6 s of CPU (prod, 305 resources).
    """
    debug, check, update = log.debug, linecache.checkcache, linecache.updatecache
    log.debug = lambda *_, **__: None
    linecache.checkcache = lambda *_, **__: None
    linecache.updatecache = lambda *_, **__: []
    try:
        yield
    finally:
        log.debug, linecache.checkcache, linecache.updatecache = debug, check, update


async def _drained(loop: asyncio.AbstractEventLoop) -> None:
    """Ends what a failed program left behind, so that no task outlives its loop."""
    tasks = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await loop.shutdown_default_executor()


def marker(type_: str, name: str, path: str) -> str:
    """What stands for a value that only a deployment can know."""
    return f"${{{type_} {name}.{path}}}"


def _resource(urn: str, request: Any, stack_urn: str) -> Resource:
    inputs = _decode_struct(request.object, (request.type, request.name), "")
    if request.type.startswith("pulumi:providers:") and request.version:
        inputs["version"] = request.version  # the engine keeps the plugin's version among a provider's inputs
    position = request.sourcePosition
    return Resource(
        urn=urn,
        type=request.type,
        name=request.name,
        custom=request.custom,
        inputs=inputs,
        parent=None if request.parent in ("", stack_urn) else request.parent,
        dependencies=tuple(sorted(request.dependencies)),
        property_dependencies={
            key: tuple(sorted(value.urns)) for key, value in sorted(request.propertyDependencies.items()) if value.urns
        },
        provider="::".join(request.provider.split("::")[:4]) or None,  # a URN has four parts, then comes the id
        deleted_with=request.deletedWith or None,
        protect=request.protect,
        ignore_changes=tuple(sorted(request.ignoreChanges)),
        delete_before_replace=request.deleteBeforeReplace,
        timeouts={k: v for k in ("create", "update", "delete") if (v := getattr(request.customTimeouts, k))},
        source=f"{position.uri.rsplit('/', 1)[-1]}:{position.line}" if position.uri else None,
    )


def _inherit(resource: Resource, resources: Mapping[str, Resource]) -> Resource:
    """Folds in `deletedWith` and `protect` of the ancestors, as the engine does when it registers a child."""
    owner, protect, parent = resource.deleted_with, resource.protect, resource.parent
    while parent is not None and parent in resources:
        owner = owner or resources[parent].deleted_with
        protect = protect or resources[parent].protect
        parent = resources[parent].parent
    return replace(resource, deleted_with=owner, protect=protect)


def _decode_struct(struct: Any, where: tuple[str, str], path: str) -> Any:
    fields = struct.fields
    if rpc._special_sig_key in fields:
        return _decode_special(fields, where, path)
    return {key: _decode(fields[key], where, f"{path}.{key}" if path else key) for key in sorted(fields)}


def _decode_special(fields: Any, where: tuple[str, str], path: str) -> Any:
    signature = fields[rpc._special_sig_key].string_value
    if signature == rpc._special_secret_sig:
        inner = fields["value"]
        unknown = inner.WhichOneof("kind") == "string_value" and inner.string_value == rpc.UNKNOWN
        return marker(*where, path) if unknown else SECRET
    if signature == rpc._special_resource_sig:
        return fields["urn"].string_value
    if signature == rpc._special_output_value_sig:
        if "value" not in fields:
            return marker(*where, path)
        secret = "secret" in fields and fields["secret"].bool_value
        return SECRET if secret else _decode(fields["value"], where, path)
    raise ProgramError(f"{where[0]} {where[1]}: {path} is an asset or archive, which this plan does not show")


def _decode(value: Any, where: tuple[str, str], path: str) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return marker(*where, path) if value.string_value == rpc.UNKNOWN else value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_decode(v, where, f"{path}[{i}]") for i, v in enumerate(value.list_value.values)]
        case "struct_value":
            return _decode_struct(value.struct_value, where, path)
        case _:
            return None
