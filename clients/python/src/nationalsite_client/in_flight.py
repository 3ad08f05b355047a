"""The messages that a consumer works on, each with the task that handles it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

from nationalsite.ordersync import v1 as protos

from nationalsite_client.backoff import backoff_s
from nationalsite_client.consumer_options import ConsumerOptions
from nationalsite_client.request_queue import RequestQueue

Handler: TypeAlias = Callable[[protos.Message], Awaitable[None]]

_MAX_REMEMBERED_IDS = 2000
"""Handled messages to remember, in case their acknowledgements were lost with a stream: twice the largest
`max_outstanding`."""

_log = logging.getLogger("nationalsite_client")


class InFlightMessages:
    """Runs one handler for each message, acknowledges the message afterwards, or releases it on failure."""

    def __init__(self, handler: Handler, options: ConsumerOptions, requests: RequestQueue) -> None:
        self._handler = handler
        self._options = options
        self._requests = requests
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._leased_ids: set[str] = set()
        """Messages whose lease the current stream holds. Leases of earlier streams ended with them."""
        self._handled_ids: dict[str, None] = {}
        """In the order in which they were handled."""
        self._slot_freed = asyncio.Event()
        self._closing = asyncio.Event()

    def reset_leases(self) -> None:
        """Prepare for a new stream: leases ended with the last one."""
        self._leased_ids.clear()

    async def submit(self, message: protos.Message) -> None:
        """Start a handler as soon as a slot is free; a redelivered message gets no second handler."""
        message_id = message.message_id
        if message_id in self._handled_ids:
            self._requests.ack(message_id)
            return
        while message_id not in self._tasks and len(self._tasks) >= self._options.max_outstanding:
            self._slot_freed.clear()
            await self._slot_freed.wait()
        if self._closing.is_set() and message_id not in self._tasks:
            return  # the service redelivers it when the stream ends
        self._leased_ids.add(message_id)
        if message_id not in self._tasks:
            self._tasks[message_id] = asyncio.create_task(self._process(message))

    async def extend_leases(self) -> None:
        """Extend leases until cancelled."""
        while True:
            await asyncio.sleep(self._options.lease_s / 3)
            if message_ids := [message_id for message_id in self._tasks if message_id in self._leased_ids]:
                self._requests.set_lease(message_ids, self._options.lease_s)

    async def finish(self) -> None:
        """Accept no more messages, wait for handlers up to the grace period, then cancel the rest."""
        self._closing.set()
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=self._options.stop_grace_s)
        await self.cancel()

    async def cancel(self) -> None:
        """Cancel all handlers."""
        self._closing.set()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _process(self, message: protos.Message) -> None:
        message_id = message.message_id
        try:
            async with asyncio.timeout(self._options.handler_timeout_s):
                await self._handler(message)
        except Exception:  # a handler may raise anything; its message is released in any case
            _log.exception("handler_failed message_id=%s topic=%s", message_id, message.topic)
            await self._delay_release(backoff_s(message.delivery_attempt))
            if message_id in self._leased_ids:
                self._requests.set_lease([message_id], 0)
        else:
            self._remember(message_id)
            self._requests.ack(message_id)
        finally:
            self._leased_ids.discard(message_id)
            del self._tasks[message_id]
            self._slot_freed.set()

    async def _delay_release(self, delay_s: float) -> None:
        """Wait before a failed message is released.

        The service redelivers a released message at once, and dead-letters it after ten deliveries.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), delay_s)

    def _remember(self, message_id: str) -> None:
        self._handled_ids[message_id] = None
        while len(self._handled_ids) > _MAX_REMEMBERED_IDS:
            del self._handled_ids[next(iter(self._handled_ids))]
