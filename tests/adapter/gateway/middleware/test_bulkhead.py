"""Slots are limited, passed on and never lost; a standing queue is shed."""

import asyncio
import random
from math import inf

import pytest

from services.adapter.gateway.call import UpstreamCall, UpstreamResponse
from services.adapter.gateway.metrics import _queued_callers, _queued_of_one_caller, in_flight, queued
from services.adapter.gateway.middleware.bulkhead import BulkheadMiddleware, BulkheadPolicy
from services.errors import NationalsiteError, Overloaded
from services.log_fields import clear_log_fields, get_log_fields
from tests.support.event_loop import run_turns

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

RESPONSE = UpstreamResponse(value={}, request_id="")


class BulkheadHarness:
    def __init__(self, **policy: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.policy = BulkheadPolicy(**policy)
        self.at_1688 = self.peak = 0
        self.may_continue = asyncio.Event()
        self.order: list[str] = []
        self.bulkhead = BulkheadMiddleware(self.policy, self.loop.time)

    async def _send(self, call: UpstreamCall) -> UpstreamResponse:
        self.at_1688 += 1
        self.peak = max(self.peak, self.at_1688)
        self.order.append(call.form.get("name", ""))
        try:
            await self.may_continue.wait()
        finally:
            self.at_1688 -= 1
        return RESPONSE

    def call(
        self, name: str = "", timeout_s: float = 60.0, queue_owner: str = ""
    ) -> "asyncio.Task[UpstreamResponse]":
        call = UpstreamCall(
            api_id="com.example:bulkhead-1",
            form={"name": name},
            files={},
            anonymous=True,
            idempotent=False,
            deadline=self.loop.time() + timeout_s,
            queue_owner=queue_owner,
        )
        return asyncio.create_task(self.bulkhead(call, self._send))


def counts() -> tuple[float, float]:
    return _value(in_flight), _value(queued)


def _value(gauge) -> float:
    (metric,) = gauge.collect()
    return metric.samples[0].value


async def test_slots_are_limited_and_passed_on_in_order():
    harness = BulkheadHarness(max_concurrent=3, max_queued=100)
    calls = [harness.call(str(number)) for number in range(10)]
    await run_turns()
    assert counts() == (3, 7)
    harness.may_continue.set()
    await asyncio.wait(calls)
    assert harness.peak == 3
    assert harness.order == list(map(str, range(10)))
    assert counts() == (0, 0)


async def test_a_full_queue_rejects_at_once():
    harness = BulkheadHarness(max_concurrent=1, max_queued=2)
    calls = [harness.call() for _ in range(3)]
    await run_turns()
    with pytest.raises(Overloaded):
        await harness.call()
    harness.may_continue.set()
    await asyncio.gather(*calls)


async def test_no_slot_before_the_deadline(advance_time):
    harness = BulkheadHarness(max_concurrent=1)
    first, second = harness.call(), harness.call(timeout_s=5)
    await run_turns()
    advance_time(6)
    with pytest.raises(Overloaded):
        await second
    assert counts() == (1, 0)
    harness.may_continue.set()
    await first
    assert counts() == (0, 0)


async def test_a_standing_queue_is_shed(advance_time):
    harness = BulkheadHarness(max_concurrent=1, max_queued=1000)
    first, early = harness.call(), [harness.call() for _ in range(3)]
    await run_turns()
    advance_time(0.1)  # above the target
    first.cancel()
    await run_turns()
    assert counts() == (1, 2), "a short delay is no overload"
    advance_time(harness.policy.interval_s + 0.1)
    with pytest.raises(Overloaded):
        await harness.call()
    early[0].cancel()
    await run_turns()
    assert counts() == (0, 0), "waiters above the interval are shed too"
    for waiter in early[1:]:
        with pytest.raises(Overloaded):
            await waiter
    harness.may_continue.set()
    assert await harness.call() is RESPONSE, "an empty queue accepts calls again"


async def test_an_empty_queue_accepts_a_call_however_long_others_waited(advance_time):
    harness = BulkheadHarness(max_concurrent=1)
    first, second = harness.call(), harness.call()
    await run_turns()
    advance_time(0.1)
    first.cancel()
    await run_turns()
    advance_time(harness.policy.interval_s + 0.1)
    third = harness.call()
    await run_turns()
    assert counts() == (1, 1)
    harness.may_continue.set()
    await asyncio.gather(second, third)


async def test_a_past_overload_is_forgotten(advance_time):
    harness = BulkheadHarness(max_concurrent=1)
    first, second = harness.call(), harness.call()
    await run_turns()
    advance_time(0.1)
    first.cancel()
    await run_turns()
    second.cancel()
    await run_turns()
    advance_time(10)
    calls = [harness.call(), harness.call()]
    await run_turns()
    advance_time(0.1)  # above the target, for the first time since
    calls.append(harness.call())
    await run_turns()
    assert counts() == (1, 2)
    harness.may_continue.set()
    await asyncio.gather(*calls)


async def test_no_slot_is_lost_when_calls_are_cancelled_at_random():
    rng = random.Random(1688)
    harness = BulkheadHarness(max_concurrent=5, max_queued=50)
    harness.may_continue.set()
    loop = asyncio.get_running_loop()

    async def slowly(_call: UpstreamCall) -> UpstreamResponse:
        harness.at_1688 += 1
        harness.peak = max(harness.peak, harness.at_1688)
        try:
            await asyncio.sleep(rng.random() * 0.002)
        finally:
            harness.at_1688 -= 1
        return RESPONSE

    bulkhead = BulkheadMiddleware(harness.policy, loop.time)
    calls = []
    for _ in range(3000):
        deadline = loop.time() + rng.random() * 0.01
        call = UpstreamCall(
            api_id="com.example:bulkhead-2",
            form={},
            files={},
            anonymous=True,
            idempotent=False,
            deadline=deadline,
        )
        task = asyncio.create_task(bulkhead(call, slowly))
        loop.call_later(rng.random() * 0.006, task.cancel)
        calls.append(task)
        if rng.random() < 0.1:
            await asyncio.sleep(0.0005)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    kinds = {type(outcome) for outcome in outcomes}
    assert kinds == {UpstreamResponse, asyncio.CancelledError, Overloaded}
    assert all(
        isinstance(each, UpstreamResponse | asyncio.CancelledError | NationalsiteError) for each in outcomes
    )
    assert harness.peak == 5
    assert counts() == (0, 0)


async def test_a_modest_caller_waits_behind_one_call_of_each_other():
    harness = BulkheadHarness(max_concurrent=1, max_queued=1000)
    flood = [harness.call(name, queue_owner=name) for _ in range(100) for name in ("greedy", "other")]
    await run_turns()
    modest = harness.call("modest", queue_owner="modest")
    await run_turns()
    harness.may_continue.set()
    await asyncio.gather(modest, *flood)
    before = harness.order[1 : harness.order.index("modest")]  # the first call was in flight already
    assert sorted(before) == ["greedy", "other"]


async def test_a_full_queue_rejects_a_call_of_the_caller_with_the_most():
    harness = BulkheadHarness(max_concurrent=1, max_queued=3)
    first, *flood = [harness.call(str(number), queue_owner="greedy") for number in range(4)]
    await run_turns()
    modest = harness.call("modest", queue_owner="modest")
    await run_turns()
    for rejected in (flood[-1], harness.call(queue_owner="greedy")):
        with pytest.raises(Overloaded, match="of this caller"):
            await rejected
    assert counts() == (1, 3)
    assert [_value(gauge) for gauge in (_queued_callers, _queued_of_one_caller)] == [2, 2]
    harness.may_continue.set()
    await asyncio.gather(first, *flood[:-1], modest)


async def test_the_cause_of_a_rejection_is_in_the_log_line_of_the_call():
    harness = BulkheadHarness(max_concurrent=1, max_queued=0)
    first = harness.call()
    await run_turns()
    clear_log_fields()
    call = UpstreamCall(
        api_id="com.example:bulkhead-3", form={}, files={}, anonymous=True, idempotent=False, deadline=inf
    )
    with pytest.raises(Overloaded):
        await harness.bulkhead(call, harness._send)
    assert get_log_fields() == {"shed_cause": "queue_full"}
    clear_log_fields()
    harness.may_continue.set()
    await first


async def test_a_standing_queue_of_one_caller_sheds_no_call_of_another(advance_time):
    harness = BulkheadHarness(max_concurrent=1, max_queued=1000)
    first, *early = [harness.call(queue_owner="greedy") for _ in range(4)]
    await run_turns()
    advance_time(0.1)
    first.cancel()
    await run_turns()
    advance_time(harness.policy.interval_s + 0.1)
    with pytest.raises(Overloaded, match="of this caller"):
        await harness.call(queue_owner="greedy")
    modest = harness.call("modest", queue_owner="modest")
    await run_turns()
    advance_time(harness.policy.interval_s + 0.1)
    early[0].cancel()
    await run_turns()
    assert harness.order[-1] == "modest"
    harness.may_continue.set()
    assert await modest is RESPONSE
    for waiter in early[1:]:
        with pytest.raises(Overloaded, match="of this caller"):
            await waiter


async def test_only_callers_that_wait_have_state(advance_time):
    harness = BulkheadHarness(max_concurrent=1, max_queued=1000)
    calls = [harness.call()]
    for number in range(50):
        calls.append(harness.call(queue_owner=str(number)))
        await run_turns()
        advance_time(0.1)
        calls[-2].cancel()
        await run_turns()
    harness.may_continue.set()
    await asyncio.wait(calls)
    assert not harness.bulkhead._above_target_since
