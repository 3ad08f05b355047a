"""The rate limiter of one process."""

from collections.abc import Mapping

from services.adapter.gateway.call import MonotonicClock
from services.adapter.gateway.metrics import set_rate_limit
from services.adapter.gateway.rate_limit.adaptive_rate import AdaptiveRate
from services.adapter.gateway.rate_limit.limiter import APP, RatePolicy


class LocalRateLimiter:
    """Grants permits in this process, at one rate for the app and one for each operation."""

    def __init__(self, policy: RatePolicy, ceilings: Mapping[str, float], clock: MonotonicClock) -> None:
        """`ceilings` maps scopes to their highest rate, in calls per second."""
        self._policy = policy
        self._ceilings = ceilings
        self._clock = clock
        self._rates: dict[str, AdaptiveRate] = {}

    def rate(self, scope: str) -> AdaptiveRate:
        """Return the rate of a scope."""
        if scope not in self._rates:
            rate = self._rates[scope] = AdaptiveRate(self._policy, self._ceilings.get(scope), self._clock)
            set_rate_limit(scope, rate.current)
        return self._rates[scope]

    async def acquire(self, api_id: str, max_wait_s: float) -> float | None:
        """Take a permit from both scopes: the app, and the operation."""
        app_rate, operation_rate = self.rate(APP), self.rate(api_id)
        wait_s = max(app_rate.wait_s(), operation_rate.wait_s())
        if wait_s and wait_s > max_wait_s:
            return None
        app_rate.acquire()
        operation_rate.acquire()
        return wait_s

    def get_rate(self, scope: str) -> float:
        """Return the present rate of a scope."""
        return self.rate(scope).current()

    def release(self, api_id: str) -> None:
        """Return the permit to both scopes."""
        for scope in (APP, api_id):
            self.rate(scope).release()

    async def on_rate_limited(self, api_id: str, scope: str) -> None:
        """Lower the rate of the scope."""
        self.rate(scope).on_rate_limited()

    async def close(self) -> None:
        """Nothing runs in the background."""
