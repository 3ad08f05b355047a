"""Subscriptions are created, listed and deleted."""

import asyncio

import pytest

from services.errors import Overloaded, SubscriptionMismatch, SubscriptionNotFound
from services.store import SubscriptionLimits, SubscriptionName
from tests.store.factories import NAME, NOW_MS, build_message, wait_until
from tests.store.inbox.leasing import OTHER_NAME, get_ids, lease


async def test_topics_filter_messages_and_cannot_change(storage):
    await lease(storage, topics=["PAY", "SEND"])
    await lease(storage, topics=["SEND", "PAY", "PAY"])
    await storage.inbox.store(
        [build_message(1), build_message(2, topic="TRACE"), build_message(3, topic="SEND")]
    )

    assert get_ids(await lease(storage)) == ["m1", "m3"]
    with pytest.raises(SubscriptionMismatch):
        await lease(storage, topics=["PAY"])


async def test_subscriptions_are_listed_and_deleted(storage):
    await lease(storage, OTHER_NAME, topics=["PAY"])
    await lease(storage)
    await storage.inbox.store([build_message(1), build_message(2, topic="TRACE")])
    await lease(storage, OTHER_NAME)

    orders, other = await storage.subscriptions.list("shop")
    assert (orders.name, orders.topics, orders.backlog, orders.oldest_event_time_ms) == (
        "orders",
        (),
        2,
        NOW_MS + 1,
    )
    assert (other.name, other.topics, other.backlog, other.create_time_ms) == ("other", ("PAY",), 1, NOW_MS)
    assert await storage.subscriptions.list("") == []

    await storage.subscriptions.delete(OTHER_NAME)
    assert [subscription.name for subscription in await storage.subscriptions.list("shop")] == ["orders"]
    for call in (
        storage.subscriptions.delete(OTHER_NAME),
        storage.dispatcher.ack(OTHER_NAME, ["m1"]),
        storage.dead_letters.list(OTHER_NAME),
    ):
        with pytest.raises(SubscriptionNotFound):
            await call
    await lease(storage, OTHER_NAME, topics=["TRACE"])
    assert [subscription.topics for subscription in await storage.subscriptions.list("shop")] == [
        (),
        ("TRACE",),
    ]


async def test_a_caller_has_a_maximum_number_of_subscriptions(open_storage):
    async with open_storage(subscriptions=SubscriptionLimits(max_per_caller=1)) as storage:
        await lease(storage)
        await lease(storage, SubscriptionName(caller="another", name="orders"))
        with pytest.raises(Overloaded):
            await lease(storage, OTHER_NAME)


async def test_deletion_notifies_waiting_consumers(storage):
    await lease(storage)
    waiting = asyncio.create_task(lease(storage, wait_s=30))
    await wait_until(lambda: bool(storage.notifier._events))
    await storage.subscriptions.delete(NAME)
    with pytest.raises(SubscriptionNotFound):
        async with asyncio.timeout(5):
            await waiting
