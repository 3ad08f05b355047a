"""A storm of failures is repeated for a fifth of the calls, no more."""

import pytest

from services.adapter.gateway.middleware.retry_budget import BudgetPolicy, RetryBudget


class Time:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_fifth_of_the_calls_and_the_reserve():
    budget = RetryBudget(BudgetPolicy(), Time())
    spent = 0
    for _ in range(1000):
        budget.earn()
        spent += budget.spend()

    assert spent == pytest.approx(1000 * 0.2 + 10, abs=1)


def test_a_quiet_process_repeats_too():
    time = Time()
    budget = RetryBudget(BudgetPolicy(reserve=0), time)
    assert not budget.spend()
    time.now += 1
    budget.earn()

    assert budget.spend()
    assert not budget.spend()


def test_what_calm_hours_earn_does_not_feed_a_storm():
    time = Time()
    budget = RetryBudget(BudgetPolicy(), time)
    time.now += 3600
    budget.earn()

    assert budget.balance == BudgetPolicy().most
