"""A consumer of 1688's messages for asyncio."""

import asyncio
import logging
from contextlib import suppress
from typing import TypeAlias

import grpc
import grpc.aio
from nationalsite.errors.v1 import RETRY_NEVER, RETRY_UNSPECIFIED
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from nationalsite_client.backoff import MAX_BACKOFF_S, backoff_s
from nationalsite_client.consumer_options import ConsumerOptions
from nationalsite_client.errors import ErrorDetails, parse_error
from nationalsite_client.in_flight import Handler, InFlightMessages, is_cancelled
from nationalsite_client.request_queue import RequestQueue

NON_RETRYABLE = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,  # the subscription does not exist, or was deleted
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
"""Codes with which another stream would fail as well, if the error has no reason that is known here."""
_CLOSE_TIMEOUT_S = 5.0
"""How long the last acknowledgements may take."""
_WARN_FAILURES = 3
"""From this number of failures in a row, a broken stream is a warning: the service does not just restart."""

_StreamCall: TypeAlias = grpc.aio.StreamStreamCall[
    protos.StreamMessagesRequest, protos.StreamMessagesResponse
]

_log = logging.getLogger("nationalsite_client")


class AsyncConsumer:
    """Calls a handler with each message of a subscription, and acknowledges the message when it returns.

    A message can be delivered more than once, even to two processes at the same time: make the handler
    idempotent by `message_id`. If the handler raises, the consumer waits, releases the message, and the
    service redelivers it. A broken stream is reopened with exponential backoff. Handlers continue meanwhile,
    and their messages are acknowledged on the next stream.

    A lease can end although the consumer extends it, for example if the service cannot reach its store in
    time. When the service reports this, the consumer cancels the handler, and neither extends the lease nor
    acknowledges or releases the message: another consumer may have it now.
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
        self._open_request = _build_open_request(subscription, self._options)
        self._requests = RequestQueue()
        self._in_flight = InFlightMessages(handler, self._options, self._requests)
        self._stopping = asyncio.Event()
        self._closing = asyncio.Event()
        self._failures = 0
        """Streams that failed in a row."""

    async def run(self) -> None:
        """Consume until `stop`, then finish running handlers.

        Raises grpc.aio.AioRpcError if no retry can help.
        """
        streams = asyncio.create_task(self._run_streams())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((streams, stopping), return_when=asyncio.FIRST_COMPLETED)
            await self._in_flight.finish()
            self._requests.close()
            self._closing.set()
            await asyncio.wait((streams,), timeout=_CLOSE_TIMEOUT_S)
            if streams.done():
                streams.result()
        finally:
            for task in (streams, stopping):
                task.cancel()
            await asyncio.gather(streams, stopping, return_exceptions=True)
            await self._in_flight.cancel()

    def stop(self) -> None:
        """Accept no more messages and let `run` return. Not thread-safe."""
        self._stopping.set()

    async def _run_streams(self) -> None:
        """Open one stream after the other until the queue is drained."""
        clock = asyncio.get_running_loop().time
        while not self._requests.is_drained:
            start_s, error = clock(), None
            try:
                await self._run_stream()
            except grpc.aio.AioRpcError as caught:
                error = parse_error(caught)
                if not _may_retry(error) and not self._requests.is_drained:
                    raise
            if is_cancelled():  # grpc.aio can lose this if the stream ends at the same time
                raise asyncio.CancelledError
            if self._requests.is_drained:
                return
            self._failures = 1 if clock() - start_s > MAX_BACKOFF_S else self._failures + 1
            if error:
                self._log_error(error)
            await self._wait(backoff_s(self._failures, min_s=(error and error.retry_delay_s) or 0.0))

    def _log_error(self, error: ErrorDetails) -> None:
        level = logging.WARNING if self._failures >= _WARN_FAILURES else logging.INFO
        text = "stream_ended code=%s reason=%s message=%s"
        _log.log(level, text, error.code.name, error.reason_name, error.message)

    async def _run_stream(self) -> None:
        """Open a stream and read messages until it ends."""
        call = self._stub.StreamMessages()
        writers = [
            asyncio.create_task(self._write_requests(call)),
            asyncio.create_task(self._in_flight.extend_leases()),
        ]
        try:
            async for response in call:
                self._failures = 0
                for received in response.delivered.received_messages:
                    self._in_flight.submit(received)
                self._in_flight.lapse(response.lapsed.ack_ids)
        finally:
            call.cancel()
            for task in writers:
                task.cancel()
            await asyncio.gather(*writers, return_exceptions=True)
            self._in_flight.reset_leases()
            self._requests.reset_leases()

    async def _write_requests(self, call: _StreamCall) -> None:
        await call.write(self._open_request)
        while (request := await self._requests.next()) is not None:
            await call.write(request)
        await call.done_writing()

    async def _wait(self, delay_s: float) -> None:
        """Wait before the next stream.

        If `run` closes the queue meanwhile, the last acknowledgements are sent at once. If they failed
        already, this waits.
        """
        if self._closing.is_set():
            await asyncio.sleep(delay_s)
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), delay_s)


def _may_retry(details: ErrorDetails) -> bool:
    if details.retry != RETRY_UNSPECIFIED:
        return details.retry != RETRY_NEVER
    return details.code not in NON_RETRYABLE


def _build_open_request(subscription: str, options: ConsumerOptions) -> protos.StreamMessagesRequest:
    open_request = protos.StreamMessagesRequest.Open(
        subscription=subscription,
        create_if_missing=options.create_if_missing,
        max_outstanding=options.max_outstanding,
    )
    open_request.lease.FromNanoseconds(round(options.lease_s * 1e9))
    return protos.StreamMessagesRequest(open=open_request)
