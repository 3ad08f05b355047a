"""The layers that every call passes, in this order, and the handler that they lead to.

A layer stands around the whole call, whether the RPC streams or not. Streaming makes a difference only where
bytes become requests (requests.py) and where responses leave (here).
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from types import MappingProxyType
from typing import Any, cast

from opentelemetry.trace import Tracer

from services.errors import DeadlineExceededInFlight
from services.handler import Handler
from services.server.call import CallContext, CallNext, Interceptor, MethodInfo, ServicerContext
from services.server.interceptors.access_log import access_log_interceptor
from services.server.interceptors.audit import audit_interceptor
from services.server.interceptors.authorization import authorization_interceptor
from services.server.interceptors.deadline import DeadlineLimits, deadline_interceptor
from services.server.interceptors.deserialization import deserialization_interceptor
from services.server.interceptors.error_mapping import error_mapping_interceptor
from services.server.interceptors.idempotency import idempotency_interceptor
from services.server.interceptors.metrics import metrics_interceptor
from services.server.interceptors.response_metadata import response_metadata_interceptor
from services.server.interceptors.tracing import tracing_interceptor
from services.server.security.peer_identity import PeerIdentityResolver
from services.server.security.policy import PolicyFile

WRITE_TIMEOUT_S = 600.0
"""How long a streamed response may wait for its caller to take the ones before it."""

# Headers wait for no caller: this is only so that nothing is waited for without a bound.
_HEADERS_S = 1.0


def server_interceptors(
    tracer: Tracer | None,
    identities: PeerIdentityResolver,
    policy: PolicyFile | None,
    limits: Mapping[str, DeadlineLimits],
) -> tuple[Interceptor, ...]:
    """The layers of a server, outermost first."""
    return (
        tracing_interceptor(tracer),
        access_log_interceptor,
        metrics_interceptor,
        audit_interceptor,
        error_mapping_interceptor,
        response_metadata_interceptor,
        authorization_interceptor(identities, policy),
        deadline_interceptor(limits),
        deserialization_interceptor,
        idempotency_interceptor,
    )


def build_chain(rpc: MethodInfo, server_interceptors: Sequence[Interceptor]) -> CallNext:
    """All layers around the handler of an RPC. Raises StartupError where one cannot be made."""
    step = _HANDLED[rpc.descriptor.server_streaming](rpc.binding.handler)
    for layer in reversed(server_interceptors):
        step = layer(rpc, step)
    return step


def _answered(handler: Handler) -> CallNext:
    answer = cast(Callable[[Any, float], Awaitable[bytes]], handler)
    return lambda call: answer(call.request, call.deadline)


def _streamed(handler: Handler) -> CallNext:
    stream = cast(Callable[[Any, float], AsyncGenerator[bytes, None]], handler)

    async def streamed(call: CallContext) -> bytes:
        await _begin(call.context)
        async with aclosing(stream(call.request, call.deadline)) as responses:
            async for response in responses:
                await _send(call.context, response)
        return b""

    return streamed


async def _begin(context: ServicerContext) -> None:
    """Sends the headers, and is not cut short: gRPC would send them again before an error, and fail."""
    sending = asyncio.ensure_future(context.send_initial_metadata(()))
    try:
        await asyncio.shield(sending)
    except asyncio.CancelledError:
        with suppress(TimeoutError):
            async with asyncio.timeout(_HEADERS_S):
                await asyncio.gather(sending, return_exceptions=True)
        raise


async def _send(context: ServicerContext, response: bytes) -> None:
    try:
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await context.write(response)
    except TimeoutError:
        raise DeadlineExceededInFlight("the caller did not take a response in time") from None


_HANDLED: Mapping[bool, Callable[[Handler], CallNext]] = MappingProxyType({False: _answered, True: _streamed})
"""By whether responses are streamed."""
