"""Every message that was made: the queue of those that wait, and what became of the others."""

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from services.sandbox.catalog.seeded_random import Dice
from services.sandbox.controls.clock import Clock
from services.sandbox.credentials import MEMBER_ID
from services.sandbox.messages.failed_messages import FailedMessages
from services.sandbox.messages.message import Message, MessageState
from services.sandbox.messages.push_queue import Delivery, Queue
from services.sandbox.messages.push_settings import PushSettings

KEPT_MESSAGES = 20_000
"""For the admin side, whatever became of them; the oldest is forgotten first."""
TAKEN = frozenset({200, 204})
"""What says that a message was taken: 200 is documented, 204 is what the platform's own SDK answers."""
NO_CALLBACK, QUEUE_FULL = "no callback", "queue full"
"""Why a message was never pushed."""


@dataclass(slots=True, kw_only=True)
class Counts:
    """Since the start."""

    made: int = 0
    pushed: int = 0
    """Messages that were taken."""
    attempts: int = 0
    """Pushes, the duplicates and the failed ones too."""
    in_flight: int = 0
    """Pushes now."""
    peak_in_flight: int = 0


class Outbox:
    """Where messages are made, wait, and are settled. Pushing them is somebody else's job."""

    def __init__(self, clock: Clock, settings: PushSettings) -> None:
        self.settings = settings
        self.counts = Counts()
        self.failed = FailedMessages(clock)
        self.changed = asyncio.Event()
        """Set whenever there may be more to do, or less."""
        self.closed = False
        self._clock = clock
        self._kept: deque[Message] = deque(maxlen=KEPT_MESSAGES)
        self._queue = Queue()
        self._dice = Dice("duplicates")
        # Who takes messages knows them by their ids for days: none comes twice, nor after a restart.
        self._next_id = time.time_ns() // 1000

    @property
    def queued(self) -> int:
        """How many pushes wait."""
        return len(self._queue)

    def latest(self, state: str | None, limit: int) -> list[Message]:
        """The newest messages, the oldest of them first; of one state if it is given."""
        found = [message for message in self._kept if state in (None, message.state)]
        return found[max(0, len(found) - limit) :]

    def add(
        self,
        topic: str,
        data: Any,
        *,
        user_info: str = MEMBER_ID,
        born_ms: int | None = None,
        text_id: bool = False,
        more: Mapping[str, Any] | None = None,
    ) -> Message:
        """Makes a message; without a callback, and when the queue is full, it has failed."""
        message = Message(
            message_id=str(self._next_id) if text_id else self._next_id,
            topic=topic,
            data=data,
            user_info=user_info,
            born_ms=self._clock.now_ms() if born_ms is None else born_ms,
            more=more or {},
        )
        self._next_id += 1
        self.counts.made += 1
        self._kept.append(message)
        if self.settings.callback_url is None:
            self._fail(message, NO_CALLBACK)
        elif self.queued >= self.settings.queue:
            self._fail(message, QUEUE_FULL)
        else:
            self._enqueue(message)
        return message

    def change(self, settings: PushSettings) -> None:
        """From now on pushes go by these settings. What waits has failed if there is no callback any more."""
        self.settings = settings
        if settings.callback_url is None:
            for delivery in self._queue.clear():
                self._fail(delivery.message, NO_CALLBACK)
        self.changed.set()

    def take(self) -> Delivery | None:
        """The next delivery that is due, out of the queue."""
        return None if self.settings.paused else self._queue.take(shuffled=self.settings.shuffle)

    def next_due_s(self) -> float | None:
        """Seconds until there is something to take; None if that needs a change."""
        return None if self.settings.paused else self._queue.next_due_s()

    @contextmanager
    def pushing(self, delivery: Delivery) -> Iterator[None]:
        """Counts a push for as long as it lasts."""
        counts = self.counts
        counts.attempts += 1
        counts.in_flight += 1
        counts.peak_in_flight = max(counts.peak_in_flight, counts.in_flight)
        delivery.message.attempts += 1
        try:
            yield
        finally:
            counts.in_flight -= 1

    def settle(self, delivery: Delivery, answer: int | str) -> None:
        """Follows a push: `answer` is its HTTP status, or why there is none."""
        message = delivery.message
        message.last_answer = answer
        if answer in TAKEN:
            if message.state is MessageState.QUEUED:
                message.state = MessageState.PUSHED
                self.counts.pushed += 1
        elif delivery.tries_left and self.settings.callback_url is not None:
            delivery.tries_left -= 1
            self._queue.put(delivery, self.settings.spacing_ms / 1000)
        elif not delivery.is_copy:
            self._fail(message, answer)

    def close(self) -> None:
        """Nothing of this outbox is pushed any more."""
        self.closed = True
        self.changed.set()

    def _enqueue(self, message: Message) -> None:
        delay_s = self.settings.delay_ms / 1000
        self._queue.put(Delivery(message=message, tries_left=self.settings.tries), delay_s)
        whole, part = divmod(self.settings.duplicates, 1)
        copies = int(whole) + self._dice.chance(f"message {self.counts.made}", round(part * 100))
        for _ in range(min(copies, self.settings.queue - self.queued)):
            self._queue.put(Delivery(message=message, tries_left=0, is_copy=True), delay_s)
        self.changed.set()

    def _fail(self, message: Message, why: int | str) -> None:
        if message.state is MessageState.QUEUED:
            message.last_answer = why
            self.failed.add(message)
