"""Repeats calls that failed, as far as their level, the time left and the process's budget allow."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from services.adapter.gateway.call import CallNext, MonotonicClock, Reply, UpstreamCall
from services.adapter.gateway.middleware.metrics import note_denied_retry
from services.adapter.gateway.middleware.retry_budget import BudgetPolicy, RetryBudget
from services.errors import (
    CircuitOpen,
    ConnectError,
    ConnectionLost,
    UpstreamError,
    UpstreamFault,
    UpstreamRate,
)

NEVER_EXECUTED = (UpstreamRate, ConnectError)
"""Failures before the operation ran: any call may be sent again."""
MAY_HAVE_EXECUTED = (ConnectionLost, UpstreamFault)
"""Failures after which only a call whose repeat does no harm may be sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often, and how soon."""

    attempts: int = 3
    """Sendings of one call, the first included."""
    backoff_s: float = 0.1
    """Most of the pause before the first repeat; it doubles with each. The pause is drawn from 0 to it."""
    rate_backoff_s: float = 1.0
    """The same after a frequency limit, which takes time to pass."""
    share: float = 0.5
    """Part of the time left that an attempt may take while another may follow; the last one gets it all."""
    budget: BudgetPolicy = field(default_factory=BudgetPolicy)


class RetryMiddleware:
    """The layer that sends again. One for the process: its calls share one budget."""

    def __init__(
        self,
        policy: RetryPolicy,
        clock: MonotonicClock,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        chance: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self.budget = RetryBudget(policy.budget, clock)

    def __call__(self, api: str, step: CallNext) -> CallNext:
        """Wrap a step: where it fails for good, its last failure is raised."""

        async def repeated(call: UpstreamCall) -> Reply:
            self.budget.earn()
            attempt = 1
            while True:
                try:
                    return await step(self._shared(call, attempt))
                except UpstreamError as error:
                    pause_s = self._pause_s(api, call, error, attempt)
                    if pause_s is None:
                        raise
                    await self._sleep(pause_s)
                    if self._clock() >= call.deadline:
                        raise
                attempt += 1

        return repeated

    def _shared(self, call: UpstreamCall, attempt: int) -> UpstreamCall:
        """Return the call as this attempt makes it: it leaves time for the next where there may be one."""
        may_follow = call.repeatable and attempt < self._policy.attempts and self.budget.affords_one
        return replace(call, share=self._policy.share) if may_follow else call

    def _pause_s(self, api: str, call: UpstreamCall, error: UpstreamError, attempt: int) -> float | None:
        """Return how long to wait before the next attempt; None where there must be none."""
        kinds = NEVER_EXECUTED + MAY_HAVE_EXECUTED if call.repeatable else NEVER_EXECUTED
        if attempt >= self._policy.attempts or not isinstance(error, kinds) or isinstance(error, CircuitOpen):
            return None
        limited = isinstance(error, UpstreamRate)
        first_s = self._policy.rate_backoff_s if limited else self._policy.backoff_s
        pause_s = self._chance(0, first_s * 2 ** (attempt - 1))
        if self._clock() + pause_s >= call.deadline:
            return None
        if not self.budget.spend():
            note_denied_retry(api)
            return None
        return pause_s
