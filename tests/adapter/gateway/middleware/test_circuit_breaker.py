"""When a breaker opens, how it closes again, and which calls wait for that."""

import asyncio
from dataclasses import replace
from functools import partial
from time import monotonic

import msgspec
import pytest

from services.adapter.gateway.call import UpstreamCall, UpstreamResponse
from services.adapter.gateway.middleware import build_chain
from services.adapter.gateway.middleware.bulkhead import BulkheadMiddleware, BulkheadPolicy
from services.adapter.gateway.middleware.circuit_breaker import (
    AdmissionMiddleware,
    Availability,
    CircuitBreaker,
    CircuitBreakerPolicy,
    CircuitBreakers,
    RecordOutcomeMiddleware,
    State,
)
from services.errors import (
    CircuitOpen,
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    DeadlineExceededInFlight,
    Overloaded,
    UpstreamFault,
    UpstreamGateway,
    UpstreamRate,
    UpstreamUnreadable,
)

on_one_loop = pytest.mark.asyncio(loop_factories=["asyncio"])

POLICY = CircuitBreakerPolicy()


class FakeClock:
    """Moves only when a test moves it. Starts at the loop's time, by which the bulkhead waits."""

    def __init__(self) -> None:
        self.now = monotonic()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time():
    return FakeClock()


@pytest.fixture
def breaker(time):
    return CircuitBreaker(POLICY, time)


async def end(breaker, *outcomes):
    for outcome in outcomes:
        breaker.record(await admit(breaker), outcome)


async def admit(breaker):
    """Admit a call that does not wait for probes."""
    return await breaker.admit(deadline=0)


async def open_breaker(breaker):
    await end(breaker, *[False] * POLICY.min_calls)
    assert breaker.state is State.OPEN


@on_one_loop
async def test_few_failures_do_not_open_it(breaker):
    await end(breaker, *[False] * (POLICY.min_calls - 1))
    assert breaker.state is State.CLOSED


@on_one_loop
async def test_half_of_the_calls_failing_opens_it(breaker):
    await end(breaker, *[True, True, False] * 100)
    assert breaker.state is State.CLOSED
    await end(breaker, *[False] * 99)
    assert breaker.state is State.CLOSED
    await end(breaker, False)
    assert breaker.state is State.OPEN  # type: ignore[comparison-overlap] # the calls change the state


@on_one_loop
async def test_a_success_does_not_open_it(breaker):
    half = POLICY.min_calls // 2
    await end(breaker, *[False] * half, *[True] * half)
    assert breaker.state is State.CLOSED
    await end(breaker, False)
    assert breaker.state is State.OPEN  # type: ignore[comparison-overlap] # the calls change the state


@on_one_loop
async def test_failures_before_the_window_do_not_count(breaker, time):
    await end(breaker, *[False] * (POLICY.min_calls - 1))
    time.now += POLICY.window_s + POLICY.window_s / 10
    await end(breaker, *[False] * (POLICY.min_calls - 1))
    assert breaker.state is State.CLOSED


@on_one_loop
async def test_the_availability_follows_the_state(breaker, time):
    assert breaker.get_availability() == Availability()
    await open_breaker(breaker)
    time.now += 0.5
    assert breaker.get_availability() == Availability(max_calls=0, retry_after_s=POLICY.open_s - 0.5)
    time.now += POLICY.open_s
    half_open = Availability(max_calls=POLICY.probes, retry_after_s=POLICY.open_s)
    assert breaker.get_availability() == half_open
    for _ in range(POLICY.probes):
        assert breaker.get_availability() == half_open
        await end(breaker, True)
    assert breaker.get_availability() == Availability()


@on_one_loop
async def test_calls_that_did_not_reach_1688_do_not_count(breaker):
    await end(breaker, *[None] * 1000)
    assert breaker.state is State.CLOSED


@on_one_loop
async def test_open_rejects_all_calls(breaker, time):
    await open_breaker(breaker)
    time.now += POLICY.open_s - 0.001
    with pytest.raises(CircuitOpen):
        await breaker.admit(deadline=time.now + 60)


