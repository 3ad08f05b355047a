"""Keeps calls below the rates that 1688 accepts: each call waits for a permit, or is shed.

A permit can be taken before it is due. In each scope (the app, or one operation) only one call does so at a
time, and waits until its permit is due. Callers take turns to be that call.
"""

import asyncio
from collections.abc import Awaitable, Callable

from services.adapter.gateway.call import CallNext, MonotonicClock, UpstreamCall, UpstreamResponse
from services.adapter.gateway.metrics import record_rate_limit_wait, record_shed
from services.adapter.gateway.rate_limit.limiter import APP, RateLimiter
from services.errors import Overloaded, UpstreamRate
from services.fair_queue import FairSlots, QueueFull

APP_LIMIT_CODE = "gw.QosAppFrequencyLimit"
"""1688's code when the rate limit of all calls of the app is reached. Other codes are about the operation."""

MAX_WAIT_S = 10.0
"""The longest wait, even if the caller's deadline is later. So it also limits how many calls wait."""

MAX_WAITING = 4096
"""Calls of a scope that wait. If more wait, the newest call of the caller with the most is shed."""


class RateLimitMiddleware:
    """Waits for a permit before each call, and lowers the rate when 1688 rejects a call for its rate."""

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
        self._turns: dict[str, FairSlots] = {}
        """By scope, the turn to take its next permit: one slot. Only for scopes in which calls wait.

        A call waits in the scope with the lower rate, so that operations do not wait for each other."""

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamResponse:
        """Raise Overloaded if there is no permit in time."""
        if self._is_waiting(call.api_id) or await self._limiter.acquire(call.api_id, 0) is None:
            await self._wait_for_permit(call)
        try:
            return await call_next(call)
        except UpstreamRate as error:
            scope = APP if error.code == APP_LIMIT_CODE else call.api_id
            await self._limiter.on_rate_limited(call.api_id, scope)
            raise

    def _is_waiting(self, api_id: str) -> bool:
        """Whether calls wait that a new call of this operation must not overtake."""
        return bool(self._turns) and self._choose_scope(api_id) in self._turns

    def _choose_scope(self, api_id: str) -> str:
        return min((APP, api_id), key=self._limiter.get_rate)

    async def _wait_for_permit(self, call: UpstreamCall) -> None:
        """Wait for the turn to take a permit, take it, and wait until it is due."""
        started_at = self._clock()
        deadline = min(call.deadline, started_at + MAX_WAIT_S)
        scope = self._choose_scope(call.api_id)
        if (turn := self._turns.get(scope)) is None:
            turn = self._turns[scope] = FairSlots(1, max_waiting=MAX_WAITING)
        try:
            await self._wait_for_turn(turn, call, scope, deadline)
            try:
                await self._take_permit(call.api_id, deadline)
            finally:
                turn.release()
        finally:
            if not turn.held and self._turns.get(scope) is turn:
                del self._turns[scope]
        record_rate_limit_wait(call.api_id, self._clock() - started_at)

    async def _wait_for_turn(self, turn: FairSlots, call: UpstreamCall, scope: str, deadline: float) -> None:
        if turn.try_acquire():
            return
        remaining_s = deadline - self._clock()
        # One more call is ahead: the one that has the turn.
        if (turn.waiting.count_ahead(call.queue_owner) + 1) / self._limiter.get_rate(scope) > remaining_s:
            raise _shed()
        try:
            async with asyncio.timeout(remaining_s):
                await turn.wait(call.queue_owner)
        except (TimeoutError, QueueFull):
            raise _shed() from None

    async def _take_permit(self, api_id: str, deadline: float) -> None:
        wait_s = await self._limiter.acquire(api_id, max(0.0, deadline - self._clock()))
        if wait_s is None:
            raise _shed()
        if not wait_s:
            return
        try:
            await self._sleep(wait_s)
        except BaseException:
            self._limiter.release(api_id)
            raise


def _shed() -> Overloaded:
    record_shed("rate")
    return Overloaded("1688's rate limit allows no further call of this caller before the deadline")
