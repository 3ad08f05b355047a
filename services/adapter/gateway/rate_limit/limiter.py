"""The interface of the rate limiters, and the policy that all of them follow."""

from dataclasses import dataclass
from typing import Protocol

APP = "app"
"""The scope of all calls. The other scopes are 1688's ids of operations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePolicy:
    """How a rate adapts: down by a factor, up by a constant (AIMD)."""

    burst_s: float = 0.1
    """A burst may take the permits of this time in advance: at 50 calls/s, 0.1 allows 5 calls at once."""
    decrease: float = 0.7
    """The part that is left of the rate at which 1688 rejected a call."""
    increase: float = 0.05
    """Each second the rate rises by this part of the lowered rate, or by `min_rate` if that is more."""
    min_rate: float = 1.0
    """Calls per second that are always allowed, unless the ceiling is lower."""
    cooldown_s: float = 1.0
    """Further rejections within this time do not lower the rate: their calls were already in flight."""
    reset_after_s: float = 30.0
    """Without a rejection for this time, a scope has its ceiling again, or no limit."""


class RateLimiter(Protocol):
    """Grants permits for calls. Never raises because of its own failures."""

    async def acquire(self, api_id: str, max_wait_s: float) -> float | None:
        """Take a permit; return how long to wait before using it.

        Returns None, and takes no permit, if the wait is longer than `max_wait_s`.
        """

    def release(self, api_id: str) -> None:
        """Return a permit that was not used."""

    async def on_rate_limited(self, api_id: str, scope: str) -> None:
        """Lower the rate of a scope: 1688 rejected a call of `api_id` because of it."""

    async def close(self) -> None:
        """Finish what runs in the background."""
