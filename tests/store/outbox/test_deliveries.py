"""Deliveries are enqueued, listed, retried and cancelled."""

import asyncio

import pytest

from services.errors import DeliveryNotFound, DeliveryPending, DeliveryState, InvalidRequest, RequestIdReused
from services.store import DeadOutcome, RetryOutcome, State
from tests.store.factories import NOW_MS, build_delivery, wait_until
from tests.store.outbox.receiver import wait_for_attempts, wait_for_state


async def test_an_enqueued_delivery_can_be_read(storage):
    enqueued = await storage.deliveries.enqueue(build_delivery(1, key="o1", caller=""))

    assert await storage.deliveries.get(enqueued.delivery_id) == enqueued
    assert (enqueued.state, enqueued.attempts, enqueued.ordering_key, enqueued.request_id) == (
        State.PENDING,
        0,
        "o1",
        "r1",
    )
    assert (enqueued.create_time_ms, enqueued.next_attempt_time_ms, enqueued.finish_time_ms) == (
        NOW_MS,
        NOW_MS,
        None,
    )
    with pytest.raises(DeliveryNotFound):
        await storage.deliveries.get("none")


async def test_the_same_request_is_the_same_delivery(storage, other_replica):
    enqueued = await asyncio.gather(
        *(
            replica.deliveries.enqueue(build_delivery(1))
            for replica in (storage, other_replica)
            for _ in range(5)
        )
    )
    assert len({delivery.delivery_id for delivery in enqueued}) == 1
    with pytest.raises(RequestIdReused):
        await storage.deliveries.enqueue(build_delivery(1, content_hash=b"other"))
    other_callers = await storage.deliveries.enqueue(build_delivery(1, caller="another"))
    assert other_callers.delivery_id != enqueued[0].delivery_id


async def test_deliveries_are_listed_newest_first(storage):
    enqueued = [
        await storage.deliveries.enqueue(build_delivery(number, key=f"k{number % 2}")) for number in range(5)
    ]
    await storage.deliveries.cancel(enqueued[3].delivery_id)
    numbers = {delivery.delivery_id: number for number, delivery in enumerate(enqueued)}

    async def list_numbers(**filters):
        listed, token = [], ""
        while True:
            page = await storage.deliveries.list(page_size=2, page_token=token, **filters)
            listed += [numbers[delivery.delivery_id] for delivery in page.items]
            if not (token := page.next_page_token):
                return listed

    assert await list_numbers() == [4, 3, 2, 1, 0]
    assert await list_numbers(ordering_key="k1") == [3, 1]
    assert await list_numbers(states=[State.PENDING]) == [4, 2, 1, 0]
    assert await list_numbers(states=[State.CANCELLED, State.DEAD]) == [3]
    assert len((await storage.deliveries.list()).items) == 5
    with pytest.raises(InvalidRequest):
        await storage.deliveries.list(page_token="?")


async def test_a_dead_delivery_is_retried_at_its_old_position(storage, receiver, clock):
    receiver.outcomes["k"] = [DeadOutcome(error=b"no")]
    first = await storage.deliveries.enqueue(build_delivery(1, key="k"))
    async with storage.build_relay(receiver).lifespan():
        await wait_for_state(storage, first, State.DEAD)
    second = await storage.deliveries.enqueue(build_delivery(2, key="k"))
    clock.advance_s(1_000_000)

    again = await storage.deliveries.retry(first.delivery_id)
    assert (again.state, again.finish_time_ms, again.next_attempt_time_ms) == (
        State.PENDING,
        None,
        clock.now_ms,
    )
    assert await storage.deliveries.retry(first.delivery_id) == again
    receiver.outcomes["k"] = [RetryOutcome(error=b"once more")]
    async with storage.build_relay(receiver).lifespan():
        await wait_for_attempts(storage, first, 2)
        clock.advance_s(5)
        storage.notifier.notify("deliveries")
        await wait_for_state(storage, second, State.DELIVERED)
    assert receiver.payloads() == [b"1", b"1", b"1", b"2"]
    with pytest.raises(DeliveryState):
        await storage.deliveries.retry(first.delivery_id)


async def test_a_waiting_delivery_can_be_cancelled_but_not_one_in_flight(storage, receiver):
    receiver.gate.clear()
    async with storage.build_relay(receiver).lifespan():
        in_flight = await storage.deliveries.enqueue(build_delivery(1, key="k"))
        waiting = await storage.deliveries.enqueue(build_delivery(2, key="k"))
        await wait_until(lambda: receiver.in_flight.total() == 1)
        with pytest.raises(DeliveryState):
            await storage.deliveries.cancel(in_flight.delivery_id)
        cancelled = await storage.deliveries.cancel(waiting.delivery_id)
        assert (cancelled.state, cancelled.finish_time_ms) == (State.CANCELLED, NOW_MS)
        assert await storage.deliveries.cancel(waiting.delivery_id) == cancelled
        receiver.gate.set()
        await wait_for_state(storage, in_flight, State.DELIVERED)
        with pytest.raises(DeliveryState):
            await storage.deliveries.cancel(in_flight.delivery_id)
        with pytest.raises(DeliveryState):
            await storage.deliveries.retry(waiting.delivery_id)
    assert receiver.payloads() == [b"1"]


async def test_a_direct_call_must_not_overtake_a_pending_delivery(storage, receiver):
    await storage.deliveries.ensure_none_pending("k1")
    enqueued = await storage.deliveries.enqueue(build_delivery(1))
    with pytest.raises(DeliveryPending):
        await storage.deliveries.ensure_none_pending("k1")
    async with storage.build_relay(receiver).lifespan():
        await wait_for_state(storage, enqueued, State.DELIVERED)
    await storage.deliveries.ensure_none_pending("k1")
