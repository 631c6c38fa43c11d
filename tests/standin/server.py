"""The stand-in as the process that an engine talks to: the SDK's server, and what that leaves out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf import struct_pb2
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import DiffRequest
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime import proto
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc

from tests.standin.provider import OLD_INPUTS, RefusedError, StandIn


class Servicer(ProviderServicer):
    """Hands the old inputs over, answers a handshake, and says a refusal without a traceback."""

    _provider: StandIn

    async def Handshake(self, _request: Any, _context: Any) -> Any:
        return proto.ProviderHandshakeResponse(accept_secrets=True)

    async def DiffConfig(self, request: Any, _context: Any) -> Any:
        """The class above hands a truth value over as the protocol's number, and fails on details."""
        wanted = DiffRequest(
            request.urn,
            request.id,
            PropertyValue.unmarshal_map(request.old_inputs),
            PropertyValue.unmarshal_map(request.news),
            [],
        )
        found = await self._provider.diff_config(wanted)
        changes = proto.DiffResponse.DIFF_SOME if found.changes else proto.DiffResponse.DIFF_NONE
        return proto.DiffResponse(changes=changes, replaces=found.replaces)

    async def Diff(self, request: Any, context: Any) -> Any:
        """The class above does not read the old inputs."""
        inputs = struct_pb2.Value(struct_value=request.old_inputs)
        request.olds.fields[OLD_INPUTS].CopyFrom(inputs)
        return await super().Diff(request, context)

    async def Create(self, request: Any, context: Any) -> Any:
        return await _plainly(super().Create, request, context)

    async def Update(self, request: Any, context: Any) -> Any:
        return await _plainly(super().Update, request, context)

    async def Delete(self, request: Any, context: Any) -> Any:
        return await _plainly(super().Delete, request, context)

    async def Invoke(self, request: Any, context: Any) -> Any:
        return await _plainly(super().Invoke, request, context)


async def _plainly(call: Callable[[Any, Any], Any], request: Any, context: Any) -> Any:
    """The class above wraps every error into its traceback."""
    try:
        return await call(request, context)
    except Exception as error:
        if isinstance(error.__context__, RefusedError):
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error.__context__))
        raise


async def serve(provider: StandIn, version: str, engine: str) -> None:
    """Until the engine ends it, or is gone itself; the port is the first line of standard output."""
    parent = os.getppid()
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    servicer = Servicer([], version, provider, engine_address=engine)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while os.getppid() == parent and not ended.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), 1)
    await server.stop(None)