@on_one_loop
async def test_successful_probes_close_it(breaker, time):
    await open_breaker(breaker)
    time.now += POLICY.open_s
    probes = [await admit(breaker) for _ in range(POLICY.probes)]
    with pytest.raises(CircuitOpen):
        await admit(breaker)
    for probe in probes:
        assert breaker.state is State.HALF_OPEN
        breaker.record(probe, succeeded=True)
    assert breaker.state is State.CLOSED
    await end(breaker, *[False] * (POLICY.min_calls - 1))
    assert breaker.state is State.CLOSED, "the window is empty"


@on_one_loop
async def test_a_failed_probe_opens_it_again(breaker, time):
    await open_breaker(breaker)
    time.now += POLICY.open_s
    first, second = await admit(breaker), await admit(breaker)
    breaker.record(first, succeeded=False)
    assert breaker.state is State.OPEN
    breaker.record(second, succeeded=True)
    assert breaker.state is State.OPEN, "outcomes from an earlier state do not count"


@on_one_loop
async def test_a_cancelled_probe_frees_its_slot(breaker, time):
    await open_breaker(breaker)
    time.now += POLICY.open_s
    for _ in range(10 * POLICY.probes):
        await end(breaker, None)
    await end(breaker, *[True] * POLICY.probes)
    assert breaker.state is State.CLOSED


@on_one_loop
async def test_a_second_outcome_does_not_count(breaker, time):
    await open_breaker(breaker)
    time.now += POLICY.open_s
    probes = [await admit(breaker) for _ in range(POLICY.probes)]
    for _ in range(POLICY.probes):
        breaker.record(probes[0], succeeded=True)
    assert breaker.state is State.HALF_OPEN
    breaker.record(probes[0], None)
    with pytest.raises(CircuitOpen):
        await admit(breaker)


@on_one_loop
async def test_calls_from_an_earlier_state_do_not_close_it(breaker, time):
    early = [await admit(breaker) for _ in range(10)]
    await open_breaker(breaker)
    time.now += POLICY.open_s
    await admit(breaker)
    for each in early:
        breaker.record(each, succeeded=True)
    assert breaker.state is State.HALF_OPEN


class Upstream:
    """1688 behind admission, bulkhead and recording. Each call that arrives waits for its outcome."""

    def __init__(self, time, policy=POLICY, max_concurrent=256, max_queued=256):
        self.breakers = CircuitBreakers(policy, time)
        self.arrived = asyncio.Queue()
        self._time = time
        middleware = (
            AdmissionMiddleware(self.breakers),
            BulkheadMiddleware(BulkheadPolicy(max_concurrent=max_concurrent, max_queued=max_queued), time),
            RecordOutcomeMiddleware(self.breakers, time),
        )
        self._chain = build_chain(middleware, self._send)

    @property
    def breaker(self):
        return self.breakers[_call(self._time).api_id]

    async def _send(self, _call):
        outcome = asyncio.get_running_loop().create_future()
        self.arrived.put_nowait(outcome)
        return await outcome

    def call(self, timeout_s=60.0, queue_owner=None):
        call = msgspec.structs.replace(_call(self._time, timeout_s), queue_owner=queue_owner)
        return asyncio.create_task(self._chain(call))

    async def half_open(self):
        """Open the breaker, let its time pass, and return the outcomes of the probes, which are in flight."""
        await open_breaker(self.breaker)
        self._time.now += POLICY.open_s
        self.probes = [self.call() for _ in range(POLICY.probes)]
        return [await self.arrived.get() for _ in range(POLICY.probes)]


@on_one_loop
async def test_two_hundred_calls_wait_for_the_probes_and_succeed(time, wait_until):
    upstream = Upstream(time)
    await open_breaker(upstream.breaker)
    time.now += POLICY.open_s
    calls = [upstream.call() for _ in range(200)]
    probes = [await upstream.arrived.get() for _ in range(POLICY.probes)]
    await wait_until(lambda: len(upstream.breaker._waiting) == 200 - POLICY.probes)
    assert upstream.arrived.empty()
    for probe in probes:
        probe.set_result(RESPONSE)
    for _ in range(200 - POLICY.probes):
        (await upstream.arrived.get()).set_result(RESPONSE)
    assert await asyncio.gather(*calls) == [RESPONSE] * 200


