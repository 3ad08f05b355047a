"""Keeps calls below the rates that 1688 accepts: each waits for its turn, or is told that none will come."""

import asyncio
from collections.abc import Awaitable, Callable

from services.adapter.gateway.call import CallNext, MonotonicClock, Reply, UpstreamCall
from services.adapter.gateway.middleware.metrics import note_shed, note_wait
from services.adapter.gateway.rate_limit.local import APP, RateLimiter
from services.errors import Overloaded, UpstreamRate

APP_CODE = "gw.QosAppFrequencyLimit"
"""The refusal that speaks of all calls of the app; any other is the operation's."""

MAX_WAIT_S = 10.0
"""Bound on a wait, and so on how many wait, however patient the caller."""


class RateLimitMiddleware:
    """The layer that waits for turns."""

    def __init__(
        self,
        limits: RateLimiter,
        clock: MonotonicClock,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._sleep = sleep

    def __call__(self, api: str, step: CallNext) -> CallNext:
        """Wrap a step."""

        async def limited(call: UpstreamCall) -> Reply:
            wait_s = await self._limits.take(api, min(call.deadline - self._clock(), MAX_WAIT_S))
            if wait_s is None:
                note_shed("rate")
                raise Overloaded("1688's frequency limit leaves no turn in time")
            if wait_s:
                await self._wait(api, wait_s)
            try:
                return await step(call)
            except UpstreamRate as error:
                await self._limits.refused(api, APP if error.code == APP_CODE else api)
                raise

        return limited

    async def _wait(self, api: str, wait_s: float) -> None:
        note_wait(api, wait_s)
        try:
            await self._sleep(wait_s)
        except BaseException:
            self._limits.give_back(api)
            raise
