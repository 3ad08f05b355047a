"""The shop of the benchmark: a small one loses nothing; what is lost or out of sequence is found."""

from collections.abc import Callable

import pytest

from benchmarks.scenarios.shop import DataLost, measure_shop, observe
from benchmarks.shop_orders import LAST_STEP, PUSHES, REFUND_EVERY, SYNCS, list_calls, list_pushes, message_id
from tests.support.postgres import postgres_server

Received = dict[str, list[float]]
Calls = list[tuple[float, str, str]]
ORDER = 7
PLACED_S = 100.0


@pytest.mark.postgres
def test_a_small_shop_loses_nothing() -> None:
    with postgres_server() as postgres:
        results = measure_shop(postgres, orders=30, orders_per_s=20, step_s=0.1, warm_up=5)
    counted = {series.name: series.median for result in results.values() for series in result.details}
    refunded = sum(not number % REFUND_EVERY for number in range(5, 35))
    assert counted["messages"] == 30 * len(PUSHES) + 2 * refunded
    assert counted["deliveries"] == 30 * len(SYNCS)
    assert counted["CPU of PostgreSQL"] > 0
    assert counted["deliveries per order"] > 0  # the table
    assert results["shop-cpu"].figure.median > 0


def test_ages_begin_at_the_scheduled_time() -> None:
    received, calls = observed_order(age_s=0.25)
    received[str(message_id(ORDER, 0))].append(200.0)
    observed = observe({ORDER: PLACED_S}, 1.0, received, calls)
    assert observed.message_ages_ms == pytest.approx([250] * len(PUSHES))
    assert observed.delivery_ages_ms == pytest.approx([250] * len(SYNCS))
    assert observed.received_twice == 1


def lose_a_message(received: Received, _: Calls) -> None:
    del received[str(message_id(ORDER, 3))]


def lose_a_call(_: Received, calls: Calls) -> None:
    calls.pop()


def repeat_a_call(_: Received, calls: Calls) -> None:
    calls.append(calls[0])


def swap_two_calls(_: Received, calls: Calls) -> None:
    calls[1:3] = calls[2:0:-1]


@pytest.mark.parametrize("break_order", [lose_a_message, lose_a_call, repeat_a_call, swap_two_calls])
def test_a_loss_ends_the_measurement(break_order: Callable[[Received, Calls], None]) -> None:
    received, calls = observed_order(age_s=0.25)
    break_order(received, calls)
    with pytest.raises(DataLost, match="1 lost"):
        observe({ORDER: PLACED_S}, 1.0, received, calls)


def test_every_step_is_in_the_life_of_an_order() -> None:
    events = (*list_pushes(0), *SYNCS)
    assert {event.step for event in events} == set(range(LAST_STEP + 1))


def observed_order(age_s: float) -> tuple[Received, Calls]:
    """Return what is observed of ORDER if everything arrives after the same time."""
    received = {
        str(message_id(ORDER, index)): [PLACED_S + push.step + age_s]
        for index, push in enumerate(list_pushes(ORDER))
    }
    calls = [
        (PLACED_S + sync.step + age_s, *call) for sync, call in zip(SYNCS, list_calls(ORDER), strict=True)
    ]
    return received, calls
