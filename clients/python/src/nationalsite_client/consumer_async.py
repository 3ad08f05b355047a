"""A consumer of 1688's messages, for asyncio."""

import asyncio
import logging
from contextlib import suppress
from typing import TypeAlias

import grpc
import grpc.aio
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from nationalsite_client.backoff import MOST_S, pause_s
from nationalsite_client.consumer_options import ConsumerOptions
from nationalsite_client.failures import failure
from nationalsite_client.hand import Hand, Handler
from nationalsite_client.outbox import Outbox

FINAL = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,  # somebody deleted the subscription
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
"""Another stream would end the same way."""
_CLOSE_S = 5.0
"""How long the last acknowledgements may take."""

_Call: TypeAlias = grpc.aio.StreamStreamCall[protos.StreamMessagesRequest, protos.StreamMessagesResponse]

_log = logging.getLogger("nationalsite_client")


class AsyncConsumer:
    """Calls a handler with each message of a subscription, and acknowledges it when the handler returns.

    A message may come twice, also at once in two processes: act by its `message_id`. One whose handler raises
    is given back after a pause, and comes again. A stream that breaks is opened anew, after a pause that
    grows; handlers go on meanwhile, and what they have done is acknowledged on the next stream.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        subscription: str,
        handler: Handler,
        options: ConsumerOptions | None = None,
    ) -> None:
        self._stub = OrderSyncServiceStub(channel)
        self._options = options or ConsumerOptions()
        self._opening = protos.StreamMessagesRequest(open=_opened(subscription, self._options))
        self._outbox = Outbox()
        self._hand = Hand(handler, self._options, self._outbox)
        self._stopping, self._closed = asyncio.Event(), asyncio.Event()
        self._failures = 0

    async def run(self) -> None:
        """Consume until `stop`, and end what was begun. Raises grpc.aio.AioRpcError where no repeat helps."""
        streams = asyncio.create_task(self._keep_streaming())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((streams, stopping), return_when=asyncio.FIRST_COMPLETED)
            await self._hand.finish()
            self._outbox.close()
            self._closed.set()
            await asyncio.wait((streams,), timeout=_CLOSE_S)
            if streams.done():
                streams.result()
        finally:
            for task in (streams, stopping):
                task.cancel()
            await asyncio.gather(streams, stopping, return_exceptions=True)
            await self._hand.drop()

    def stop(self) -> None:
        """Take no more messages, and let `run` end; not for other threads."""
        self._stopping.set()

    async def _keep_streaming(self) -> None:
        clock = asyncio.get_running_loop().time
        while not self._outbox.done:
            began, delay_s = clock(), 0.0
            try:
                await self._stream()
                if self._outbox.done:
                    return
            except grpc.aio.AioRpcError as error:
                told = failure(error)
                if told.status in FINAL:
                    raise
                delay_s = told.retry_delay_s or 0.0
                _log.info("stream ended: %s %s", told.status.name, told.reason_name)
            self._failures = 1 if clock() - began > MOST_S else self._failures + 1
            await self._pause(pause_s(self._failures, at_least_s=delay_s))

    async def _stream(self) -> None:
        """Open a stream, and take what comes until it ends."""
        self._outbox.begin()
        self._hand.begin()
        call = self._stub.StreamMessages()
        beside = [asyncio.create_task(each) for each in (self._speak(call), self._hand.extend())]
        try:
            async for response in call:
                self._failures = 0
                await self._hand.take(response.message)
        finally:
            call.cancel()
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _speak(self, call: _Call) -> None:
        await call.write(self._opening)
        while (said := await self._outbox.next()) is not None:
            await call.write(said)
        await call.done_writing()

    async def _pause(self, seconds: float) -> None:
        """Wait before the next stream; what is closed meanwhile does not wait for its last words."""
        if self._closed.is_set():
            await asyncio.sleep(seconds)
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), seconds)


def _opened(subscription: str, options: ConsumerOptions) -> protos.StreamMessagesRequest.Open:
    opened = protos.StreamMessagesRequest.Open(
        subscription=subscription, topics=options.topics, max_outstanding=options.max_outstanding
    )
    opened.lease.FromNanoseconds(round(options.lease_s * 1e9))
    if options.start_time is not None:
        opened.start_time.FromDatetime(options.start_time)
    return opened
