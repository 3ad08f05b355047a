"""The rate of one scope (all calls, or one operation): it falls when 1688 rejects calls, and recovers.

limits.lua computes the same for all replicas; a test compares the two.
"""

from math import inf

from services.adapter.gateway.call import MonotonicClock
from services.adapter.gateway.rate_limit.limiter import RatePolicy


class AdaptiveRate:
    """Grants permits at a rate. A call takes the next permit at once, and waits until the permit is due."""

    def __init__(self, policy: RatePolicy, ceiling: float | None, clock: MonotonicClock) -> None:
        self._policy = policy
        self._ceiling = inf if ceiling is None else ceiling
        self._min_rate = min(policy.min_rate, self._ceiling)
        self._clock = clock
        self._next_at = 0.0
        """When the next permit would be due if bursts were not allowed."""
        self._lowered = inf
        """The rate right after it was last lowered; infinite if it never was."""
        self._limited_at = -inf
        """When the rate was last lowered."""
        self._second_started_at = -inf
        self._count = self._previous_count = 0
        """Permits taken in the current second and in the one before, without those of rejected calls."""

    def current(self) -> float:
        """Return the rate now, in calls per second; infinite without a limit."""
        since_s = self._clock() - self._limited_at
        if self._lowered == inf or since_s > self._policy.reset_after_s:
            return self._ceiling
        recovered = max(self._min_rate, self._lowered * self._policy.increase) * since_s
        return min(self._ceiling, self._lowered + recovered)

    def wait_s(self) -> float:
        """Return how long the next call has to wait until its permit is due."""
        return max(0.0, self._next_at - self._policy.burst_s - self._clock())

    def acquire(self) -> None:
        """Take the next permit."""
        now = self._clock()
        self._next_at = max(self._next_at, now) + 1 / self.current()
        if now - self._second_started_at >= 1:
            self._previous_count = self._count if now - self._second_started_at < 2 else 0
            self._second_started_at, self._count = now, 0
        self._count += 1

    def release(self) -> None:
        """Return a permit that was not used."""
        self._next_at -= 1 / self.current()
        self._count -= 1

    def on_rate_limited(self) -> None:
        """Lower the rate: 1688 rejected a call that had a permit."""
        now = self._clock()
        self._count -= 1  # only calls that 1688 accepted count
        if now - self._limited_at < self._policy.cooldown_s:
            return
        reached = min(self.current(), max(self._count, self._previous_count))
        self._lowered = max(self._min_rate, reached * self._policy.decrease)
        self._limited_at = now
