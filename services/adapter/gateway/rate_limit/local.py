"""Turns at 1688, per app and per operation: handed out by this process, or by Redis (redis_limits.py)."""

from collections.abc import Mapping
from typing import Protocol

from services.adapter.gateway.call import MonotonicClock
from services.adapter.gateway.middleware.metrics import show_rate
from services.adapter.gateway.rate_limit.adaptive_rate import AdaptiveRate, RatePolicy

APP = "app"
"""The scope of all calls; the others are 1688's ids of operations."""


class RateLimiter(Protocol):
    """Hands out turns. Never fails a call."""

    async def take(self, api: str, left_s: float) -> float | None:
        """Return how long to wait for a turn; None, and no turn, where that is longer than `left_s`."""

    def give_back(self, api: str) -> None:
        """Take back a turn that was not used."""

    async def refused(self, api: str, scope: str) -> None:
        """Note that 1688 found a scope's rate too high."""

    async def close(self) -> None:
        """Let go of what is under way."""


class LocalRateLimiter:
    """Turns of this process."""

    def __init__(self, policy: RatePolicy, ceilings: Mapping[str, float], clock: MonotonicClock) -> None:
        self._policy = policy
        self._ceilings = ceilings
        self._clock = clock
        self._rates: dict[str, AdaptiveRate] = {}

    def rate(self, scope: str) -> AdaptiveRate:
        """Return the rate of a scope."""
        if scope not in self._rates:
            rate = self._rates[scope] = AdaptiveRate(self._policy, self._ceilings.get(scope), self._clock)
            show_rate(scope, rate.current)
        return self._rates[scope]

    async def take(self, api: str, left_s: float) -> float | None:
        """Return how long to wait for a turn of both scopes."""
        rates = (self.rate(APP), self.rate(api))
        wait_s = max(rate.wait_s() for rate in rates)
        if wait_s and wait_s > left_s:
            return None
        for rate in rates:
            rate.take()
        return wait_s

    def give_back(self, api: str) -> None:
        """Take back a turn of both scopes."""
        for scope in (APP, api):
            self.rate(scope).give_back()

    async def refused(self, api: str, scope: str) -> None:
        """Lower the rate of the scope."""
        self.rate(scope).refused()

    async def close(self) -> None:
        """There is nothing under way."""
