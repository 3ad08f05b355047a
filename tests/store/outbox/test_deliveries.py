"""Deliveries are enqueued, listed, retried and cancelled."""

import asyncio
import time

import pytest
from msgspec.structs import replace
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from services.errors import (
    DeliveryNotFound,
    DeliveryOvertaken,
    DeliveryPending,
    DeliveryState,
    InvalidRequest,
    RequestIdReused,
)
from services.store import DeadOutcome, RetryOutcome, RetryPolicy, State, StorageConfig, storage_lifespan
from services.store.database.engine import parse_url
from services.store.database.schema import deliveries
from services.store.database.schema_migrations import connect
from services.store.outbox.claims import Claims
from services.store.pagination import MAX_PAGE_BYTES, count_fitting
from tests.store.factories import CAPACITIES, NOW_MS, build_delivery, wait_until
from tests.store.outbox.receiver import record_batch_writes, wait_for_attempts, wait_for_state


async def test_an_enqueued_delivery_can_be_read(storage):
    enqueued = await storage.deliveries.enqueue(build_delivery(1, key="o1", caller=""))

    assert await storage.deliveries.get(enqueued.delivery_id, owner=None) == enqueued
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
        await storage.deliveries.get("none", owner=None)


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


async def test_requests_at_the_same_time_share_a_transaction(storage, monkeypatch):
    writes = record_batch_writes(storage, monkeypatch)
    new = [build_delivery(number, key=f"k{number % 2}") for number in range(8)]
    new += [build_delivery(3, key="k1"), build_delivery(3, content_hash=b"other")]
    results = await asyncio.gather(
        *(storage.deliveries.enqueue(each) for each in new), return_exceptions=True
    )
    assert len(writes) == 1
    assert results[8] == results[3]
    assert isinstance(results[9], RequestIdReused)
    listed = (await storage.deliveries.list(owner=None)).items
    assert [delivery.request_id for delivery in listed] == [f"r{number}" for number in reversed(range(8))]


async def test_a_delivery_that_cannot_be_stored_fails_alone(storage):
    """As U+0000 on PostgreSQL, which no request that passed validation has."""
    invalid = build_delivery(2, payload=None)
    results = await asyncio.gather(
        *(storage.deliveries.enqueue(each) for each in (build_delivery(1), invalid, build_delivery(3))),
        return_exceptions=True,
    )
    assert [getattr(result, "request_id", None) for result in results] == ["r1", None, "r3"]
    assert isinstance(results[1], IntegrityError)


async def test_deliveries_are_listed_newest_first(storage):
    enqueued = [
        await storage.deliveries.enqueue(build_delivery(number, key=f"k{number % 2}")) for number in range(5)
    ]
    await storage.deliveries.cancel(enqueued[3].delivery_id, owner=None)
    numbers = {delivery.delivery_id: number for number, delivery in enumerate(enqueued)}

    async def list_numbers(**filters):
        listed, token = [], ""
        while True:
            page = await storage.deliveries.list(owner=None, page_size=2, page_token=token, **filters)
            listed += [numbers[delivery.delivery_id] for delivery in page.items]
            if not (token := page.next_page_token):
                return listed

    assert await list_numbers() == [4, 3, 2, 1, 0]
    assert await list_numbers(ordering_key="k1") == [3, 1]
    assert await list_numbers(states=[State.PENDING]) == [4, 2, 1, 0]
    assert await list_numbers(states=[State.CANCELLED, State.DEAD]) == [3]
    assert len((await storage.deliveries.list(owner=None)).items) == 5
    with pytest.raises(InvalidRequest):
        await storage.deliveries.list(owner=None, page_token="?")


async def test_a_dead_delivery_is_retried_at_its_old_position(storage, receiver, clock):
    receiver.outcomes["k"] = [DeadOutcome(error=b"no")]
    first = await storage.deliveries.enqueue(build_delivery(1, key="k"))
    async with storage.build_relay(receiver, CAPACITIES).lifespan():
        await wait_for_state(storage, first, State.DEAD)
    second = await storage.deliveries.enqueue(build_delivery(2, key="k"))
    clock.advance_s(1_000_000)

    again = await storage.deliveries.retry(first.delivery_id, owner=None)
    assert (again.state, again.finish_time_ms, again.next_attempt_time_ms) == (
        State.PENDING,
        None,
        clock.now_ms,
    )
    assert await storage.deliveries.retry(first.delivery_id, owner=None) == again
    receiver.outcomes["k"] = [RetryOutcome(error=b"once more")]
    async with storage.build_relay(receiver, CAPACITIES).lifespan():
        await wait_for_attempts(storage, first, 2)
        clock.advance_s(5)
        storage.notifier.notify("deliveries")
        await wait_for_state(storage, second, State.DELIVERED)
    assert receiver.payloads() == [b"1", b"1", b"1", b"2"]
    with pytest.raises(DeliveryState):
        await storage.deliveries.retry(first.delivery_id, owner=None)


