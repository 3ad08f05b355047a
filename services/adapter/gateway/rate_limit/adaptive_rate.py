"""A rate of calls that gives way when 1688 says it is too high, and comes back: one scope's arithmetic.

limits.lua does the same for all replicas; a test runs both side by side.
"""

from dataclasses import dataclass
from math import inf

from services.adapter.gateway.call import MonotonicClock


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePolicy:
    """How a rate adapts: down by a factor, up by a constant (AIMD)."""

    burst_s: float = 0.1
    """Calls may come early by so much: a burst of that many seconds' calls."""
    decrease: float = 0.7
    """What is left of the rate that was reached when 1688 refused."""
    increase: float = 0.05
    """Part of the lowered rate that comes back each second, at least `least`."""
    least: float = 1.0
    """Calls per second that are always allowed, unless the ceiling is lower."""
    settle_s: float = 1.0
    """Refusals so soon after one are of calls that were under way."""
    calm_s: float = 30.0
    """After so long without a refusal a scope without a ceiling has no limit."""


class AdaptiveRate:
    """Turns at a rate, handed out in advance: each call is told how long to wait for its own."""

    def __init__(self, policy: RatePolicy, ceiling: float | None, clock: MonotonicClock) -> None:
        self._policy = policy
        self._ceiling = inf if ceiling is None else ceiling
        self._least = min(policy.least, self._ceiling)
        self._clock = clock
        self._next = 0.0
        """When the turn after the last one that was handed out would be, were there no bursts."""
        self._lowered = inf
        self._refused_at = -inf
        self._second = -inf
        """When the current second of counting began."""
        self._count = self._count_before = 0

    def current(self) -> float:
        """Calls per second; infinite without a limit."""
        since_s = self._clock() - self._refused_at
        if self._lowered == inf or since_s > self._policy.calm_s:
            return self._ceiling
        risen = max(self._least, self._lowered * self._policy.increase) * since_s
        return min(self._ceiling, self._lowered + risen)

    def wait_s(self) -> float:
        """Return how long the next call has to wait for its turn."""
        return max(0.0, self._next - self._policy.burst_s - self._clock())

    def take(self) -> None:
        """Hand out the next turn."""
        now = self._clock()
        self._next = max(self._next, now) + 1 / self.current()
        if now - self._second >= 1:
            self._count_before = self._count if now - self._second < 2 else 0
            self._second, self._count = now, 0
        self._count += 1

    def give_back(self) -> None:
        """Take back a turn that was not used."""
        self._next -= 1 / self.current()
        self._count -= 1

    def refused(self) -> None:
        """Lower the rate: 1688 refused a call that had its turn."""
        now = self._clock()
        self._count -= 1  # what 1688 took is what counts
        if now - self._refused_at < self._policy.settle_s:
            return
        reached = min(self.current(), max(self._count, self._count_before))
        self._lowered = max(self._least, reached * self._policy.decrease)
        self._refused_at = now
