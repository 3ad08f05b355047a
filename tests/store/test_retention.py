"""Expired rows are deleted, others are not."""

import pytest

from services.errors import DeliveryNotFound
from services.store import FullOrderKey, FullOrderKind, IdempotentRequest, RetentionPolicy, SubscriptionName
from tests.store.factories import (
    NAME,
    build_delivery,
    build_full_order,
    build_message,
    read_full_order,
    store_full_order,
    sweep,
)
from tests.store.leasing import lease, subscribe

DAY_S = 86_400


async def test_a_sweep_deletes_only_expired_rows(storage, clock):
    used, unused = NAME, SubscriptionName(caller="", name="unused")
    for name in (used, unused):
        await subscribe(storage, name)
    await storage.inbox.store([build_message(1)])
    await store_full_order(storage, build_full_order(1))
    started = await storage.idempotency_keys.start(
        IdempotentRequest(caller="", rpc="x", request_id="r", content_hash=b""),
        lease_s=30,
        is_idempotent=False,
    )
    await storage.idempotency_keys.record_success(started, b"")
    finished = await storage.deliveries.enqueue(build_delivery(1))
    pending = await storage.deliveries.enqueue(build_delivery(2))
    await storage.deliveries.cancel(finished.delivery_id, owner=None)
    deleted = await sweep(storage)
    assert {table for table, count in deleted.items() if count} == set()

    clock.advance_s(7 * DAY_S - 1)
    await lease(storage, used)
    clock.advance_s(1)
    deleted = await storage.retention.sweep()
    assert {table: count for table, count in deleted.items() if count} == {
        "subscription_messages": 1,
        "message_heads": 1,
        "subscriptions": 1,
        "idempotency_keys": 1,
    }
    assert (await storage.subscriptions.list("")).items == []
    assert (await storage.subscriptions.get(used)).backlog == 1

    clock.advance_s(23 * DAY_S)
    await lease(storage, used)
    deleted = await storage.retention.sweep()
    assert {table: count for table, count in deleted.items() if count} == {"messages": 1, "deliveries": 1}
    assert await lease(storage, used) == []
    with pytest.raises(DeliveryNotFound):
        await storage.deliveries.get(finished.delivery_id, owner=None)
    await storage.deliveries.get(pending.delivery_id, owner=None)
    await read_full_order(storage, FullOrderKey(kind=FullOrderKind.ORDER, id="id1"))

    clock.advance_s(150 * DAY_S)
    assert (await storage.retention.sweep())["full_orders"] == 1


async def test_a_sweep_deletes_in_batches(open_storage, clock):
    async with open_storage(retention=RetentionPolicy(batch_size=3)) as storage:
        await storage.inbox.store([build_message(number) for number in range(10)])
        await sweep(storage)
        clock.advance_s(31 * DAY_S)
        assert (await storage.retention.sweep())["messages"] == 10
