"""Calls wait for their turn, within their deadline; a refusal slows down whom it speaks of."""

import asyncio

import pytest

from services.adapter.gateway import APP
from services.adapter.gateway.call import Reply, UpstreamCall
from services.adapter.gateway.rate_limit.adaptive_rate import RatePolicy
from services.adapter.gateway.rate_limit.local import LocalRateLimiter
from services.adapter.gateway.rate_limit.middleware import MAX_WAIT_S, RateLimitMiddleware
from services.errors import Overloaded, UpstreamRate

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

FINE = Reply(value={}, request_id="")
API, OTHER = "com.example:limiter-1", "com.example:limiter-2"


class World:
    def __init__(self, **ceilings: float) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.sent = 0
        self.failure: Exception | None = None
        self.limits = LocalRateLimiter(RatePolicy(), {API: 10.0, **ceilings}, lambda: self.now)
        self.limiter = RateLimitMiddleware(self.limits, lambda: self.now, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def step(self, _call: UpstreamCall) -> Reply:
        self.sent += 1
        if self.failure is not None:
            raise self.failure
        return FINE

    async def call(self, api: str = API, within_s: float = 60.0) -> Reply:
        call = UpstreamCall(form={}, files={}, anonymous=True, repeatable=False, deadline=self.now + within_s)
        return await self.limiter(api, self.step)(call)


async def test_calls_wait_for_their_turn():
    world = World()
    for _ in range(12):
        await world.call()
    assert len(world.slept) == 10
    assert world.slept[-1] == pytest.approx(1.0)


async def test_who_would_wait_too_long_is_told_at_once_and_takes_no_turn():
    world = World()
    for _ in range(12):
        await world.call()
    for _ in range(100):
        with pytest.raises(Overloaded):
            await world.call(within_s=1.0)
    assert world.sent == 12
    await world.call(within_s=1.2)


async def test_nobody_waits_for_ever():
    world = World()
    for _ in range(100):
        await world.call(within_s=3600)
    for _ in range(5):
        world.limits.rate(API).take()
    with pytest.raises(Overloaded):
        await world.call(within_s=3600)
    assert world.slept[-1] == pytest.approx(MAX_WAIT_S, abs=0.2)


async def test_a_cancelled_wait_gives_its_turn_back():
    world = World()
    for _ in range(2):
        await world.call()
    waiting = [asyncio.create_task(world.call()) for _ in range(100)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    world.slept.clear()
    await world.call()
    assert world.slept == [pytest.approx(0.1, abs=0.01)]


@pytest.mark.parametrize(
    ("code", "slow"), [("gw.QosAppFrequencyLimit", {APP}), ("gw.QosAPIFrequencyLimit", {OTHER})]
)
async def test_a_refusal_slows_down_whom_it_speaks_of(code, slow):
    world = World()
    world.failure = UpstreamRate("x", code=code)
    with pytest.raises(UpstreamRate):
        await world.call(OTHER)
    limited = {scope for scope in (APP, OTHER) if world.limits.rate(scope).current() < 100}
    assert limited == slow
