"""A rate falls when 1688 rejects calls, and recovers. No test here waits."""

from math import inf

import pytest

from services.adapter.gateway.rate_limit.adaptive_rate import AdaptiveRate
from services.adapter.gateway.rate_limit.limiter import RatePolicy

POLICY = RatePolicy()


class FakeClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time():
    return FakeClock()


def test_no_limit_until_1688_rejects_a_call(time):
    rate = AdaptiveRate(POLICY, None, time)
    for _ in range(100_000):
        assert rate.wait_s() == 0
        rate.acquire()
    assert rate.current() == inf


def test_a_ceiling_spreads_calls(time):
    rate = AdaptiveRate(POLICY, 10, time)
    waits = []
    for _ in range(21):
        waits.append(rate.wait_s())
        rate.acquire()
    assert waits[:2] == [0, 0], "a burst of a tenth of a second, and the next"
    assert waits[20] == pytest.approx(2 - POLICY.burst_s)


def test_a_released_permit_can_be_acquired_again(time):
    rate = AdaptiveRate(POLICY, 10, time)
    for _ in range(20):
        rate.acquire()
    wait_s = rate.wait_s()
    for _ in range(10):
        rate.release()
    assert rate.wait_s() == pytest.approx(wait_s - 1)


def test_a_rejection_lowers_the_rate_below_what_was_reached(time):
    rate = AdaptiveRate(POLICY, None, time)
    for _ in range(100):
        time.now += 0.01
        rate.acquire()
    rate.on_rate_limited()
    assert rate.current() == pytest.approx(99 * POLICY.decrease)


def test_rejections_of_calls_in_flight_do_not_lower_it_again(time):
    rate = AdaptiveRate(POLICY, None, time)
    for _ in range(100):
        rate.acquire()
    rate.on_rate_limited()
    lowered = rate.current()
    for _ in range(50):
        rate.on_rate_limited()
    assert rate.current() == lowered
    time.now += POLICY.cooldown_s
    rate.on_rate_limited()
    assert rate.current() < lowered


def test_it_never_falls_below_the_minimum(time):
    rate = AdaptiveRate(POLICY, None, time)
    for _ in range(100):
        time.now += 2
        rate.on_rate_limited()
    assert rate.current() == POLICY.min_rate


def test_a_ceiling_below_the_minimum_is_respected(time):
    rate = AdaptiveRate(POLICY, 0.5, time)
    rate.acquire()
    rate.on_rate_limited()
    time.now += 10
    assert rate.current() == 0.5


def test_it_recovers(time):
    rate = AdaptiveRate(POLICY, 100, time)
    for _ in range(50):
        rate.acquire()
    rate.on_rate_limited()
    lowered = rate.current()
    time.now += 10
    assert rate.current() == pytest.approx(lowered + 10 * max(1, lowered * POLICY.increase))
    time.now += POLICY.reset_after_s
    assert rate.current() == 100


@pytest.mark.parametrize(("limit", "max_rejected"), [(3, 0.25), (10, 0.12), (100, 0.12)])
def test_it_finds_1688s_limit(limit, max_rejected, time):
    """Unlimited demand, and a 1688 that accepts `limit` calls in a second."""
    rate = AdaptiveRate(POLICY, None, time)
    second, used, accepted, rejected = -1, 0, 0, 0
    while time.now < 1120:
        time.now += max(rate.wait_s(), 0.001)
        rate.acquire()
        if int(time.now) != second:
            second, used = int(time.now), 0
        used += 1
        if used > limit:
            rate.on_rate_limited()
            rejected += time.now > 1010
        else:
            accepted += time.now > 1010
    assert accepted > 0.7 * limit * 110
    assert rejected < max_rejected * accepted
