"""A consumer of 1688's messages, for programs without asyncio."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from nationalsite.ordersync import v1 as protos

from nationalsite_client.channels import Options, connect_async
from nationalsite_client.consumer_async import AsyncConsumer
from nationalsite_client.consumer_options import ConsumerOptions


class Consumer:
    """As AsyncConsumer, with handlers in threads: `max_outstanding` of them.

    It opens a channel of its own. A handler that outlasts its time goes on in its thread, which Python cannot
    end; its message is given back.
    """

    def __init__(
        self,
        target: str,
        subscription: str,
        handler: Callable[[protos.Message], None],
        options: ConsumerOptions | None = None,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        channel_options: Options = (),
    ) -> None:
        self._target = target
        self._subscription = subscription
        self._handler = handler
        self._options = options or ConsumerOptions()
        self._credentials = credentials
        self._channel_options = channel_options
        self._lock = threading.RLock()  # a signal's handler may stop what its own thread has just begun
        self._stopped = False
        self._stop: Callable[[], None] | None = None

    def run(self) -> None:
        """Consume until `stop`, and end what was begun. Raises grpc.RpcError where no repeat helps."""
        with ThreadPoolExecutor(self._options.max_outstanding, "consumer") as threads:
            asyncio.run(self._run(threads))

    def stop(self) -> None:
        """Take no more messages, and let `run` end; for any thread, and for a signal's handler."""
        with self._lock:
            self._stopped = True
            if self._stop:
                self._stop()

    async def _run(self, threads: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()

        async def handle(message: protos.Message) -> None:
            await loop.run_in_executor(threads, self._handler, message)

        async with connect_async(
            self._target, "order_sync", credentials=self._credentials, options=self._channel_options
        ) as channel:
            consumer = AsyncConsumer(channel, self._subscription, handle, self._options)
            with self._stoppable(lambda: _in(loop, consumer.stop)):
                await consumer.run()

    @contextmanager
    def _stoppable(self, stop: Callable[[], None]) -> Iterator[None]:
        with self._lock:
            self._stop = stop
            if self._stopped:
                stop()
        try:
            yield
        finally:
            with self._lock:
                self._stop = None


def _in(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    loop.call_soon_threadsafe(what)
