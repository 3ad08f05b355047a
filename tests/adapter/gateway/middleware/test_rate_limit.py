"""Calls wait for a permit, within their deadline; a rejection lowers the rate of its scope."""

import asyncio

import pytest

from services.adapter.gateway import APP
from services.adapter.gateway.call import UpstreamCall, UpstreamResponse
from services.adapter.gateway.middleware import rate_limit
from services.adapter.gateway.middleware.rate_limit import MAX_WAIT_S, RateLimitMiddleware
from services.adapter.gateway.rate_limit.limiter import RatePolicy
from services.adapter.gateway.rate_limit.local import LocalRateLimiter
from services.errors import Overloaded, UpstreamRate
from tests.support.event_loop import run_turns

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

RESPONSE = UpstreamResponse(value={}, request_id="")
API, OTHER = "com.example:limiter-1", "com.example:limiter-2"


class RateLimitHarness:
    def __init__(self, **ceilings: float) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.sent = 0
        self.order: list[str] = []
        self.may_continue = asyncio.Event()
        self.may_continue.set()
        self.failure: Exception | None = None
        self.limiter = LocalRateLimiter(RatePolicy(), {API: 10.0, **ceilings}, lambda: self.now)
        self.middleware = RateLimitMiddleware(self.limiter, lambda: self.now, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)
        await self.may_continue.wait()

    def start(self, queue_owner: str, api_id: str = API) -> "asyncio.Task[UpstreamResponse]":
        return asyncio.create_task(self.call(api_id, queue_owner=queue_owner))

    async def send(self, call: UpstreamCall) -> UpstreamResponse:
        self.sent += 1
        self.order.append(f"{call.queue_owner}")
        if self.failure is not None:
            raise self.failure
        return RESPONSE

    async def call(
        self, api_id: str = API, timeout_s: float = 60.0, queue_owner: str = ""
    ) -> UpstreamResponse:
        call = UpstreamCall(
            api_id=api_id,
            form={},
            files={},
            anonymous=True,
            idempotent=False,
            deadline=self.now + timeout_s,
            queue_owner=queue_owner,
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


async def test_a_modest_caller_waits_behind_one_call_of_each_other():
    harness = RateLimitHarness()
    harness.may_continue.clear()
    flood = [harness.start(caller) for _ in range(20) for caller in ("greedy", "other")]
    await run_turns()
    already = len(harness.order)
    modest = harness.start("modest")
    await run_turns()
    harness.may_continue.set()
    await asyncio.gather(modest, *flood)
    before = harness.order[already : harness.order.index("modest")]
    in_turn, *behind = before
    assert in_turn == "greedy", "it has the permit that is due next"
    assert sorted(behind) == ["greedy", "other"]


async def test_a_backlog_that_cannot_be_sent_in_time_is_only_its_callers():
    harness = RateLimitHarness()
    harness.may_continue.clear()
    flood = [harness.start("greedy") for _ in range(300)]
    await run_turns()
    modest = harness.start("modest")
    await run_turns()
    rejected = [call for call in flood if call.done() and call.exception()]
    assert len(rejected) > 150, "within MAX_WAIT_S there are permits for about 100"
    for call in rejected:
        with pytest.raises(Overloaded, match="of this caller"):
            await call
    assert not modest.done()
    harness.may_continue.set()
    await modest
    await asyncio.wait(flood)


async def test_a_full_queue_rejects_a_call_of_the_caller_with_the_most(monkeypatch):
    monkeypatch.setattr(rate_limit, "MAX_WAITING", 3)
    harness = RateLimitHarness()
    harness.may_continue.clear()
    flood = [harness.start("greedy") for _ in range(10)]
    await run_turns()
    modest = harness.start("modest")
    await run_turns()
    harness.may_continue.set()
    await modest
    outcomes = await asyncio.gather(*flood, return_exceptions=True)
    rejected = [outcome for outcome in outcomes if isinstance(outcome, Overloaded)]
    assert len(rejected) == 10 - len(harness.order) + 1
    assert all("of this caller" in str(error) for error in rejected)


async def test_operations_do_not_wait_for_each_other():
    harness = RateLimitHarness()
    harness.may_continue.clear()
    flood = [harness.start("greedy") for _ in range(20)]
    await run_turns()
    await harness.call(OTHER, queue_owner="greedy")
    harness.may_continue.set()
    await asyncio.gather(*flood)


async def test_a_limited_app_lets_callers_take_turns_across_operations():
    harness = RateLimitHarness(**{APP: 5.0})
    harness.may_continue.clear()
    flood = [harness.start("greedy", api_id) for _ in range(10) for api_id in (API, OTHER)]
    await run_turns()
    already = len(harness.order)
    modest = harness.start("modest", OTHER)
    await run_turns()
    harness.may_continue.set()
    await asyncio.gather(modest, *flood)
    assert harness.order.index("modest") - already <= 2


async def test_only_scopes_in_which_calls_wait_have_state():
    harness = RateLimitHarness()
    harness.may_continue.clear()
    calls = [harness.start(f"{number % 3}") for number in range(30)]
    await run_turns()
    for call in calls[:20]:
        call.cancel()
    await run_turns()
    assert harness.middleware._turns
    harness.may_continue.set()
    await asyncio.wait(calls)
    assert not harness.middleware._turns


async def test_the_deadline_limits_the_wait_for_the_turn(advance_time):
    harness = RateLimitHarness()
    harness.may_continue.clear()
    first = [harness.start("greedy") for _ in range(4)]
    await run_turns()
    late = asyncio.create_task(harness.call(timeout_s=5, queue_owner="modest"))
    await run_turns()
    advance_time(6)
    with pytest.raises(Overloaded):
        await late
    harness.may_continue.set()
    await asyncio.gather(*first)
