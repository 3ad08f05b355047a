"""The layers that every call passes, in this order, and the handler that they lead to.

A layer stands around the whole call, whether the RPC streams or not. Streaming makes a difference only where
bytes become requests (requests.py) and where responses leave (here).
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from types import MappingProxyType
from typing import Any, cast

from services.serving.access_log import access_log
from services.serving.admission import admission
from services.serving.audit import audit
from services.serving.deadline import deadline
from services.serving.failures import failures
from services.serving.identity import Identities
from services.serving.metrics import metrics
from services.serving.policy import PolicyFile
from services.serving.request_ids import request_ids
from services.serving.requests import requests
from services.serving.rpc import Call, Handler, Layer, Rpc, Step


def layers(identities: Identities, policy: PolicyFile | None) -> tuple[Layer, ...]:
    """The layers of a server, outermost first."""
    return (
        access_log,
        metrics,
        audit,
        failures,
        admission(identities, policy),
        deadline,
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
        async with aclosing(stream(call.request, call.deadline)) as responses:
            async for response in responses:
                await call.context.write(response)
        return b""

    return streamed


_HANDLED: Mapping[bool, Callable[[Handler], Step]] = MappingProxyType({False: _answered, True: _streamed})
"""By whether responses are streamed."""