async def test_a_waiting_delivery_can_be_cancelled_but_not_one_in_flight(storage, receiver):
    receiver.gate.clear()
    async with storage.build_relay(receiver, CAPACITIES).lifespan():
        in_flight = await storage.deliveries.enqueue(build_delivery(1, key="k"))
        waiting = await storage.deliveries.enqueue(build_delivery(2, key="k"))
        await wait_until(lambda: receiver.in_flight.total() == 1)
        with pytest.raises(DeliveryState) as sending:
            await storage.deliveries.cancel(in_flight.delivery_id, owner=None)
        assert sending.value.metadata == {
            "delivery_id": in_flight.delivery_id,
            "state": "DELIVERY_STATE_PENDING",
        }
        cancelled = await storage.deliveries.cancel(waiting.delivery_id, owner=None)
        assert (cancelled.state, cancelled.finish_time_ms) == (State.CANCELLED, NOW_MS)
        assert await storage.deliveries.cancel(waiting.delivery_id, owner=None) == cancelled
        receiver.gate.set()
        await wait_for_state(storage, in_flight, State.DELIVERED)
        with pytest.raises(DeliveryState):
            await storage.deliveries.cancel(in_flight.delivery_id, owner=None)
        with pytest.raises(DeliveryState) as finished:
            await storage.deliveries.retry(waiting.delivery_id, owner=None)
        assert finished.value.metadata["state"] == "DELIVERY_STATE_CANCELLED"
    assert receiver.payloads() == [b"1"]


async def test_a_direct_call_must_not_overtake_a_pending_delivery(storage, receiver):
    await storage.deliveries.ensure_none_pending("k1")
    enqueued = await storage.deliveries.enqueue(build_delivery(1))
    with pytest.raises(DeliveryPending) as pending:
        await storage.deliveries.ensure_none_pending("k1")
    assert pending.value.metadata == {"ordering_key": "k1", "delivery_id": enqueued.delivery_id}
    async with storage.build_relay(receiver, CAPACITIES).lifespan():
        await wait_for_state(storage, enqueued, State.DELIVERED)
    await storage.deliveries.ensure_none_pending("k1")


async def test_deliveries_belong_to_the_caller_that_enqueued_them(storage):
    own = await storage.deliveries.enqueue(build_delivery(1, caller="shop"))
    other = await storage.deliveries.enqueue(build_delivery(2, caller="shop2"))
    unknown = await storage.deliveries.enqueue(build_delivery(3, caller=""))

    async def list_ids(owner, **filters):
        return [
            delivery.delivery_id for delivery in (await storage.deliveries.list(owner=owner, **filters)).items
        ]

    assert await list_ids("shop") == [own.delivery_id]
    assert await list_ids("shop", states=[State.PENDING]) == [own.delivery_id]
    assert await list_ids("shop", ordering_key="k2") == []
    assert await list_ids("") == [unknown.delivery_id]
    assert await list_ids(None) == [unknown.delivery_id, other.delivery_id, own.delivery_id]
    for method in (storage.deliveries.get, storage.deliveries.retry, storage.deliveries.cancel):
        for owner in ("shop2", ""):
            with pytest.raises(DeliveryNotFound):
                await method(own.delivery_id, owner=owner)
    assert await storage.deliveries.get(own.delivery_id, owner="shop") == own
    assert await storage.deliveries.get(own.delivery_id, owner=None) == own
    assert (await storage.deliveries.cancel(own.delivery_id, owner="shop")).state is State.CANCELLED
    assert (await storage.deliveries.cancel(other.delivery_id, owner=None)).state is State.CANCELLED