@on_one_loop
async def test_waiting_calls_are_rejected_when_a_probe_fails(time, wait_until):
    upstream = Upstream(time)
    probe, *_ = await upstream.half_open()
    calls = [upstream.call() for _ in range(100)]
    await wait_until(lambda: len(upstream.breaker._waiting) == 100)
    probe.set_exception(UpstreamFault("x"))
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {CircuitOpen}
    assert upstream.arrived.empty()


@on_one_loop
async def test_the_call_that_has_waited_longest_replaces_a_cancelled_probe(time, wait_until):
    upstream = Upstream(time)
    await upstream.half_open()
    first, second = upstream.call(), upstream.call()
    await wait_until(lambda: len(upstream.breaker._waiting) == 2)
    upstream.probes[0].cancel()
    (await upstream.arrived.get()).set_exception(UpstreamGateway("the first"))
    with pytest.raises(UpstreamGateway):
        await first
    assert not second.done()
    second.cancel()
    await wait_until(second.done)
    assert len(upstream.breaker._waiting) == 0


@on_one_loop
@pytest.mark.parametrize(
    ("max_wait_s", "timeout_s"), [(0.01, 60.0), (60.0, 0.01), (60.0, -1.0)], ids=["wait", "deadline", "past"]
)
async def test_a_call_waits_no_longer_than_the_limit_and_its_deadline(time, max_wait_s, timeout_s):
    upstream = Upstream(time, replace(POLICY, max_wait_s=max_wait_s))
    await upstream.half_open()
    async with asyncio.timeout(5):
        with pytest.raises(CircuitOpen):
            await upstream.call(timeout_s)
    assert len(upstream.breaker._waiting) == 0


@on_one_loop
async def test_the_number_of_waiting_calls_is_limited(time, wait_until):
    upstream = Upstream(time, replace(POLICY, max_waiting=2))
    probes = await upstream.half_open()
    waiting = [upstream.call() for _ in range(2)]
    await wait_until(lambda: len(upstream.breaker._waiting) == 2)
    with pytest.raises(CircuitOpen):
        await upstream.call()
    for probe in probes:
        probe.set_result(RESPONSE)
    for _ in waiting:
        (await upstream.arrived.get()).set_result(RESPONSE)
    assert await asyncio.gather(*waiting) == [RESPONSE] * 2


@on_one_loop
async def test_of_too_many_waiting_calls_one_of_the_caller_with_the_most_is_rejected(time, wait_until):
    upstream = Upstream(time, replace(POLICY, max_waiting=2))
    probes = await upstream.half_open()
    greedy = [upstream.call(queue_owner="greedy") for _ in range(2)]
    await wait_until(lambda: len(upstream.breaker._waiting) == 2)
    modest = upstream.call(queue_owner="modest")
    with pytest.raises(CircuitOpen, match="of this caller"):
        await greedy[1]
    for probe in probes:
        probe.set_result(RESPONSE)
    for _ in range(2):
        (await upstream.arrived.get()).set_result(RESPONSE)
    assert [await greedy[0], await modest] == [RESPONSE] * 2


@on_one_loop
async def test_a_probe_that_is_shed_before_1688_lets_another_call_be_one(time):
    upstream = Upstream(time, max_concurrent=1, max_queued=0)
    blocker = upstream.call()
    await upstream.arrived.get()
    await open_breaker(upstream.breaker)
    time.now += POLICY.open_s
    for _ in range(10 * POLICY.probes):
        with pytest.raises(Overloaded):
            await upstream.call()
    assert upstream.breaker.state is State.HALF_OPEN
    assert upstream.breaker._probes_in_flight == 0
    blocker.cancel()


@on_one_loop
async def test_calls_queued_since_before_it_opened_wait_for_the_probes_too(time, wait_until):
    """They hold no slot of the bulkhead meanwhile."""
    upstream = Upstream(time, max_concurrent=1)
    blocker, early = upstream.call(), upstream.call()
    blocking = await upstream.arrived.get()
    await open_breaker(upstream.breaker)
    time.now += POLICY.open_s
    probes = [await admit(upstream.breaker) for _ in range(POLICY.probes)]
    blocking.set_result(RESPONSE)
    await blocker
    await wait_until(lambda: len(upstream.breaker._waiting) == 1)
    assert upstream.arrived.empty()
    for probe in probes:
        upstream.breaker.record(probe, succeeded=True)
    (await upstream.arrived.get()).set_result(RESPONSE)
    assert await early is RESPONSE


