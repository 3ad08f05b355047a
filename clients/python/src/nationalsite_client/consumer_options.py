"""How messages are consumed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerOptions:
    """Of a subscription, and of one consumer of it. OrderSyncService says what it permits."""

    topics: Sequence[str] = ()
    """Of a new subscription; empty: all."""
    start_time: datetime | None = None
    """Of a new subscription: also the messages since then, with a zone. None: from now on."""
    max_outstanding: int = 10
    """Messages in hand at once, 1 to 1,000: as many handlers run beside each other."""
    lease_s: float = 60.0
    """How long a message stays with a consumer that dies, 10 to 600; extended while a handler runs."""
    handler_timeout_s: float = 600.0
    """After so long a handler counts as failed."""
    stop_grace_s: float = 25.0
    """How long handlers may go on after `stop`."""

    def __post_init__(self) -> None:
        if not 1 <= self.max_outstanding <= 1000:
            raise ValueError(f"max_outstanding must be from 1 to 1000, not {self.max_outstanding}")
        if not 10 <= self.lease_s <= 600:
            raise ValueError(f"lease_s must be from 10 to 600, not {self.lease_s:g}")
        if self.start_time is not None and self.start_time.tzinfo is None:
            raise ValueError("start_time must have a zone")