async def test_a_chosen_key_orders_only_the_deliveries_of_its_caller(storage, receiver):
    """Neither the same chosen key of another caller nor the id of an order is in its group."""
    receiver.gate.clear()
    chosen = {"key": "k", "is_key_chosen": True}
    await storage.deliveries.enqueue(build_delivery(1, caller="shop", **chosen))
    blocked = await storage.deliveries.enqueue(build_delivery(2, caller="shop", **chosen))
    others = [
        build_delivery(3, caller="another", **chosen),
        build_delivery(4, caller="", **chosen),
        build_delivery(5, caller="another", key="k"),
        build_delivery(6, caller="p:k", key="k", is_key_chosen=True),
        build_delivery(7, caller="p", key="k:k", is_key_chosen=True),
    ]
    await storage.deliveries.ensure_none_pending("k")
    for new in others:
        await storage.deliveries.enqueue(new)
    with pytest.raises(DeliveryPending):
        await storage.deliveries.ensure_none_pending("k")
    sent = []

    async def send(delivery):
        sent.append(delivery.payload)
        return await receiver(replace(delivery, ordering_key=delivery.ordering_group))

    async with storage.build_relay(send, CAPACITIES).lifespan():
        await wait_until(lambda: len(sent) == 6)
        assert b"2" not in sent
        receiver.gate.set()
        await wait_for_state(storage, blocked, State.DELIVERED)
    page = await storage.deliveries.list(owner="shop", ordering_key="k")
    assert [delivery.request_id for delivery in page.items] == ["r2", "r1"]


async def test_a_dead_delivery_is_not_overtaken_by_another_group_with_its_key(storage, receiver):
    receiver.outcomes["k"] = [DeadOutcome(error=b"no")]
    async with storage.build_relay(receiver, CAPACITIES).lifespan():
        dead = await storage.deliveries.enqueue(build_delivery(1, key="k"))
        await wait_for_state(storage, dead, State.DEAD)
        chosen = await storage.deliveries.enqueue(build_delivery(2, key="k", is_key_chosen=True))
        await wait_for_state(storage, chosen, State.DELIVERED)
        await storage.deliveries.retry(dead.delivery_id, owner="shop")
        await wait_for_state(storage, dead, State.DELIVERED)


async def test_the_order_of_an_order_id_covers_the_deliveries_of_all_callers(storage, receiver):
    receiver.outcomes["k"] = [DeadOutcome(error=b"no")]
    receiver.gate.clear()
    first = await storage.deliveries.enqueue(build_delivery(1, key="k", caller="shop"))
    async with storage.build_relay(receiver, CAPACITIES).lifespan():
        await wait_until(lambda: receiver.in_flight.total() == 1)
        second = await storage.deliveries.enqueue(build_delivery(2, key="k", caller="another"))
        other_key = await storage.deliveries.enqueue(build_delivery(3, key="o", caller="another"))
        await wait_until(lambda: receiver.in_flight.total() == 2)
        assert receiver.payloads() == [b"1", b"3"]
        receiver.gate.set()
        await wait_for_state(storage, first, State.DEAD)
        await wait_for_state(storage, second, State.DELIVERED)
        await wait_for_state(storage, other_key, State.DELIVERED)
    with pytest.raises(DeliveryOvertaken):
        await storage.deliveries.retry(first.delivery_id, owner="shop")