@on_one_loop
async def test_calls_queued_since_before_it_opened_pass_when_it_has_closed(time):
    upstream = Upstream(time, max_concurrent=1)
    blocker, early = upstream.call(), upstream.call()
    blocking = await upstream.arrived.get()
    await open_breaker(upstream.breaker)
    time.now += POLICY.open_s
    await end(upstream.breaker, *[True] * POLICY.probes)
    blocking.set_result(RESPONSE)
    (await upstream.arrived.get()).set_result(RESPONSE)
    assert [await blocker, await early] == [RESPONSE] * 2


@on_one_loop
@pytest.mark.parametrize(
    ("failure", "counts"),
    [
        (UpstreamFault("x"), True),
        (ConnectionLost("x"), True),
        (ConnectError("x"), True),
        (DeadlineExceededInFlight("x"), True),
        (asyncio.CancelledError(), True),
        (DeadlineExceeded("x"), False),
        (Overloaded("x"), False),
        (UpstreamGateway("x"), False),
        (UpstreamRate("x"), False),
        (UpstreamUnreadable("x"), False),
        (ZeroDivisionError(), False),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_only_1688s_failures_count(failure, counts, time):
    policy = replace(POLICY, window_s=1000)
    record = partial(
        _breaking(CircuitBreakers(policy, time), time), call_next=_fails(failure, time, takes_s=2)
    )
    for _ in range(POLICY.min_calls):
        with pytest.raises(type(failure)):
            await record(_call(time, timeout_s=2))

    if not counts:
        with pytest.raises(type(failure)):
            await record(_call(time, timeout_s=2))
    else:
        with pytest.raises(CircuitOpen):
            await record(_call(time, timeout_s=2))


@on_one_loop
@pytest.mark.parametrize(
    ("failure", "timeout_s", "takes_s"),
    [
        pytest.param(DeadlineExceededInFlight("x"), 0.5, 0.5, id="short deadline"),
        pytest.param(asyncio.CancelledError(), 0.5, 0.5, id="short deadline, cancelled"),
        pytest.param(asyncio.CancelledError(), 10, 2, id="cancelled"),
    ],
)
async def test_short_deadlines_and_cancellations_are_not_1688s_failure(failure, timeout_s, takes_s, time):
    policy = replace(POLICY, window_s=1000)
    record = partial(_breaking(CircuitBreakers(policy, time), time), call_next=_fails(failure, time, takes_s))
    for _ in range(3 * POLICY.min_calls):
        with pytest.raises(type(failure)):
            await record(_call(time, timeout_s))


@on_one_loop
async def test_each_operation_has_its_own_breaker(time):
    call_1688 = _breaking(CircuitBreakers(POLICY, time), time)
    for _ in range(POLICY.min_calls):
        with pytest.raises(UpstreamFault):
            await call_1688(_call(time, api_id="com.example:breaker-3"), _fails(UpstreamFault("x"), time))

    with pytest.raises(CircuitOpen):
        await call_1688(_call(time, api_id="com.example:breaker-3"), _fails(AssertionError("sent"), time))
    assert await call_1688(_call(time, api_id="com.example:breaker-4"), _fine) is RESPONSE


RESPONSE = UpstreamResponse(value={}, request_id="")


def _breaking(breakers, time):
    """The two middleware of the breaker, in one."""
    admit, record = AdmissionMiddleware(breakers), RecordOutcomeMiddleware(breakers, time)

    async def call_breaking(call, call_next):
        return await admit(call, partial(record, call_next=call_next))

    return call_breaking


async def _fine(_call):
    return RESPONSE


def _fails(failure, time, takes_s=0.0):
    async def step(_call):
        time.now += takes_s
        raise failure

    return step


def _call(time, timeout_s=60.0, api_id="com.example:breaker-1"):
    return UpstreamCall(
        api_id=api_id, form={}, files={}, anonymous=True, idempotent=False, deadline=time.now + timeout_s
    )
