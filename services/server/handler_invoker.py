"""The end of the chain of interceptors: calls the handler, and sends the responses that it generates."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from typing import cast

import grpc.aio

from services.errors import DeadlineExceededInFlight
from services.handler import Handler
from services.server.call import CallContext, CallNext, MethodInfo, ServicerContext

WRITE_TIMEOUT_S = 600.0
"""How long a streamed response may wait until the caller has read the responses before it."""

_SEND_TIMEOUT_S = 1.0
"""How long a cancelled call still waits until its headers are sent, or what is known of its response."""


def build_invoker(method: MethodInfo) -> CallNext:
    """Return the end of the chain: an object that calls the handler of the method."""
    if not method.has_generator:
        return UnaryInvoker(method.endpoint.handler)
    return GeneratorInvoker(method.endpoint.handler, is_streaming=method.descriptor.server_streaming)


class UnaryInvoker:
    """Calls a handler that returns one response."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def __call__(self, call: CallContext, /) -> Awaitable[bytes]:
        """Return the handler's response, serialized."""
        return cast(Awaitable[bytes], self._handler(call.request, call.deadline))


class GeneratorInvoker:
    """Calls a handler that generates responses, and sends each."""

    def __init__(self, handler: Handler, *, is_streaming: bool) -> None:
        """`is_streaming`: whether there may be more than one response."""
        self._handler = handler
        self._is_streaming = is_streaming

    async def __call__(self, call: CallContext, /) -> bytes:
        """Send the responses. Raises DeadlineExceededInFlight if the caller does not read them."""
        if self._is_streaming:
            # A unary call has no headers before its response: callers do not retry a call that had headers.
            await _send_headers(call.grpc_context)
        responses = cast(AsyncGenerator[bytes, None], self._handler(call.request, call.deadline))
        async with aclosing(responses):
            async for response in responses:
                if not await _send(call.grpc_context, response):
                    continue
                if self._is_streaming:
                    # The handler learns that the response was sent, and is cancelled at its next await. If
                    # it has another response without an await, that is not sent.
                    await anext(responses, None)
                # A unary caller that has cancelled gets no response, since it has no status.
                await asyncio.sleep(0)
        return b""


async def _send_headers(context: ServicerContext) -> None:
    """Send the headers, even if the call is cancelled meanwhile.

    Otherwise gRPC would send them again before an error status, and fail.
    """
    sending = asyncio.ensure_future(context.send_initial_metadata(()))
    try:
        await asyncio.shield(sending)
    except asyncio.CancelledError:
        # Unlike `gather`, `wait` does not cancel the sending if this call is cancelled once more.
        await asyncio.wait([sending], timeout=_SEND_TIMEOUT_S)
        if sending.done() and not sending.cancelled():
            sending.exception()  # otherwise asyncio logs it
        raise


async def _send(context: ServicerContext, response: bytes) -> bool:
    """Return when the transport has taken the response: all but the last 64 KiB, the caller has read.

    Raises CancelledError if the caller is gone, even if gRPC has not cancelled the call yet. If the call is
    cancelled when the response was taken already, this returns True, and the cancellation comes at the next
    await.
    """
    sending = asyncio.ensure_future(context.write(response))
    sending.add_done_callback(lambda each: each.cancelled() or each.exception())  # else asyncio logs it
    try:
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await asyncio.shield(sending)
    except TimeoutError:
        sending.cancel()
        raise DeadlineExceededInFlight("the caller did not take a response in time") from None
    except grpc.aio.InternalError:
        raise asyncio.CancelledError from None
    except asyncio.CancelledError as cancellation:
        task = asyncio.current_task()
        if task is None or not await _is_sent(sending):
            raise
        task.uncancel()
        task.cancel(*cancellation.args)
        return True
    return False


async def _is_sent(sending: "asyncio.Future[None]") -> bool:
    """Return whether a response was sent whose call is cancelled. gRPC says it at once."""
    await asyncio.wait([sending], timeout=_SEND_TIMEOUT_S)
    if not sending.done():
        sending.cancel()
        return False
    return not sending.cancelled() and sending.exception() is None
