"""The outcome of one attempt to send a delivery."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredOutcome:
    """1688 accepted the delivery."""

    results: bytes | None = None
    """Stored for callers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOutcome:
    """The attempt failed, completely or for a part, and another attempt may succeed."""

    error: bytes
    """Stored for callers."""
    retry_after_s: float = 0.0
    """Minimum delay of the next attempt. The backoff may make the delay longer."""
    outcome_unknown: bool = False
    """Whether 1688 may have executed this attempt. The next one then gets `previous_outcome_unknown`."""
    results: bytes | None = None
    """The results so far, for callers and for the next attempt, which does not send completed parts again.

    None keeps the old one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadOutcome:
    """The attempt failed with a permanent error."""

    error: bytes
    """Stored for callers."""
    results: bytes | None = None
    """The results so far. None keeps the old one."""


Outcome = DeliveredOutcome | RetryOutcome | DeadOutcome
