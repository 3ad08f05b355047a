"""When many calls fail, a fifth of them are retried."""

import pytest

from services.adapter.gateway.middleware.retry_budget import RetryBudget, RetryBudgetPolicy


class FakeClock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_fifth_of_the_calls_and_the_initial_tokens():
    budget = RetryBudget(RetryBudgetPolicy(), FakeClock())
    withdrawn = 0
    for _ in range(1000):
        budget.deposit()
        withdrawn += budget.withdraw()

    assert withdrawn == pytest.approx(1000 * 0.2 + 10, abs=1)


def test_a_process_with_few_calls_retries_too():
    time = FakeClock()
    budget = RetryBudget(RetryBudgetPolicy(initial_tokens=0), time)
    assert not budget.withdraw()
    time.now += 1
    budget.deposit()

    assert budget.withdraw()
    assert not budget.withdraw()


def test_tokens_are_limited():
    time = FakeClock()
    budget = RetryBudget(RetryBudgetPolicy(), time)
    time.now += 3600
    budget.deposit()

    assert budget.tokens == RetryBudgetPolicy().max_tokens
