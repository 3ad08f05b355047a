"""A buyer's data is report."""

import pytest

from services.errors import DeliveryNotFound, NoFullSync
from services.store import DeliveredOutcome, FullOrderKind, erase
from tests.store.factories import NAME, build_delivery, build_full_order, build_message, wait_until


async def test_erase_deletes_everything_of_a_buyers_orders(storage, url, tmp_path):
    secret = b"Hanako Yamada, Shibuya"
    await storage.full_orders.put(build_full_order(1, member="hanako", payload=secret))
    await storage.full_orders.put(build_full_order(2, member="taro"))
    await storage.full_orders.put(
        build_full_order(3, kind=FullOrderKind.LOGISTICS_ORDER, national_order_id="id1", payload=secret)
    )
    await storage.full_orders.put(
        build_full_order(4, kind=FullOrderKind.LOGISTICS_ORDER, national_order_id="id2")
    )
    enqueued = [
        await storage.deliveries.enqueue(new)
        for new in (
            build_delivery(1, member_id="hanako", national_order_id="id1", payload=secret),
            build_delivery(2, national_order_id="id1", payload=secret),
            build_delivery(3, member_id="hanako", national_order_id="id9", payload=secret),
            build_delivery(4, member_id="taro", national_order_id="id2"),
        )
    ]
    sent = []

    async def send(delivery):
        sent.append(delivery)
        return DeliveredOutcome(results=b"")

    async with storage.build_relay(send).lifespan():
        await wait_until(lambda: len(sent) == 4)
    await storage.deliveries.enqueue(build_delivery(5, national_order_id="id9"))

    report = await erase(storage.store, "hanako")

    assert (report.full_orders, report.deliveries, report.pending_deliveries) == (2, 3, 1)
    for delivery in enqueued[:3]:
        with pytest.raises(DeliveryNotFound):
            await storage.deliveries.get(delivery.delivery_id)
    await storage.deliveries.get(enqueued[3].delivery_id)
    await storage.full_orders.get(FullOrderKind.ORDER, "id2")
    await storage.full_orders.get(FullOrderKind.LOGISTICS_ORDER, "id4")
    with pytest.raises(NoFullSync):
        await storage.full_orders.get(FullOrderKind.LOGISTICS_ORDER, "id3")
    if not storage.store.is_postgresql:
        assert all(secret not in file.read_bytes() for file in tmp_path.iterdir())


async def test_erase_removes_a_members_messages_from_backlogs(storage):
    await storage.dispatcher.lease(NAME, limit=1, lease_s=10, wait_s=0)
    await storage.inbox.store([build_message(1)])
    assert (await erase(storage.store, "b2b-1")).messages == 1
    assert await storage.dispatcher.lease(NAME, limit=1, lease_s=10, wait_s=0) == []
