"""What became of one attempt to send a delivery."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """1688 accepted it."""

    results: bytes | None = None
    """Kept with the delivery for its callers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """It failed, or a part of it, and another attempt may help."""

    error: bytes
    """Why; kept with the delivery for its callers."""
    retry_after_s: float = 0.0
    """Not before, where that is longer than the backoff."""
    unclear: bool = False
    """Whether it may have been done nevertheless: the next attempt is told so by `interrupted`."""
    progress: bytes | None = None
    """Handed to the next attempt, so that what was done is not done again; None keeps the former."""
    results: bytes | None = None
    """What is known so far; None keeps the former."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """It failed in a way that another attempt cannot cure."""

    error: bytes
    """Why; kept with the delivery for its callers."""
    progress: bytes | None = None
    """Handed to the next attempt after a retry by hand; None keeps the former."""
    results: bytes | None = None
    """What is known so far; None keeps the former."""


Outcome = Delivered | Retry | Dead
