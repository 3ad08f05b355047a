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

from services.errors import DeadlinePassedInFlight
from services.serving.access_log import access_log
from services.serving.admission import admission
from services.serving.audit import audit
from services.serving.deadline import Limits, deadline
from services.serving.failures import failures
from services.serving.identity import Identities
from services.serving.metrics import metrics
from services.serving.policy import PolicyFile
from services.serving.request_ids import request_ids
from services.serving.requests import requests
from services.serving.rpc import Call, Handler, Layer, Rpc, ServicerContext, Step
from services.serving.traces import traces

STALL_S = 600.0
"""How long a streamed response may wait for its caller to take the ones before it."""

# Headers wait for no caller: this is only so that nothing is waited for without a bound.
_HEADERS_S = 1.0


def layers(
    tracer: Tracer | None, identities: Identities, policy: PolicyFile | None, limits: Mapping[str, Limits]
) -> tuple[Layer, ...]:
    """The layers of a server, outermost first."""
    return (
        traces(tracer),
        access_log,
        metrics,
        audit,
        failures,
        admission(identities, policy),
        deadline(limits),
        requests,
        request_ids,
    )


def way(rpc: Rpc, layers: Sequence[Layer]) -> Step:
    """All layers around the handler of an RPC. Raises CannotStart where one cannot be made."""
    step = _HANDLED[rpc.descriptor.server_streaming](rpc.binding.handler)
    for layer in reversed(layers):
        step = layer(rpc, step)
    return step


def _answered(handler: Handler) -> Step:
    answer = cast(Callable[[Any, float], Awaitable[bytes]], handler)
    return lambda call: answer(call.request, call.deadline)


def _streamed(handler: Handler) -> Step:
    stream = cast(Callable[[Any, float], AsyncGenerator[bytes, None]], handler)

    async def streamed(call: Call) -> bytes:
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
        async with asyncio.timeout(STALL_S):
            await context.write(response)
    except TimeoutError:
        raise DeadlinePassedInFlight("the caller did not take a response in time") from None


_HANDLED: Mapping[bool, Callable[[Handler], Step]] = MappingProxyType({False: _answered, True: _streamed})
"""By whether responses are streamed."""
