"""The settings of pushes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

MAX_QUEUED = 20_000
MAX_IN_FLIGHT = 256


class SignatureMode(StrEnum):
    """How pushes are signed."""

    VALID = "valid"
    """The signature covers all parameters, including those of the query string."""
    MESSAGE_ONLY = "message_only"
    """The signature covers the message only."""
    LOWER_CASE = "lower_case"
    INVALID = "invalid"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSettings:
    """Where and how messages are pushed."""

    callback_url: str | None = None
    """None: all messages fail."""
    max_retries: int = 3
    """Attempts after the first."""
    retry_interval_ms: int = 500
    """An assumption: not documented."""
    timeout_ms: int = 5_000
    """Timeout of a push, including connecting."""
    delay_ms: int = 0
    """Delay of the first attempt after the event."""
    max_in_flight: int = 8
    """Pushes at the same time."""
    max_queued: int = 10_000
    """Pushes that may wait. When the queue is full, new messages fail."""
    paused: bool = False
    """True: nothing is pushed."""
    duplicate_rate: float = 0
    """Average number of duplicate pushes per message; 0.3: 30 % of the messages are pushed twice."""
    shuffle: bool = False
    """True: due pushes are sent in random order."""
    signature_mode: SignatureMode = SignatureMode.VALID
    extra_form: Mapping[str, str] = field(default_factory=dict)
    """Further parameters in the body."""
    extra_query: Mapping[str, str] = field(default_factory=dict)
    """Further parameters in the query string."""


def is_callback_url(text: str) -> bool:
    """Return whether messages can be pushed to this address."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
