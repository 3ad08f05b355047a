"""Last full orders, erasing a buyer, removing what is old, and doing so in one replica at a time."""

import pytest

from services.errors import DeliveryNotFound, NoFullSync
from services.store import (
    Delivered,
    FullOrder,
    FullOrderKind,
    IdempotentRequest,
    RetentionPolicy,
    SubscriptionName,
    erase,
    exclusive_lease,
)
from tests.store.given import NAME, message, order, until

DAY_S = 86_400


def full(number, *, kind=FullOrderKind.ORDER, member=None, national_order_id="", payload=b"full"):
    own = f"id{number}"
    return FullOrder(
        kind=kind, id=own, national_order_id=national_order_id or own, member_id=member, payload=payload
    )


async def test_the_last_full_order_is_kept(storage):
    await storage.full_orders.put(full(1, payload=b"old"))
    await storage.full_orders.put(full(1, payload=b"new", member="hanako"))
    await storage.full_orders.put(full(1, kind=FullOrderKind.LOGISTICS_ORDER, national_order_id="id7"))

    assert await storage.full_orders.get(FullOrderKind.ORDER, "id1") == full(
        1, payload=b"new", member="hanako"
    )
    assert (await storage.full_orders.get(FullOrderKind.LOGISTICS_ORDER, "id1")).national_order_id == "id7"
    with pytest.raises(NoFullSync):
        await storage.full_orders.get(FullOrderKind.ORDER, "id2")


async def test_a_buyer_is_erased_with_all_that_hangs_on_the_orders(storage, url, tmp_path):
    secret = b"Hanako Yamada, Shibuya"
    await storage.full_orders.put(full(1, member="hanako", payload=secret))
    await storage.full_orders.put(full(2, member="taro"))
    await storage.full_orders.put(
        full(3, kind=FullOrderKind.LOGISTICS_ORDER, national_order_id="id1", payload=secret)
    )
    await storage.full_orders.put(full(4, kind=FullOrderKind.LOGISTICS_ORDER, national_order_id="id2"))
    made = [
        await storage.deliveries.enqueue(one)
        for one in (
            order(1, member_id="hanako", national_order_id="id1", payload=secret),
            order(2, national_order_id="id1", payload=secret),
            order(3, member_id="hanako", national_order_id="id9", payload=secret),
            order(4, member_id="taro", national_order_id="id2"),
        )
    ]
    sent = []

    async def send(delivery):
        sent.append(delivery)
        return Delivered(results=b"")

    async with storage.build_relay(send).lifespan():
        await until(lambda: len(sent) == 4)
    await storage.deliveries.enqueue(order(5, national_order_id="id9"))

    erased = await erase(storage.store, "hanako")

    assert (erased.full_orders, erased.deliveries, erased.pending_deliveries) == (2, 3, 1)
    for one in made[:3]:
        with pytest.raises(DeliveryNotFound):
            await storage.deliveries.get(one.delivery_id)
    await storage.deliveries.get(made[3].delivery_id)
    await storage.full_orders.get(FullOrderKind.ORDER, "id2")
    await storage.full_orders.get(FullOrderKind.LOGISTICS_ORDER, "id4")
    with pytest.raises(NoFullSync):
        await storage.full_orders.get(FullOrderKind.LOGISTICS_ORDER, "id3")
    if not storage.store.is_postgresql:
        assert all(secret not in file.read_bytes() for file in tmp_path.iterdir())


async def test_messages_about_a_member_are_erased_from_backlogs_too(storage):
    await storage.dispatcher.lease(NAME, limit=1, lease_s=10, wait_s=0)
    await storage.inbox.store([message(1)])
    assert (await erase(storage.store, "b2b-1")).messages == 1
    assert await storage.dispatcher.lease(NAME, limit=1, lease_s=10, wait_s=0) == []


async def test_what_is_old_goes_and_what_is_not_stays(storage, clock):
    used, unused = NAME, SubscriptionName(caller="", name="unused")

    async def lease(name):
        return await storage.dispatcher.lease(name, limit=10, lease_s=10, wait_s=0)

    for name in (used, unused):
        await lease(name)
    await storage.inbox.store([message(1)])
    await storage.full_orders.put(full(1))
    begun = await storage.idempotency_keys.start(
        IdempotentRequest(caller="", rpc="x", request_id="r", content_hash=b""),
        lease_s=30,
        is_idempotent=False,
    )
    await storage.idempotency_keys.record_success(begun, b"")
    finished = await storage.deliveries.enqueue(order(1))
    pending = await storage.deliveries.enqueue(order(2))
    await storage.deliveries.cancel(finished.delivery_id)
    assert {name for name, count in (await storage.retention.sweep()).items() if count} == set()

    clock.pass_s(7 * DAY_S - 1)
    await lease(used)
    clock.pass_s(1)
    removed = await storage.retention.sweep()
    assert {name: count for name, count in removed.items() if count} == {
        "subscription_messages": 1,
        "subscriptions": 1,
        "idempotency_keys": 1,
    }
    assert await storage.subscriptions.list("") == []
    (kept,) = await storage.subscriptions.list(used.caller)
    assert kept.backlog == 1

    clock.pass_s(23 * DAY_S)
    await lease(used)
    removed = await storage.retention.sweep()
    assert {name: count for name, count in removed.items() if count} == {"messages": 1, "deliveries": 1}
    assert await lease(used) == []
    with pytest.raises(DeliveryNotFound):
        await storage.deliveries.get(finished.delivery_id)
    await storage.deliveries.get(pending.delivery_id)
    await storage.full_orders.get(FullOrderKind.ORDER, "id1")

    clock.pass_s(150 * DAY_S)
    assert (await storage.retention.sweep())["full_orders"] == 1


async def test_it_goes_in_batches(opened, clock):
    async with opened(retention=RetentionPolicy(batch_size=3)) as storage:
        await storage.inbox.store([message(number) for number in range(10)])
        clock.pass_s(31 * DAY_S)
        assert (await storage.retention.sweep())["messages"] == 10


async def test_one_replica_at_a_time(storage, other, clock):
    async with exclusive_lease(storage.store, "task", 60) as mine:
        assert mine is not None
        async with exclusive_lease(other.store, "task", 60) as theirs:
            assert theirs is None
        async with exclusive_lease(other.store, "another task", 60) as theirs:
            assert theirs is not None
        clock.pass_s(59)
        assert await mine.renew()
        clock.pass_s(59)
        async with exclusive_lease(other.store, "task", 60) as theirs:
            assert theirs is None
        clock.pass_s(2)
        async with exclusive_lease(other.store, "task", 60) as theirs:
            assert theirs is not None
            assert not await mine.renew(), "it ended, and another replica has it"
            await mine.release()
            assert await theirs.renew()
    async with exclusive_lease(other.store, "task", 60) as theirs:
        assert theirs is not None
