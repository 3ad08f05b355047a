"""Retries failed calls, as far as idempotency, the remaining time and the process's retry budget allow."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from services.adapter.gateway.call import CallNext, MonotonicClock, UpstreamCall, UpstreamResponse
from services.adapter.gateway.metrics import record_denied_retry
from services.adapter.gateway.middleware.retry_budget import RetryBudget, RetryBudgetPolicy
from services.errors import (
    CircuitOpen,
    ConnectError,
    ConnectionLost,
    UpstreamError,
    UpstreamFault,
    UpstreamRate,
)

NEVER_EXECUTED = (UpstreamRate, ConnectError)
"""Failures before the operation ran: any call may be retried."""
MAY_HAVE_EXECUTED = (ConnectionLost, UpstreamFault)
"""Failures after which only an idempotent call may be retried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how soon calls are retried."""

    max_attempts: int = 3
    """Attempts of one call, the first included."""
    backoff_s: float = 0.1
    """The longest pause before the first retry; it doubles with each retry. The pause itself is random."""
    rate_limit_backoff_s: float = 1.0
    """Used instead of `backoff_s` after a rejection by a rate limit, which takes longer to pass."""
    deadline_fraction: float = 0.5
    """The fraction of the remaining time that an attempt may take if a retry may follow."""
    budget: RetryBudgetPolicy = field(default_factory=RetryBudgetPolicy)


class RetryMiddleware:
    """Retries failed calls. All calls of the process share one budget."""

    def __init__(
        self,
        policy: RetryPolicy,
        clock: MonotonicClock,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._sleep = sleep
        self._uniform = uniform
        self.budget = RetryBudget(policy.budget, clock)

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamResponse:
        """Raise the failure of the last attempt if none succeeds."""
        self.budget.deposit()
        attempt = 1
        while True:
            try:
                return await call_next(self._with_deadline_fraction(call, attempt))
            except UpstreamError as error:
                pause_s = self._pause_s(call, error, attempt)
                if pause_s is None:
                    raise
                await self._sleep(pause_s)
                if self._clock() >= call.deadline:
                    raise
            attempt += 1

    def _with_deadline_fraction(self, call: UpstreamCall, attempt: int) -> UpstreamCall:
        """Return the call for this attempt: if a retry may follow, the attempt leaves time for it."""
        may_retry = call.idempotent and attempt < self._policy.max_attempts and self.budget.has_tokens
        return replace(call, deadline_fraction=self._policy.deadline_fraction) if may_retry else call

    def _pause_s(self, call: UpstreamCall, error: UpstreamError, attempt: int) -> float | None:
        """Return the pause before the next attempt; None if the call must not be retried."""
        retryable = NEVER_EXECUTED + MAY_HAVE_EXECUTED if call.idempotent else NEVER_EXECUTED
        if (
            attempt >= self._policy.max_attempts
            or not isinstance(error, retryable)
            or isinstance(error, CircuitOpen)  # a ConnectError, but an immediate retry would fail too
        ):
            return None
        is_rate_limited = isinstance(error, UpstreamRate)
        backoff_s = self._policy.rate_limit_backoff_s if is_rate_limited else self._policy.backoff_s
        pause_s = self._uniform(0, backoff_s * 2 ** (attempt - 1))
        if self._clock() + pause_s >= call.deadline:
            return None
        if not self.budget.withdraw():
            record_denied_retry(call.api_id)
            return None
        return pause_s
