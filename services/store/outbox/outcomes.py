"""The outcome of one attempt to send a delivery."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredOutcome:
    """1688 accepted it."""

    results: bytes | None = None
    """Stored for callers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOutcome:
    """It failed, or a part of it, and another attempt may succeed."""

    error: bytes
    """Stored for callers."""
    retry_after_s: float = 0.0
    """The minimum delay, if the backoff's is shorter."""
    outcome_unknown: bool = False
    """Whether 1688 may have executed it. The next attempt then has `previous_outcome_unknown`."""
    progress: bytes | None = None
    """Passed to the next attempt, so that it does not send the completed part again. None keeps the last."""
    results: bytes | None = None
    """The results so far. None keeps the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadOutcome:
    """It failed with a permanent error."""

    error: bytes
    """Stored for callers."""
    progress: bytes | None = None
    """Passed to the next attempt, if a caller retries it. None keeps the last."""
    results: bytes | None = None
    """The results so far. None keeps the last."""


Outcome = DeliveredOutcome | RetryOutcome | DeadOutcome
