"""Keeps calls below the rates that 1688 accepts: each call waits for a permit, or is shed."""

import asyncio
from collections.abc import Awaitable, Callable

from services.adapter.gateway.call import CallNext, MonotonicClock, UpstreamCall, UpstreamResponse
from services.adapter.gateway.metrics import record_rate_limit_wait, record_shed
from services.adapter.gateway.rate_limit.limiter import APP, RateLimiter
from services.errors import Overloaded, UpstreamRate

APP_LIMIT_CODE = "gw.QosAppFrequencyLimit"
"""1688's code for the limit of all calls of the app. All other codes are about the operation."""

MAX_WAIT_S = 10.0
"""The longest wait, however late the caller's deadline is. It also limits how many calls wait."""


class RateLimitMiddleware:
    """Waits for a permit before each call, and lowers the rate when 1688 says it is too high."""

    def __init__(
        self,
        limiter: RateLimiter,
        clock: MonotonicClock,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._limiter = limiter
        self._clock = clock
        self._sleep = sleep

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamResponse:
        """Raise Overloaded if there is no permit in time."""
        wait_s = await self._limiter.acquire(call.api_id, min(call.deadline - self._clock(), MAX_WAIT_S))
        if wait_s is None:
            record_shed("rate")
            raise Overloaded("1688's rate limit allows no call before the deadline")
        if wait_s:
            await self._wait(call.api_id, wait_s)
        try:
            return await call_next(call)
        except UpstreamRate as error:
            scope = APP if error.code == APP_LIMIT_CODE else call.api_id
            await self._limiter.on_rate_limited(call.api_id, scope)
            raise

    async def _wait(self, api_id: str, wait_s: float) -> None:
        record_rate_limit_wait(api_id, wait_s)
        try:
            await self._sleep(wait_s)
        except BaseException:
            self._limiter.release(api_id)
            raise
