"""When a breaker opens, and how it closes again. No test here waits."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from services.adapter.gateway.call import UpstreamCall, UpstreamResponse
from services.adapter.gateway.middleware.circuit_breaker import (
    CircuitBreaker,
    CircuitBreakerPolicy,
    CircuitBreakers,
    RecordOutcomeMiddleware,
    RejectWhenOpenMiddleware,
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
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time():
    return FakeClock()


@pytest.fixture
def breaker(time):
    return CircuitBreaker(POLICY, time)


def end(breaker, *outcomes):
    for outcome in outcomes:
        breaker.record(breaker.acquire(), outcome)


def open_breaker(breaker):
    end(breaker, *[False] * POLICY.min_calls)
    assert breaker.state is State.OPEN


def test_few_failures_do_not_open_it(breaker):
    end(breaker, *[False] * (POLICY.min_calls - 1))
    assert breaker.state is State.CLOSED


def test_half_of_the_calls_failing_opens_it(breaker):
    end(breaker, *[True, True, False] * 100)
    assert breaker.state is State.CLOSED
    end(breaker, *[False] * 99)
    assert breaker.state is State.CLOSED
    end(breaker, False)
    assert breaker.state is State.OPEN  # type: ignore[comparison-overlap] # the calls change the state


def test_failures_before_the_window_do_not_count(breaker, time):
    end(breaker, *[False] * (POLICY.min_calls - 1))
    time.now += POLICY.window_s + POLICY.window_s / 10
    end(breaker, *[False] * (POLICY.min_calls - 1))
    assert breaker.state is State.CLOSED


def test_calls_that_did_not_reach_1688_do_not_count(breaker):
    end(breaker, *[None] * 1000)
    assert breaker.state is State.CLOSED


def test_open_rejects_all_calls(breaker, time):
    open_breaker(breaker)
    time.now += POLICY.open_s - 0.001
    with pytest.raises(CircuitOpen):
        breaker.acquire()


def test_successful_probes_close_it(breaker, time):
    open_breaker(breaker)
    time.now += POLICY.open_s
    probes = [breaker.acquire() for _ in range(POLICY.probes)]
    with pytest.raises(CircuitOpen):
        breaker.acquire()
    for probe in probes:
        assert breaker.state is State.HALF_OPEN
        breaker.record(probe, succeeded=True)
    assert breaker.state is State.CLOSED
    end(breaker, *[False] * (POLICY.min_calls - 1))
    assert breaker.state is State.CLOSED, "the window is empty"


def test_a_failed_probe_opens_it_again(breaker, time):
    open_breaker(breaker)
    time.now += POLICY.open_s
    first, second = breaker.acquire(), breaker.acquire()
    breaker.record(first, succeeded=False)
    assert breaker.state is State.OPEN
    breaker.record(second, succeeded=True)
    assert breaker.state is State.OPEN, "outcomes from an earlier state do not count"


def test_a_cancelled_probe_frees_its_slot(breaker, time):
    open_breaker(breaker)
    time.now += POLICY.open_s
    for _ in range(10 * POLICY.probes):
        end(breaker, None)
    end(breaker, *[True] * POLICY.probes)
    assert breaker.state is State.CLOSED


def test_calls_from_an_earlier_state_do_not_close_it(breaker, time):
    early = [breaker.acquire() for _ in range(10)]
    open_breaker(breaker)
    time.now += POLICY.open_s
    breaker.reject_when_open()
    for each in early:
        breaker.record(each, succeeded=True)
    assert breaker.state is State.OPEN


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
        RecordOutcomeMiddleware(CircuitBreakers(policy, time), time),
        call_next=_fails(failure, time, takes_s=2),
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
    record = partial(
        RecordOutcomeMiddleware(CircuitBreakers(policy, time), time), call_next=_fails(failure, time, takes_s)
    )
    for _ in range(3 * POLICY.min_calls):
        with pytest.raises(type(failure)):
            await record(_call(time, timeout_s))


@on_one_loop
async def test_each_operation_has_its_own_breaker(time):
    breakers = CircuitBreakers(POLICY, time)
    reject = RejectWhenOpenMiddleware(breakers)
    record = RecordOutcomeMiddleware(breakers, time)
    for _ in range(POLICY.min_calls):
        with pytest.raises(UpstreamFault):
            await record(_call(time, api_id="com.example:breaker-3"), _fails(UpstreamFault("x"), time))

    with pytest.raises(CircuitOpen):
        await reject(_call(time, api_id="com.example:breaker-3"), _fails(AssertionError("reached"), time))
    assert (
        await reject(_call(time, api_id="com.example:breaker-4"), partial(record, call_next=_fine))
        is RESPONSE
    )


RESPONSE = UpstreamResponse(value={}, request_id="")


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
