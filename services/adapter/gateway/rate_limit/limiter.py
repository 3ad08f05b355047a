"""The interface of the rate limiters, and the policy that all of them follow."""

from dataclasses import dataclass
from typing import Protocol

APP = "app"
"""The scope of all calls of the app. Each other scope is the API id of one operation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePolicy:
    """How a rate adapts: down by a factor, up by a constant (AIMD)."""

    burst_s: float = 0.1
    """A burst may use the permits of this many seconds at once: at 50 calls/s, 0.1 allows 5 calls."""
    decrease: float = 0.7
    """When 1688 rejects a call, the rate at that time is multiplied by this."""
    increase: float = 0.05
    """Each second the rate rises by this fraction of the lowered rate, or by `min_rate` if that is more."""
    min_rate: float = 1.0
    """Calls per second that are always allowed, unless the ceiling is lower."""
    cooldown_s: float = 1.0
    """Further rejections within this time do not lower the rate: their calls were already in flight."""
    reset_after_s: float = 30.0
    """After this time without a rejection, the rate is at its ceiling again; without a ceiling, unlimited."""


class RateLimiter(Protocol):
    """Grants permits for calls. Its own failures, such as Redis's, raise no exception."""

    async def acquire(self, api_id: str, max_wait_s: float) -> float | None:
        """Take a permit; return how long to wait before using it.

        Returns None, and takes no permit, if the wait is longer than `max_wait_s`.
        """

    def get_rate(self, scope: str) -> float:
        """Return the latest known rate of a scope, in calls per second; infinite without a limit."""

    def release(self, api_id: str) -> None:
        """Return a permit that was not used."""

    async def on_rate_limited(self, api_id: str, scope: str) -> None:
        """Lower the rate of a scope: 1688 rejected a call of `api_id` since that rate was too high."""

    async def close(self) -> None:
        """Finish the background tasks."""
