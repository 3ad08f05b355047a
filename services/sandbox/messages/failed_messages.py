"""The messages that nobody took, kept for the replay operations."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.sandbox.controls.clock import Clock
from services.sandbox.messages.message import Message, MessageState

KEPT_MS = 7 * 24 * 3600 * 1000
"""From the making of a message. One copy of the documents says three months, a newer one seven days."""
KEPT_MESSAGES = 20_000
"""The oldest is forgotten first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which messages to give; None = any."""

    born_from_ms: int | None = None
    born_to_ms: int | None = None
    """Included."""
    topic: str | None = None
    user_info: str | None = None

    def takes(self, message: Message) -> bool:
        """Whether a message is wanted."""
        return (
            (self.born_from_ms is None or self.born_from_ms <= message.born_ms)
            and (self.born_to_ms is None or message.born_ms <= self.born_to_ms)
            and self.topic in (None, message.topic)
            and self.user_info in (None, message.user_info)
        )


class FailedMessages:
    """The store, in the order in which the messages failed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._messages: dict[str, Message] = {}
        self.confirmed = 0
        """How many were confirmed."""
        self.forgotten = 0
        """How many nobody came for in time."""

    @property
    def waiting(self) -> int:
        """How many can be replayed."""
        self._forget_old()
        return len(self._messages)

    def add(self, message: Message) -> None:
        """Keeps a message."""
        message.state = MessageState.FAILED
        self._messages[str(message.message_id)] = message
        if len(self._messages) > KEPT_MESSAGES:
            self._forget([next(iter(self._messages.values()))])

    def wanted(self, wanted: Wanted) -> list[Message]:
        """Every message that is wanted and not too old."""
        self._forget_old()
        return [message for message in self._messages.values() if wanted.takes(message)]

    def confirm(self, message_ids: Iterable[str]) -> None:
        """Takes messages out for good; ids that are not known say nothing."""
        for message_id in message_ids:
            message = self._messages.pop(message_id, None)
            if message is not None:
                message.state = MessageState.CONFIRMED
                self.confirmed += 1

    def _forget_old(self) -> None:
        earliest_ms = self._clock.now_ms() - KEPT_MS
        self._forget([message for message in self._messages.values() if message.born_ms < earliest_ms])

    def _forget(self, messages: Iterable[Message]) -> None:
        for message in messages:
            del self._messages[str(message.message_id)]
            message.state = MessageState.FORGOTTEN
            self.forgotten += 1
