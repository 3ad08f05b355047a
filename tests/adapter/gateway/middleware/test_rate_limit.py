"""Calls wait for a permit, within their deadline; a rejection lowers the rate of its scope."""

import asyncio

import pytest

from services.adapter.gateway import APP
from services.adapter.gateway.call import UpstreamCall, UpstreamResponse
from services.adapter.gateway.middleware.rate_limit import MAX_WAIT_S, RateLimitMiddleware
from services.adapter.gateway.rate_limit.limiter import RatePolicy
from services.adapter.gateway.rate_limit.local import LocalRateLimiter
from services.errors import Overloaded, UpstreamRate

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

RESPONSE = UpstreamResponse(value={}, request_id="")
API, OTHER = "com.example:limiter-1", "com.example:limiter-2"


class RateLimitHarness:
    def __init__(self, **ceilings: float) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.sent = 0
        self.failure: Exception | None = None
        self.limiter = LocalRateLimiter(RatePolicy(), {API: 10.0, **ceilings}, lambda: self.now)
        self.middleware = RateLimitMiddleware(self.limiter, lambda: self.now, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def send(self, _call: UpstreamCall) -> UpstreamResponse:
        self.sent += 1
        if self.failure is not None:
            raise self.failure
        return RESPONSE

    async def call(self, api_id: str = API, timeout_s: float = 60.0) -> UpstreamResponse:
        call = UpstreamCall(
            api_id=api_id, form={}, files={}, anonymous=True, idempotent=False, deadline=self.now + timeout_s
        )
        return await self.middleware(call, self.send)


async def test_calls_wait_for_a_permit():
    harness = RateLimitHarness()
    for _ in range(12):
        await harness.call()
    assert len(harness.slept) == 10
    assert harness.slept[-1] == pytest.approx(1.0)


async def test_a_call_that_would_wait_too_long_is_rejected_and_takes_no_permit():
    harness = RateLimitHarness()
    for _ in range(12):
        await harness.call()
    for _ in range(100):
        with pytest.raises(Overloaded):
            await harness.call(timeout_s=1.0)
    assert harness.sent == 12
    await harness.call(timeout_s=1.2)


async def test_waits_are_limited():
    harness = RateLimitHarness()
    for _ in range(100):
        await harness.call(timeout_s=3600)
    for _ in range(5):
        harness.limiter.rate(API).acquire()
    with pytest.raises(Overloaded):
        await harness.call(timeout_s=3600)
    assert harness.slept[-1] == pytest.approx(MAX_WAIT_S, abs=0.2)


async def test_a_cancelled_wait_releases_its_permit():
    harness = RateLimitHarness()
    for _ in range(2):
        await harness.call()
    waiting = [asyncio.create_task(harness.call()) for _ in range(100)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    harness.slept.clear()
    await harness.call()
    assert harness.slept == [pytest.approx(0.1, abs=0.01)]


@pytest.mark.parametrize(
    ("code", "slow"), [("gw.QosAppFrequencyLimit", {APP}), ("gw.QosAPIFrequencyLimit", {OTHER})]
)
async def test_a_rejection_lowers_the_rate_of_its_scope(code, slow):
    harness = RateLimitHarness()
    harness.failure = UpstreamRate("x", code=code)
    with pytest.raises(UpstreamRate):
        await harness.call(OTHER)
    limited = {scope for scope in (APP, OTHER) if harness.limiter.rate(scope).current() < 100}
    assert limited == slow
