"""One message, and what became of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class MessageState(StrEnum):
    """Where a message is."""

    QUEUED = "queued"
    """It waits for its push, for another try, or for the answer."""
    PUSHED = "pushed"
    FAILED = "failed"
    """Nobody took it; the replay operations give it."""
    CONFIRMED = "confirmed"
    """It failed, was replayed, and need not be any more."""
    FORGOTTEN = "forgotten"
    """It failed, and nobody came for it in time."""


@dataclass(slots=True, kw_only=True, eq=False)
class Message:
    """One message. Its state is changed by the outbox and the failed messages alone."""

    message_id: int | str
    topic: str
    data: Any
    """A JSON value: an object, or as a recorded variant the text of one."""
    user_info: str
    """The member whom it is about."""
    born_ms: int
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further members of the envelope."""
    state: MessageState = MessageState.QUEUED
    attempts: int = 0
    last_answer: int | str | None = None
    """The HTTP status of the latest push, or why there is none."""

    def envelope(self) -> dict[str, Any]:
        """The message as it is pushed."""
        return {
            "msgId": self.message_id,
            "gmtBorn": self.born_ms,
            "data": self.data,
            "userInfo": self.user_info,
            "type": self.topic,
            **self.more,
        }

    def text(self) -> str:
        """The envelope as JSON."""
        return json.dumps(self.envelope(), ensure_ascii=False, separators=(",", ":"))
