"""The outbox: all messages, and the queue of their pushes."""

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from services.sandbox.catalog.seeded_random import SeededRandom
from services.sandbox.controls.clock import Clock
from services.sandbox.credentials import MEMBER_ID
from services.sandbox.messages.failed_messages import FailedMessages
from services.sandbox.messages.message import Message, MessageState
from services.sandbox.messages.push_queue import PushQueue, QueuedPush
from services.sandbox.messages.push_settings import PushSettings

MAX_MESSAGES = 20_000
"""Maximum number of messages that the admin API shows. The oldest is dropped first."""
SUCCESS_STATUSES = frozenset({200, 204})
"""200 is documented; receivers that use 1688's SDK respond with 204."""
NO_CALLBACK, QUEUE_FULL = "no callback", "queue full"
"""Why a message was never pushed."""


class CannotPush(Exception):
    """A message cannot be pushed again now."""


@dataclass(slots=True, kw_only=True)
class Counts:
    """Counts since the start or the last reset; `in_flight` is the number now."""

    created: int = 0
    """Messages."""
    pushed: int = 0
    """Messages that the callback accepted."""
    attempts: int = 0
    """Pushes, including duplicates and failures."""
    in_flight: int = 0
    """Pushes now."""
    peak_in_flight: int = 0


class Outbox:
    """Creates messages, queues their pushes, and records the results. The pusher sends them."""

    def __init__(self, clock: Clock, settings: PushSettings) -> None:
        self.settings = settings
        self.counts = Counts()
        self.failed_messages = FailedMessages(clock)
        self.changed = asyncio.Event()
        """Set when the queue or the settings change; it wakes the pusher."""
        self.closed = False
        self._clock = clock
        self._messages: deque[Message] = deque(maxlen=MAX_MESSAGES)
        self._queue = PushQueue()
        self._rng = SeededRandom("duplicates")
        # Receivers store ids for days, so ids are unique even after a reset or a restart.
        self._next_id = time.time_ns() // 1000

    @property
    def queued(self) -> int:
        """The number of pushes that wait."""
        return len(self._queue)

    def latest(self, state: str | None, limit: int) -> list[Message]:
        """Return the latest messages in chronological order. `state` None: in any state."""
        messages = [message for message in self._messages if state in (None, message.state)]
        return messages[max(0, len(messages) - limit) :]

    def add(
        self,
        topic: str,
        data: Any,
        *,
        user_info: str = MEMBER_ID,
        event_time_ms: int | None = None,
        id_as_text: bool = False,
        extra_members: Mapping[str, Any] | None = None,
    ) -> Message:
        """Create a message. It fails at once if there is no callback, or if the queue is full."""
        message = Message(
            message_id=str(self._next_id) if id_as_text else self._next_id,
            topic=topic,
            data=data,
            user_info=user_info,
            event_time_ms=self._clock.now_ms() if event_time_ms is None else event_time_ms,
            extra_members=extra_members or {},
        )
        self._next_id += 1
        self.counts.created += 1
        self._messages.append(message)
        if self.settings.callback_url is None:
            self._fail(message, NO_CALLBACK)
        elif self.queued >= self.settings.max_queued:
            self._fail(message, QUEUE_FULL)
        else:
            self._enqueue(message)
        return message

    def find(self, message_id: str) -> Message | None:
        """Return the message with this id, a number or text."""
        return next((message for message in self._messages if str(message.message_id) == message_id), None)

    def push_again(self, message: Message) -> None:
        """Queue one more push, with retries if the message has failed. Raises CannotPush.

        A message that has not failed keeps its state: the push is a duplicate.
        """
        if message.state is MessageState.QUEUED:
            raise CannotPush("the message is queued already")
        if self.settings.callback_url is None:
            raise CannotPush(NO_CALLBACK)
        if self.queued >= self.settings.max_queued:
            raise CannotPush(QUEUE_FULL)
        has_failed = self.failed_messages.discard(message)
        if has_failed:
            message.state = MessageState.QUEUED
        retries = self.settings.max_retries if has_failed else 0
        self._queue.put(QueuedPush(message=message, retries_left=retries, is_duplicate=not has_failed), 0)
        self.changed.set()

    def change_settings(self, settings: PushSettings) -> None:
        """Replace the settings. Without a callback, all queued messages fail."""
        self.settings = settings
        if settings.callback_url is None:
            for push in self._queue.clear():
                self._fail(push.message, NO_CALLBACK)
        self.changed.set()

    def pop_due(self) -> QueuedPush | None:
        """Remove the next due push from the queue and return it."""
        return None if self.settings.paused else self._queue.pop_due(shuffled=self.settings.shuffle)

    def next_due_s(self) -> float | None:
        """Return the seconds until a push is due; None if none waits or pushes are paused."""
        return None if self.settings.paused else self._queue.next_due_s()

    @contextmanager
    def track_push(self, push: QueuedPush) -> Iterator[None]:
        """Count a push, which is in flight until the context manager exits."""
        counts = self.counts
        counts.attempts += 1
        counts.in_flight += 1
        counts.peak_in_flight = max(counts.peak_in_flight, counts.in_flight)
        push.message.attempts += 1
        try:
            yield
        finally:
            counts.in_flight -= 1

    def record_result(self, push: QueuedPush, result: int | str) -> None:
        """Record the result of a push: its HTTP status, or why it has none."""
        message = push.message
        message.last_result = result
        if result in SUCCESS_STATUSES:
            if message.state is MessageState.QUEUED:
                message.state = MessageState.PUSHED
                self.counts.pushed += 1
        elif push.retries_left and self.settings.callback_url is not None:
            push.retries_left -= 1
            self._queue.put(push, self.settings.retry_interval_ms / 1000)
        elif not push.is_duplicate:
            self._fail(message, result)

    def close(self) -> None:
        """Stop all pushes of this outbox."""
        self.closed = True
        self.changed.set()

    def _enqueue(self, message: Message) -> None:
        delay_s = self.settings.delay_ms / 1000
        self._queue.put(QueuedPush(message=message, retries_left=self.settings.max_retries), delay_s)
        integer, fraction = divmod(self.settings.duplicate_rate, 1)
        has_another = self._rng.chance(f"message {self.counts.created}", round(fraction * 100))
        duplicates = int(integer) + has_another
        for _ in range(min(duplicates, self.settings.max_queued - self.queued)):
            self._queue.put(QueuedPush(message=message, retries_left=0, is_duplicate=True), delay_s)
        self.changed.set()

    def _fail(self, message: Message, reason: int | str) -> None:
        if message.state is MessageState.QUEUED:
            message.last_result = reason
            self.failed_messages.add(message)
