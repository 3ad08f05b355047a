"""The messages that a consumer has in hand: each with the task that handles it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

from nationalsite.ordersync import v1 as protos

from nationalsite_client.backoff import pause_s
from nationalsite_client.consumer_options import ConsumerOptions
from nationalsite_client.outbox import Outbox

Handler: TypeAlias = Callable[[protos.Message], Awaitable[None]]

_REMEMBERED = 2000
"""Handled messages whose acknowledgement may have been lost with a stream: twice what can be out."""

_log = logging.getLogger("nationalsite_client")


class Hand:
    """Handles each message once at a time; acknowledges it afterwards, or gives it back where that failed."""

    def __init__(self, handler: Handler, options: ConsumerOptions, outbox: Outbox) -> None:
        self._handler = handler
        self._options = options
        self._outbox = outbox
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._leased: set[str] = set()
        """Those in hand that the present stream handed out: the others' leases ended with theirs."""
        self._handled: dict[str, None] = {}
        self._room = asyncio.Event()
        self._closing = asyncio.Event()

    def begin(self) -> None:
        """Another stream begins: what is in hand may be handed out once more."""
        self._leased.clear()

    async def take(self, message: protos.Message) -> None:
        """Handle a message when there is room, unless it is in hand or was handled already."""
        message_id = message.message_id
        if message_id in self._handled:
            self._outbox.ack(message_id)
            return
        while message_id not in self._tasks and len(self._tasks) >= self._options.max_outstanding:
            self._room.clear()
            await self._room.wait()
        if self._closing.is_set() and message_id not in self._tasks:
            return  # free for others when the stream ends
        self._leased.add(message_id)
        if message_id not in self._tasks:
            self._tasks[message_id] = asyncio.create_task(self._handle(message))

    async def extend(self) -> None:
        """Extend leases for as long as it is not cancelled."""
        while True:
            await asyncio.sleep(self._options.lease_s / 3)
            if running := [each for each in self._tasks if each in self._leased]:
                self._outbox.set_lease(running, self._options.lease_s)

    async def finish(self) -> None:
        """Begin no more, and wait for what runs, within the grace; what is left then is cancelled."""
        self._closing.set()
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=self._options.stop_grace_s)
        await self.drop()

    async def drop(self) -> None:
        """Cancel what runs."""
        self._closing.set()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _handle(self, message: protos.Message) -> None:
        message_id = message.message_id
        try:
            async with asyncio.timeout(self._options.handler_timeout_s):
                await self._handler(message)
        except Exception:  # whatever a handler raises, its message is given back
            _log.exception("message %s (%s) could not be handled", message_id, message.topic)
            await self._pause(pause_s(message.delivery_attempt))
            if message_id in self._leased:
                self._outbox.set_lease([message_id], 0)
        else:
            self._remember(message_id)
            self._outbox.ack(message_id)
        finally:
            self._leased.discard(message_id)
            del self._tasks[message_id]
            self._room.set()

    async def _pause(self, seconds: float) -> None:
        """Keep what failed for a while: given back it comes again at once, and is dead after ten times."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)

    def _remember(self, message_id: str) -> None:
        self._handled[message_id] = None
        while len(self._handled) > _REMEMBERED:
            del self._handled[next(iter(self._handled))]
