"""A message and its state."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class MessageState(StrEnum):
    """The states of a message."""

    QUEUED = "queued"
    """It waits for its push, for a retry, or for the response of the callback."""
    PUSHED = "pushed"
    FAILED = "failed"
    """All pushes failed. The replay operations return it."""
    CONFIRMED = "confirmed"
    """All pushes failed, and the app has confirmed it. The replay operations no longer return it."""
    EXPIRED = "expired"
    """All pushes failed, and it was dropped before it was confirmed."""


@dataclass(slots=True, kw_only=True, eq=False)
class Message:
    """One message. Only `Outbox` and `FailedMessages` change its state."""

    message_id: int | str
    topic: str
    data: Any
    """A JSON value: an object, or, as in some recorded messages, an object as JSON text."""
    user_info: str
    """The member id of the buyer."""
    event_time_ms: int
    extra_members: Mapping[str, Any] = field(default_factory=dict)
    """Further members of the envelope."""
    state: MessageState = MessageState.QUEUED
    attempts: int = 0
    last_result: int | str | None = None
    """The HTTP status of the latest push, or why it has none."""

    def to_json(self) -> dict[str, Any]:
        """Return the message as it is pushed."""
        return {
            "msgId": self.message_id,
            "gmtBorn": self.event_time_ms,
            "data": self.data,
            "userInfo": self.user_info,
            "type": self.topic,
            **self.extra_members,
        }

    def to_json_text(self) -> str:
        """Return the message as JSON text."""
        return to_compact_json(self.to_json())


def to_compact_json(value: Any) -> str:
    """Return JSON text without blanks, and with Chinese text as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
