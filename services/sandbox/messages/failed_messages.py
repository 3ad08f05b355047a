"""The messages whose push failed. They are stored for the replay operations."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.sandbox.controls.clock import Clock
from services.sandbox.messages.message import Message, MessageState

RETENTION_MS = 7 * 24 * 3600 * 1000
"""How long a failed message is stored after its event. Older documents of 1688 say three months."""
MAX_MESSAGES = 20_000
"""The oldest expires first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFilter:
    """The conditions that a message must match. None: no condition."""

    min_event_time_ms: int | None = None
    max_event_time_ms: int | None = None
    """This time is still included."""
    topic: str | None = None
    user_info: str | None = None

    def matches(self, message: Message) -> bool:
        """Return whether a message matches all conditions."""
        return (
            (self.min_event_time_ms is None or self.min_event_time_ms <= message.event_time_ms)
            and (self.max_event_time_ms is None or message.event_time_ms <= self.max_event_time_ms)
            and self.topic in (None, message.topic)
            and self.user_info in (None, message.user_info)
        )


class FailedMessages:
    """The failed messages, in the order in which they failed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._messages: dict[str, Message] = {}
        self.confirmed = 0
        """The number of messages that were confirmed."""
        self.expired = 0
        """The number of messages that were dropped before they were confirmed."""

    @property
    def count(self) -> int:
        """The number of messages that can be replayed."""
        self._expire_old()
        return len(self._messages)

    def add(self, message: Message) -> None:
        """Store a message as failed."""
        message.state = MessageState.FAILED
        self._messages[str(message.message_id)] = message
        if len(self._messages) > MAX_MESSAGES:
            self._expire([next(iter(self._messages.values()))])

    def discard(self, message: Message) -> bool:
        """Remove a message that is to be pushed again, and return whether it was here."""
        return self._messages.pop(str(message.message_id), None) is not None

    def select(self, message_filter: MessageFilter) -> list[Message]:
        """Return the messages that match a filter."""
        self._expire_old()
        return [message for message in self._messages.values() if message_filter.matches(message)]

    def confirm(self, message_ids: Iterable[str]) -> None:
        """Remove messages. Unknown ids are ignored."""
        for message_id in message_ids:
            message = self._messages.pop(message_id, None)
            if message is not None:
                message.state = MessageState.CONFIRMED
                self.confirmed += 1

    def _expire_old(self) -> None:
        cutoff_ms = self._clock.now_ms() - RETENTION_MS
        self._expire([message for message in self._messages.values() if message.event_time_ms < cutoff_ms])

    def _expire(self, messages: Iterable[Message]) -> None:
        for message in messages:
            del self._messages[str(message.message_id)]
            message.state = MessageState.EXPIRED
            self.expired += 1
