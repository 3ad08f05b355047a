"""A rate that gives way to 1688's refusals and comes back; no test here waits."""

from math import inf

import pytest

from services.adapter.gateway.rate_limit.adaptive_rate import AdaptiveRate, RatePolicy

POLICY = RatePolicy()


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time():
    return Time()


def test_no_limit_until_1688_refuses(time):
    rate = AdaptiveRate(POLICY, None, time)
    for _ in range(100_000):
        assert rate.wait_s() == 0
        rate.take()
    assert rate.current() == inf


def test_a_ceiling_spreads_calls(time):
    rate = AdaptiveRate(POLICY, 10, time)
    waits = []
    for _ in range(21):
        waits.append(rate.wait_s())
        rate.take()
    assert waits[:2] == [0, 0], "a burst of a tenth of a second, and the next"
    assert waits[20] == pytest.approx(2 - POLICY.burst_s)


def test_a_turn_that_is_given_back_is_somebody_elses(time):
    rate = AdaptiveRate(POLICY, 10, time)
    for _ in range(20):
        rate.take()
    wait_s = rate.wait_s()
    for _ in range(10):
        rate.give_back()
    assert rate.wait_s() == pytest.approx(wait_s - 1)


def test_a_refusal_lowers_the_rate_below_what_was_reached(time):
    rate = AdaptiveRate(POLICY, None, time)
    for _ in range(100):
        time.now += 0.01
        rate.take()
    rate.refused()
    assert rate.current() == pytest.approx(99 * POLICY.decrease)


def test_refusals_of_calls_under_way_do_not_lower_it_again(time):
    rate = AdaptiveRate(POLICY, None, time)
    for _ in range(100):
        rate.take()
    rate.refused()
    lowered = rate.current()
    for _ in range(50):
        rate.refused()
    assert rate.current() == lowered
    time.now += POLICY.settle_s
    rate.refused()
    assert rate.current() < lowered


def test_it_never_falls_to_nothing(time):
    rate = AdaptiveRate(POLICY, None, time)
    for _ in range(100):
        time.now += 2
        rate.refused()
    assert rate.current() == POLICY.least


def test_a_ceiling_below_the_least_is_kept(time):
    rate = AdaptiveRate(POLICY, 0.5, time)
    rate.take()
    rate.refused()
    time.now += 10
    assert rate.current() == 0.5


def test_it_comes_back(time):
    rate = AdaptiveRate(POLICY, 100, time)
    for _ in range(50):
        rate.take()
    rate.refused()
    lowered = rate.current()
    time.now += 10
    assert rate.current() == pytest.approx(lowered + 10 * max(1, lowered * POLICY.increase))
    time.now += POLICY.calm_s
    assert rate.current() == 100


@pytest.mark.parametrize(("limit", "most_refused"), [(3, 0.25), (10, 0.12), (100, 0.12)])
def test_it_finds_1688s_limit(limit, most_refused, time):
    """Demand without end, and a 1688 that takes so many calls in a second."""
    rate = AdaptiveRate(POLICY, None, time)
    second, used, taken, refused = -1, 0, 0, 0
    while time.now < 1120:
        time.now += max(rate.wait_s(), 0.001)
        rate.take()
        if int(time.now) != second:
            second, used = int(time.now), 0
        used += 1
        if used > limit:
            rate.refused()
            refused += time.now > 1010
        else:
            taken += time.now > 1010
    assert taken > 0.7 * limit * 110
    assert refused < most_refused * taken
