"""The messages that a consumer works on, each with the task that handles it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeAlias

from nationalsite.ordersync import v1 as protos

from nationalsite_client.backoff import backoff_s
from nationalsite_client.consumer_options import ConsumerOptions
from nationalsite_client.request_queue import RequestQueue

Handler: TypeAlias = Callable[[protos.Message], Awaitable[None]]

_MAX_REMEMBERED_IDS = 2000
"""Handled messages to remember, in case their acknowledgements were lost with a stream: twice the largest
`max_outstanding`."""
_CANCEL_TIMEOUT_S = 5.0
"""How long handlers may take to end after they were cancelled."""

_log = logging.getLogger("nationalsite_client")
_received_message: ContextVar[protos.ReceivedMessage] = ContextVar("received_message")


def get_received_message() -> protos.ReceivedMessage:
    """Return the delivery for which a consumer has called the running handler.

    It has the number of the delivery (`delivery_attempt`), and the end of the lease before the consumer
    extends it (`lease_expire_time`). Raises LookupError outside a handler.
    """
    return _received_message.get()


@dataclass(slots=True, kw_only=True, eq=False)
class _InFlightMessage:
    """A message that a handler works on, or that waits until another handler returns.

    The service delivers at most `max_outstanding` messages at a time, but it does not know of handlers whose
    lease has ended.
    """

    received: protos.ReceivedMessage
    """The last delivery."""
    extend_until_s: float
    """When the consumer stops extending the lease (loop time). A handler may run longer than that."""
    leased: bool = True
    """Whether the current stream holds the lease."""
    lapsed: bool = False
    """Whether the service has reported that the lease had ended."""
    timeout: asyncio.Timeout | None = None
    """The timeout of the handler, while it runs."""

    @property
    def message_id(self) -> str:
        return self.received.message.message_id

    def cancel_handler(self) -> bool:
        """Let the handler time out now; return whether it is running."""
        if self.timeout is None or self.timeout.expired():
            return False
        self.timeout.reschedule(0)
        return True


class InFlightMessages:
    """Runs one handler for each message, acknowledges the message afterwards, or releases it on failure."""

    def __init__(self, handler: Handler, options: ConsumerOptions, requests: RequestQueue) -> None:
        self._handler = handler
        self._options = options
        self._requests = requests
        self._messages: dict[str, _InFlightMessage] = {}
        """By message id."""
        self._waiting: list[_InFlightMessage] = []
        """Those of `_messages` that have no handler yet, the oldest first."""
        self._tasks: set[asyncio.Task[None]] = set()
        """One for each message that has a handler."""
        self._handled: dict[str, str] = {}
        """Message id to the ack id of its last delivery, in the order in which the messages were handled."""
        self._closing = asyncio.Event()

    def reset_leases(self) -> None:
        """Forget the leases of a stream that has ended: the service may deliver its messages again."""
        for message in self._messages.values():
            message.leased = False
        self._drop_waiting(lambda _: True)

    def submit(self, received: protos.ReceivedMessage) -> None:
        """Start a handler, if necessary after another one has returned.

        A redelivered message gets no second handler: if it is in flight, the new lease replaces the old one;
        if it was handled, it is acknowledged again.
        """
        message_id = received.message.message_id
        if message_id in self._handled:
            self._handled[message_id] = received.ack_id
            self._requests.ack(received.ack_id)
        elif message := self._messages.get(message_id):
            message.received, message.leased, message.lapsed = received, True, False
        elif not self._closing.is_set():  # otherwise the service redelivers it when the stream ends
            message = _InFlightMessage(
                received=received, extend_until_s=_now_s() + self._options.handler_timeout_s
            )
            self._messages[message_id] = message
            self._waiting.append(message)
            self._start_handlers()

    def lapse(self, ack_ids: Collection[str]) -> None:
        """End the work on messages whose leases the service has reported as ended."""
        lapsed = frozenset(ack_ids)
        for message in self._messages.values():
            if message.received.ack_id in lapsed:
                message.leased, message.lapsed = False, True
                if message.cancel_handler():
                    topic = message.received.message.topic
                    _log.warning("lease_lapsed message_id=%s topic=%s", message.message_id, topic)
        self._drop_waiting(lambda message: message.lapsed)
        for message_id, ack_id in self._handled.items():
            if ack_id in lapsed:
                _log.warning("ack_lapsed message_id=%s", message_id)

    async def extend_leases(self) -> None:
        """Extend leases until cancelled. Releases messages that have waited for too long."""
        while True:
            await asyncio.sleep(self._options.lease_s / 3)
            self._drop_waiting(lambda message: message.extend_until_s < _now_s())
            ack_ids = [
                message.received.ack_id
                for message in self._messages.values()
                if message.leased and message.extend_until_s > _now_s()
            ]
            self._requests.set_lease(ack_ids, self._options.lease_s)

    async def finish(self) -> None:
        """Accept no more messages, wait for handlers up to the grace period, then let the rest time out."""
        self._closing.set()
        self._drop_waiting(lambda _: True)
        await self._wait(self._options.stop_grace_s)
        for message in self._messages.values():
            message.cancel_handler()
        await self._wait(_CANCEL_TIMEOUT_S)

    async def cancel(self) -> None:
        """Cancel all handlers."""
        self._closing.set()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait(self, timeout_s: float) -> None:
        """Wait until no handler runs."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)

    def _start_handlers(self) -> None:
        """Start handlers for messages that wait, up to `max_outstanding`."""
        while self._waiting and len(self._tasks) < self._options.max_outstanding:
            task = asyncio.create_task(self._process(self._waiting.pop(0)))
            self._tasks.add(task)
            task.add_done_callback(self._end_task)

    def _end_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not self._closing.is_set():
            self._start_handlers()

    def _drop_waiting(self, is_dropped: Callable[[_InFlightMessage], bool]) -> None:
        """Release messages that wait."""
        dropped = [message for message in self._waiting if is_dropped(message)]
        for message in dropped:
            self._waiting.remove(message)
            del self._messages[message.message_id]
        self._requests.set_lease([message.received.ack_id for message in dropped if message.leased], 0)

    async def _process(self, message: _InFlightMessage) -> None:
        message_id = message.message_id
        try:
            await self._call_handler(message)
        except (Exception, asyncio.CancelledError):
            # A handler may raise anything, also the CancelledError of a task that it awaits.
            if is_cancelled():
                raise
            if not message.lapsed:
                topic = message.received.message.topic
                _log.exception("handler_failed message_id=%s topic=%s", message_id, topic)
            await self._delay_release(message)
            if message.leased:
                self._requests.set_lease([message.received.ack_id], 0)
        else:
            self._remember(message)
            if not message.lapsed:
                self._requests.ack(message.received.ack_id)
        finally:
            del self._messages[message_id]

    async def _call_handler(self, message: _InFlightMessage) -> None:
        message.extend_until_s = _now_s() + self._options.handler_timeout_s
        _received_message.set(message.received)
        timeout_s = 0.0 if message.lapsed else self._options.handler_timeout_s
        try:
            async with asyncio.timeout(timeout_s) as message.timeout:
                await self._handler(message.received.message)
        finally:
            message.timeout = None

    async def _delay_release(self, message: _InFlightMessage) -> None:
        """Wait before a failed message is released.

        The service redelivers a released message at once, and dead-letters it after ten deliveries.
        """
        delay_s = backoff_s(message.received.delivery_attempt)
        message.extend_until_s = _now_s() + delay_s
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), delay_s)

    def _remember(self, message: _InFlightMessage) -> None:
        self._handled[message.message_id] = message.received.ack_id
        while len(self._handled) > _MAX_REMEMBERED_IDS:
            del self._handled[next(iter(self._handled))]


def is_cancelled() -> bool:
    """Whether the running task itself is cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _now_s() -> float:
    return asyncio.get_running_loop().time()
