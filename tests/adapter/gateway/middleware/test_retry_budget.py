"""A storm of failures is repeated for a fifth of the calls, no more."""

import pytest

from services.adapter.gateway.middleware.retry_budget import RetryBudget, RetryBudgetPolicy


class FakeClock:
    """A clock that stands wait_until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_fifth_of_the_calls_and_the_reserve():
    budget = RetryBudget(RetryBudgetPolicy(), FakeClock())
    spent = 0
    for _ in range(1000):
        budget.deposit()
        spent += budget.withdraw()

    assert spent == pytest.approx(1000 * 0.2 + 10, abs=1)


def test_a_quiet_process_repeats_too():
    time = FakeClock()
    budget = RetryBudget(RetryBudgetPolicy(initial_tokens=0), time)
    assert not budget.withdraw()
    time.now += 1
    budget.deposit()

    assert budget.withdraw()
    assert not budget.withdraw()


def test_what_calm_hours_earn_does_not_feed_a_storm():
    time = FakeClock()
    budget = RetryBudget(RetryBudgetPolicy(), time)
    time.now += 3600
    budget.deposit()

    assert budget.tokens == RetryBudgetPolicy().max_tokens