async def test_a_page_ends_before_the_size_of_a_response(storage):
    sizes = [MAX_PAGE_BYTES // 2, MAX_PAGE_BYTES + 1, MAX_PAGE_BYTES // 4, MAX_PAGE_BYTES // 4, 1]
    payloads = [bytes([number]) * size for number, size in enumerate(sizes)]
    for number, payload in enumerate(payloads):
        await storage.deliveries.enqueue(build_delivery(number, payload=payload))

    async def list_pages(**options):
        pages, token = [], ""
        while True:
            page = await storage.deliveries.list(owner="shop", page_token=token, **options)
            pages.append([delivery.payload for delivery in page.items])
            if not (token := page.next_page_token):
                return pages

    assert await list_pages(with_payloads=True) == [
        payloads[4:1:-1],
        [payloads[1]],  # at least one, whatever its size
        [payloads[0]],
    ]
    assert await list_pages(with_payloads=True, page_size=2) == [
        payloads[4:2:-1],
        [payloads[2]],
        [payloads[1]],
        [payloads[0]],
    ]
    assert await list_pages() == [[b""] * 5]


async def test_errors_and_keys_count_for_the_size_of_a_page(storage, receiver):
    keys = [f"{number}" + "注" * 250 for number in range(3)]
    for key in keys:
        receiver.outcomes[key] = [DeadOutcome(error=b"e" * (MAX_PAGE_BYTES // 2), results=b"")]
    enqueued = [
        await storage.deliveries.enqueue(build_delivery(number, key=key)) for number, key in enumerate(keys)
    ]
    async with storage.build_relay(receiver, CAPACITIES).lifespan():
        for delivery in enqueued:
            await wait_for_state(storage, delivery, State.DEAD)
    first = await storage.deliveries.list(owner="shop")
    assert [delivery.ordering_key for delivery in first.items] == keys[:1:-1]


def test_how_many_items_fit_in_a_page():
    assert count_fitting([MAX_PAGE_BYTES - 1, 1, 1]) == 2
    assert count_fitting([MAX_PAGE_BYTES + 1, 1]) == 1
    assert count_fitting([1]) == 1


@pytest.mark.parametrize("ending", ["delivered", "cancelled"])
async def test_a_get_waits_until_the_delivery_is_finished(
    storage, other_replica, receiver, monkeypatch, ending
):
    # Without PostgreSQL, a process is not notified by another one.
    waiting_replica = other_replica if storage.store.is_postgresql else storage
    enqueued = await storage.deliveries.enqueue(build_delivery(1))
    reads = []
    read = waiting_replica.store.read

    async def count_reads(work):
        reads.append(work)
        return await read(work)

    monkeypatch.setattr(waiting_replica.store, "read", count_reads)
    waiting = asyncio.create_task(
        waiting_replica.deliveries.get(enqueued.delivery_id, owner="shop", wait_s=60)
    )
    await wait_until(lambda: bool(waiting_replica.notifier._events.get(f"delivery:{enqueued.delivery_id}")))
    await wait_until(lambda: bool(reads))
    # Other deliveries do not make it read again.
    for number in range(2, 12):
        await storage.deliveries.enqueue(build_delivery(number))
        await storage.deliveries.cancel(
            (await storage.deliveries.list(owner=None, page_size=1)).items[0].delivery_id, owner=None
        )
    own_reads = len([work for work in reads if "Deliveries.get" in work.__qualname__])
    assert own_reads == 1
    assert not waiting.done()
    start = time.monotonic()
    if ending == "cancelled":
        await storage.deliveries.cancel(enqueued.delivery_id, owner="shop")
        assert (await waiting).state is State.CANCELLED
    else:
        async with storage.build_relay(receiver, CAPACITIES).lifespan():
            assert (await waiting).state is State.DELIVERED
    assert time.monotonic() - start < 10  # it did not wait for a poll
    assert not waiting_replica.notifier._events.get(f"delivery:{enqueued.delivery_id}")


async def test_a_wait_ends_with_the_current_state(storage, other_replica):
    enqueued = await storage.deliveries.enqueue(build_delivery(1))
    assert await storage.deliveries.get(enqueued.delivery_id, owner=None, wait_s=0.01) == enqueued
    waiting = asyncio.create_task(other_replica.deliveries.get(enqueued.delivery_id, owner=None, wait_s=2))
    await storage.deliveries.cancel(enqueued.delivery_id, owner=None)
    # It reads once more at the end, even if no notification arrived.
    assert (await waiting).state is State.CANCELLED
    with pytest.raises(DeliveryNotFound):
        await storage.deliveries.get(enqueued.delivery_id, owner="another", wait_s=60)


@pytest.mark.postgres
@pytest.mark.parametrize("change", ["retry", "cancel"])
async def test_a_delivery_that_is_deleted_in_the_same_instant_is_not_found(server, change):
    """An erasure deletes them without these locks. On SQLite, transactions do not overlap."""
    async with storage_lifespan(server.url(), StorageConfig()) as storage:
        enqueued = await storage.deliveries.enqueue(build_delivery(1, request_id=f"deleted-{change}"))
        if change == "retry":
            claims = Claims(storage.store, storage.notifier, RetryPolicy())
            (claim,) = await claims.claim({"SyncOrder": 1}, 1, 60)
            await claims.record(claim, DeadOutcome(error=b""))
        engine = storage.store._engine._engine.sync_engine

        def delete_before(_connection, _cursor, statement, *_):
            if statement.startswith("UPDATE deliveries"):
                with connect(parse_url(server.url())) as connection:
                    connection.execute(deliveries.delete())

        event.listen(engine, "before_cursor_execute", delete_before)
        with pytest.raises(DeliveryNotFound):
            await getattr(storage.deliveries, change)(enqueued.delivery_id, owner=None)
