"""Limits how many calls are in flight at 1688, and sheds calls that would time out."""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from math import inf

from services.adapter.gateway.call import CallNext, MonotonicClock, UpstreamCall, UpstreamResponse
from services.adapter.gateway.metrics import in_flight, queued, record_shed
from services.errors import Overloaded


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadPolicy:
    """How many calls run and wait. As in CoDel, a queue absorbs bursts, and sheds calls if delay persists."""

    max_concurrent: int = 256
    """Calls in flight at 1688."""
    max_queued: int = 1024
    """Calls that wait for a slot."""
    target_s: float = 0.05
    """A longer wait is a sign of overload."""
    interval_s: float = 0.5
    """When all waits have been above the target for this time, the bulkhead is overloaded."""


@dataclass(slots=True, eq=False)
class _Waiter:
    queued_at: float
    slot: "asyncio.Future[None]"
    """Done when the waiter has the slot; an exception when it is shed."""


class BulkheadMiddleware:
    """The slots. A call that ends passes its slot to the call that has waited longest."""

    def __init__(self, policy: BulkheadPolicy, clock: MonotonicClock) -> None:
        self._policy = policy
        self._clock = clock
        self._queue: deque[_Waiter] = deque()
        self._free_slots = policy.max_concurrent
        self._above_target_since: float | None = None
        """Time since which every wait has exceeded the target; None if the last did not."""
        in_flight.set_function(lambda: policy.max_concurrent - self._free_slots)
        queued.set_function(lambda: len(self._queue))

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamResponse:
        """Raise Overloaded if no slot becomes free in time."""
        await self._acquire(call.deadline)
        try:
            return await call_next(call)
        finally:
            self._release()

    async def _acquire(self, deadline: float) -> None:
        if self._free_slots and not self._queue:
            self._free_slots -= 1
            self._above_target_since = None
            return
        self._check_queue()
        waiter = _Waiter(self._clock(), asyncio.get_running_loop().create_future())
        self._queue.append(waiter)
        try:
            async with asyncio.timeout_at(deadline):
                await waiter.slot
        except BaseException as error:
            self._remove(waiter)
            if isinstance(error, TimeoutError):
                record_shed("deadline")
                raise Overloaded(
                    "too many calls wait for 1688: the call got no slot before its deadline"
                ) from error
            raise

    def _check_queue(self) -> None:
        """Raise Overloaded if one more call would time out."""
        if len(self._queue) >= self._policy.max_queued:
            record_shed("queue_full")
            raise Overloaded("too many calls wait for 1688")
        oldest = self._queue[0].queued_at if self._queue else inf
        if self._is_overloaded() and self._clock() - oldest > self._policy.target_s:
            record_shed("queue_delay")
            raise Overloaded("calls have waited too long for 1688")

    def _remove(self, waiter: _Waiter) -> None:
        """Remove a waiter that gave up; pass its slot on if it had just got one."""
        if waiter.slot.done() and not waiter.slot.cancelled() and waiter.slot.exception() is None:
            self._release()
        else:
            with suppress(ValueError):  # it was shed, so it is not in the queue any more
                self._queue.remove(waiter)

    def _release(self) -> None:
        """Pass the slot to the next waiter; when overloaded, shed those that have waited too long."""
        now = self._clock()
        while self._queue:
            waiter = self._queue.popleft()
            if waiter.slot.done():
                continue
            wait_s = now - waiter.queued_at
            self._record_wait(wait_s, now)
            if self._is_overloaded() and wait_s > self._policy.interval_s:
                record_shed("queue_delay")
                waiter.slot.set_exception(Overloaded("calls have waited too long for 1688"))
                continue
            waiter.slot.set_result(None)
            return
        self._free_slots += 1

    def _record_wait(self, wait_s: float, now: float) -> None:
        if wait_s <= self._policy.target_s:
            self._above_target_since = None
        elif self._above_target_since is None:
            self._above_target_since = now

    def _is_overloaded(self) -> bool:
        since = self._above_target_since
        return since is not None and self._clock() - since >= self._policy.interval_s
