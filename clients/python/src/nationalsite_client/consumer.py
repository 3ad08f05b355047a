"""A consumer of 1688's messages for programs without asyncio."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context

import grpc
from nationalsite.ordersync import v1 as protos

from nationalsite_client.async_consumer import AsyncConsumer
from nationalsite_client.channels import ChannelOptions, connect_async
from nationalsite_client.consumer_options import ConsumerOptions


class Consumer:
    """Like AsyncConsumer, but runs handlers in `max_outstanding` threads.

    It opens its own channel. Python cannot stop a thread: a handler that exceeds its timeout, or whose lease
    has lapsed, continues. Its message can be redelivered to another consumer meanwhile. This one does not
    call a second handler, and acknowledges the message if the handler returns. `run` waits for all handlers,
    also after `stop_grace_s`.
    """

    def __init__(
        self,
        target: str,
        subscription: str,
        handler: Callable[[protos.Message], None],
        options: ConsumerOptions | None = None,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        channel_options: ChannelOptions = (),
    ) -> None:
        self._target = target
        self._subscription = subscription
        self._handler = handler
        self._options = options or ConsumerOptions()
        self._credentials = credentials
        self._channel_options = channel_options
        # Reentrant: a signal handler may call `stop` in the thread that holds the lock.
        self._lock = threading.RLock()
        self._stopped = False
        self._running: tuple[asyncio.AbstractEventLoop, AsyncConsumer] | None = None

    def run(self) -> None:
        """Consume until `stop`, then finish running handlers. Raises grpc.RpcError if no retry can help."""
        with ThreadPoolExecutor(self._options.max_outstanding, "consumer") as threads:
            asyncio.run(self._run(threads))

    def stop(self) -> None:
        """Accept no more messages and let `run` return. Thread-safe, and safe in a signal handler."""
        with self._lock:
            self._stopped = True
            if self._running:
                loop, consumer = self._running
                loop.call_soon_threadsafe(consumer.stop)

    async def _run(self, threads: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()

        async def handle(message: protos.Message) -> None:
            call = loop.run_in_executor(threads, copy_context().run, self._handler, message)
            while not call.done():  # also after a cancellation: the thread goes on
                with suppress(asyncio.CancelledError):
                    await asyncio.wait((call,))
            call.result()

        async with connect_async(
            self._target, "order_sync", credentials=self._credentials, options=self._channel_options
        ) as channel:
            consumer = AsyncConsumer(channel, self._subscription, handle, self._options)
            with self._lock:
                self._running = loop, consumer
                if self._stopped:
                    consumer.stop()
            try:
                await consumer.run()
            finally:
                with self._lock:
                    self._running = None
