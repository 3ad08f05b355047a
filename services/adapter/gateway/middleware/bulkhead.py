"""Bounds how many calls are at 1688 at once, and sheds what would wait in vain."""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from math import inf

from services.adapter.gateway.call import CallNext, MonotonicClock, Reply, UpstreamCall
from services.adapter.gateway.middleware.metrics import note_shed, places_in_use, places_queued
from services.errors import Overloaded


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadPolicy:
    """How much is let in. The queue takes up bursts; one that stands is shed, as CoDel does with packets."""

    places: int = 256
    """Calls at 1688 at once."""
    queue: int = 1024
    """Calls that may wait for a place."""
    target_s: float = 0.05
    """A wait that is no sign of overload."""
    interval_s: float = 0.5
    """Waits above the target for so long without a break are: the queue stands."""


@dataclass(slots=True, eq=False)
class _Waiter:
    since: float
    place: "asyncio.Future[None]"


class Bulkhead:
    """The layer with the places. A place is handed from a call that leaves to the one that waits longest."""

    def __init__(self, policy: BulkheadPolicy, clock: MonotonicClock) -> None:
        self._policy = policy
        self._clock = clock
        self._queue: deque[_Waiter] = deque()
        self._free = policy.places
        self._above_since: float | None = None
        """Since when every call that got a place had waited longer than the target."""
        places_in_use.set_function(lambda: policy.places - self._free)
        places_queued.set_function(lambda: len(self._queue))

    def __call__(self, _api: str, step: CallNext) -> CallNext:
        """Wrap a step."""

        async def placed(call: UpstreamCall) -> Reply:
            await self._enter(call.deadline)
            try:
                return await step(call)
            finally:
                self._leave()

        return placed

    async def _enter(self, deadline: float) -> None:
        if self._free and not self._queue:
            self._free -= 1
            self._above_since = None
            return
        self._check_queue()
        waiter = _Waiter(self._clock(), asyncio.get_running_loop().create_future())
        self._queue.append(waiter)
        try:
            async with asyncio.timeout_at(deadline):
                await waiter.place
        except BaseException as error:
            self._abandon(waiter)
            if isinstance(error, TimeoutError):
                note_shed("deadline")
                raise Overloaded("no place at 1688 became free within the deadline") from error
            raise

    def _check_queue(self) -> None:
        """Refuse a call that would wait in vain."""
        if len(self._queue) >= self._policy.queue:
            note_shed("queue_full")
            raise Overloaded("too many calls wait for 1688")
        oldest = self._queue[0].since if self._queue else inf
        if self._stands() and self._clock() - oldest > self._policy.target_s:
            note_shed("queue_delay")
            raise Overloaded("calls have waited too long for 1688")

    def _abandon(self, waiter: _Waiter) -> None:
        """Forget a waiter that gave up; pass its place on where it had just got one."""
        if waiter.place.done() and not waiter.place.cancelled() and waiter.place.exception() is None:
            self._leave()
        else:
            with suppress(ValueError):  # shed, and so not in the queue any more
                self._queue.remove(waiter)

    def _leave(self) -> None:
        """Hand the place to the next that waits; shed those who waited longer than a standing queue may."""
        now = self._clock()
        while self._queue:
            waiter = self._queue.popleft()
            if waiter.place.done():
                continue
            self._note_wait(now - waiter.since, now)
            if self._stands() and now - waiter.since > self._policy.interval_s:
                note_shed("queue_delay")
                waiter.place.set_exception(Overloaded("calls have waited too long for 1688"))
                continue
            waiter.place.set_result(None)
            return
        self._free += 1

    def _note_wait(self, wait_s: float, now: float) -> None:
        if wait_s <= self._policy.target_s:
            self._above_since = None
        elif self._above_since is None:
            self._above_since = now

    def _stands(self) -> bool:
        return self._above_since is not None and self._clock() - self._above_since >= self._policy.interval_s
