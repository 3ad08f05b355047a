"""Places at 1688: bounded, handed on, never lost; a queue that stands is shed."""

import asyncio
import random

import pytest

from services.adapter.gateway.call import Reply, UpstreamCall
from services.adapter.gateway.middleware.bulkhead import Bulkhead, BulkheadPolicy
from services.adapter.gateway.middleware.metrics import places_in_use, places_queued
from services.errors import NationalsiteError, Overloaded

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

FINE = Reply(value={}, request_id="")


class World:
    def __init__(self, **policy: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.policy = BulkheadPolicy(**policy)  # type: ignore[arg-type] # numbers of either kind
        self.at_1688 = self.peak = 0
        self.go_on = asyncio.Event()
        self.order: list[str] = []
        self.step = Bulkhead(self.policy, self.loop.time)("com.example:bulkhead-1", self._send)

    async def _send(self, call: UpstreamCall) -> Reply:
        self.at_1688 += 1
        self.peak = max(self.peak, self.at_1688)
        self.order.append(call.form.get("name", ""))
        try:
            await self.go_on.wait()
        finally:
            self.at_1688 -= 1
        return FINE

    def call(self, name: str = "", within_s: float = 60.0) -> "asyncio.Task[Reply]":
        call = UpstreamCall(
            form={"name": name},
            files={},
            anonymous=True,
            repeatable=False,
            deadline=self.loop.time() + within_s,
        )
        return asyncio.create_task(self.step(call))


def counts() -> tuple[float, float]:
    return _value(places_in_use), _value(places_queued)


def _value(gauge) -> float:
    (metric,) = gauge.collect()
    return metric.samples[0].value


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_places_are_bounded_and_handed_on_in_order():
    world = World(places=3, queue=100)
    calls = [world.call(str(number)) for number in range(10)]
    await settled()
    assert counts() == (3, 7)
    world.go_on.set()
    await asyncio.wait(calls)
    assert world.peak == 3
    assert world.order == list(map(str, range(10)))
    assert counts() == (0, 0)


async def test_a_full_queue_refuses_at_once():
    world = World(places=1, queue=2)
    calls = [world.call() for _ in range(3)]
    await settled()
    with pytest.raises(Overloaded):
        await world.call()
    world.go_on.set()
    await asyncio.gather(*calls)


async def test_no_place_before_the_deadline(shift):
    world = World(places=1)
    first, second = world.call(), world.call(within_s=5)
    await settled()
    shift(6)
    with pytest.raises(Overloaded):
        await second
    assert counts() == (1, 0)
    world.go_on.set()
    await first
    assert counts() == (0, 0)


async def test_a_queue_that_stands_is_shed(shift):
    world = World(places=1, queue=1000)
    first, early = world.call(), [world.call() for _ in range(3)]
    await settled()
    shift(0.1)  # above the target
    first.cancel()
    await settled()
    assert counts() == (1, 2), "a slow moment is no overload"
    shift(world.policy.interval_s + 0.1)
    with pytest.raises(Overloaded):
        await world.call()
    early[0].cancel()
    await settled()
    assert counts() == (0, 0), "those who waited longer than a standing queue may are told, too"
    for waiter in early[1:]:
        with pytest.raises(Overloaded):
            await waiter
    world.go_on.set()
    assert await world.call() is FINE, "once the queue is empty, all is as before"


async def test_an_empty_queue_takes_a_call_however_long_others_waited(shift):
    world = World(places=1)
    first, second = world.call(), world.call()
    await settled()
    shift(0.1)
    first.cancel()
    await settled()
    shift(world.policy.interval_s + 0.1)
    third = world.call()
    await settled()
    assert counts() == (1, 1)
    world.go_on.set()
    await asyncio.gather(second, third)


async def test_a_past_overload_is_forgotten(shift):
    world = World(places=1)
    first, second = world.call(), world.call()
    await settled()
    shift(0.1)
    first.cancel()
    await settled()
    second.cancel()
    await settled()
    shift(10)
    calls = [world.call(), world.call()]
    await settled()
    shift(0.1)  # above the target, for the first time since
    calls.append(world.call())
    await settled()
    assert counts() == (1, 2)
    world.go_on.set()
    await asyncio.gather(*calls)


async def test_no_place_is_lost_when_callers_leave_at_random():
    chance = random.Random(1688)
    world = World(places=5, queue=50)
    world.go_on.set()
    loop = asyncio.get_running_loop()

    async def slowly(_call: UpstreamCall) -> Reply:
        world.at_1688 += 1
        world.peak = max(world.peak, world.at_1688)
        try:
            await asyncio.sleep(chance.random() * 0.002)
        finally:
            world.at_1688 -= 1
        return FINE

    step = Bulkhead(world.policy, loop.time)("com.example:bulkhead-2", slowly)
    calls = []
    for _ in range(3000):
        deadline = loop.time() + chance.random() * 0.01
        call = UpstreamCall(form={}, files={}, anonymous=True, repeatable=False, deadline=deadline)
        task = asyncio.create_task(step(call))
        loop.call_later(chance.random() * 0.006, task.cancel)
        calls.append(task)
        if chance.random() < 0.1:
            await asyncio.sleep(0.0005)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    kinds = {type(outcome) for outcome in outcomes}
    assert kinds == {Reply, asyncio.CancelledError, Overloaded}
    assert all(isinstance(each, Reply | asyncio.CancelledError | NationalsiteError) for each in outcomes)
    assert world.peak == 5
    assert counts() == (0, 0)
