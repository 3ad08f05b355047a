"""Where and how messages are pushed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

MAX_QUEUE = 20_000
MAX_IN_FLIGHT = 256


class Signing(StrEnum):
    """What a push has for a signature."""

    RIGHT = "right"
    """Over every parameter that is sent, those of the query string too."""
    MESSAGE_ONLY = "message_only"
    """Over the message alone, whatever else is sent."""
    LOWER_CASE = "lower_case"
    WRONG = "wrong"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSettings:
    """How the platform pushes."""

    callback_url: str | None = None
    """None = nobody takes messages."""
    tries: int = 3
    """How many more, after the first one."""
    spacing_ms: int = 500
    """Between two tries. Made up: no figure is known."""
    timeout_ms: int = 5_000
    """Until an answer must be there."""
    delay_ms: int = 0
    """From the event to the first try."""
    in_flight: int = 8
    """Pushes at once."""
    queue: int = 10_000
    """Messages that may wait; what comes when it is full has failed."""
    paused: bool = False
    """Nothing is taken out of the queue."""
    duplicates: float = 0
    """How many more times a message is pushed; 0.3 = three in ten once more."""
    shuffle: bool = False
    """What waits together is pushed in any order."""
    signing: Signing = Signing.RIGHT
    form: Mapping[str, str] = field(default_factory=dict)
    """Parameters to send besides, in the body."""
    query: Mapping[str, str] = field(default_factory=dict)
    """Parameters to send besides, in the query string."""


def is_callback_url(text: str) -> bool:
    """Whether messages can be pushed to this address."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
