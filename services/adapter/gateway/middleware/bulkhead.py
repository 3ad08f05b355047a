"""Limits how many calls are in flight at 1688, and sheds calls when too many wait, or wait too long.

Callers take turns, and the waits of each caller are judged by themselves: a caller with few calls is not
rejected because another one has many (FQ-CoDel, RFC 8290).
"""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass

from services.adapter.gateway.call import CallNext, MonotonicClock, UpstreamCall, UpstreamResponse
from services.adapter.gateway.metrics import in_flight, record_shed, watch_queue
from services.errors import Overloaded
from services.fair_queue import FairSlots, QueueFull, Waiter


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadPolicy:
    """How many calls run and wait. The queue absorbs bursts, and sheds calls if waits stay long (CoDel)."""

    max_concurrent: int = 256
    """Calls in flight at 1688."""
    max_queued: int = 1024
    """Calls that wait for a slot. If more wait, the newest call of the caller with the most is shed."""
    target_s: float = 0.05
    """The target for waits: a longer wait is a sign of overload."""
    interval_s: float = 0.5
    """When all waits of a caller have been above the target for this time, its calls are shed."""


class BulkheadMiddleware:
    """Gives each call in flight a slot. A call that ends passes it to the caller whose turn it is."""

    def __init__(self, policy: BulkheadPolicy, clock: MonotonicClock) -> None:
        self._policy = policy
        self._clock = clock
        self._slots = FairSlots(
            policy.max_concurrent, max_waiting=policy.max_queued, refuse=self._refuse_late
        )
        self._above_target_since: dict[Hashable, float] = {}
        """By caller: since when all its waits have been above the target. Only for callers that wait."""
        in_flight.set_function(lambda: self._slots.held)
        watch_queue(self._slots.waiting)

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamResponse:
        """Raise Overloaded if no slot becomes free in time."""
        if not self._slots.try_acquire():
            await self._wait(call)
        try:
            return await call_next(call)
        finally:
            self._slots.release()

    async def _wait(self, call: UpstreamCall) -> None:
        self._check_delay(call.queue_owner)
        try:
            async with asyncio.timeout_at(call.deadline):
                await self._slots.wait(call.queue_owner)
        except QueueFull:
            record_shed("queue_full")
            raise Overloaded(
                "too many calls wait for 1688, and the most of them are of this caller"
            ) from None
        except Overloaded:
            record_shed("queue_delay")
            raise
        except TimeoutError as error:
            record_shed("deadline")
            raise Overloaded(
                "too many calls wait for 1688: the call got no slot before its deadline"
            ) from error

    def _check_delay(self, owner: Hashable) -> None:
        """Raise Overloaded if the waits of this caller are too long, also that of its oldest waiting call."""
        oldest = self._slots.waiting.oldest(owner)
        if oldest is None:
            self._above_target_since.pop(owner, None)
        elif self._exceeds_target(owner) and self._clock() - oldest.queued_at > self._policy.target_s:
            record_shed("queue_delay")
            raise _delayed()

    def _refuse_late(self, waiter: Waiter) -> Overloaded | None:
        """Return the error for a call that has waited longer than the interval, if all waits are too long."""
        now = self._clock()
        wait_s = now - waiter.queued_at
        if wait_s <= self._policy.target_s:
            self._above_target_since.pop(waiter.owner, None)
            return None
        self._above_target_since.setdefault(waiter.owner, now)
        is_late = self._exceeds_target(waiter.owner) and wait_s > self._policy.interval_s
        waiting = self._slots.waiting
        if len(self._above_target_since) > waiting.owner_count:  # some have no waiting call any more
            self._above_target_since = {
                owner: since for owner, since in self._above_target_since.items() if waiting.count(owner)
            }
        return _delayed() if is_late else None

    def _exceeds_target(self, owner: Hashable) -> bool:
        """Whether all waits of this caller have been above the target for the interval."""
        since = self._above_target_since.get(owner)
        return since is not None and self._clock() - since >= self._policy.interval_s


def _delayed() -> Overloaded:
    return Overloaded("the calls of this caller have waited too long for 1688")
