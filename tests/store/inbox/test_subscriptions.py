"""Subscriptions are created, listed and deleted."""

import asyncio

import pytest

from services.errors import InvalidRequest, SubscriptionLimit, SubscriptionMismatch, SubscriptionNotFound
from services.store import SubscriptionLimits, SubscriptionName
from tests.store.factories import NAME, NOW_MS, build_message, wait_until
from tests.store.leasing import OTHER_NAME, get_ids, lease, subscribe


async def test_topics_filter_messages_and_cannot_change(storage):
    await subscribe(storage, topics=["PAY", "SEND"])
    await subscribe(storage, topics=["SEND", "PAY", "PAY"])
    await storage.inbox.store(
        [build_message(1), build_message(2, topic="TRACE"), build_message(3, topic="SEND")]
    )

    assert get_ids(await lease(storage)) == ["m1", "m3"]
    for topics in (["PAY"], []):
        with pytest.raises(SubscriptionMismatch) as mismatch:
            await subscribe(storage, topics=topics)
        assert mismatch.value.metadata == {"subscription": NAME.name, "topics": "PAY,SEND"}


async def test_subscriptions_are_listed_and_deleted(storage):
    await subscribe(storage, OTHER_NAME, topics=["PAY"])
    await subscribe(storage)
    await storage.inbox.store([build_message(1), build_message(2, topic="TRACE")])
    await lease(storage, OTHER_NAME)

    orders, other = (await storage.subscriptions.list("shop")).items
    assert (orders.name, orders.topics, orders.backlog, orders.oldest_event_time_ms) == (
        "orders",
        (),
        2,
        NOW_MS + 1,
    )
    assert (other.name, other.topics, other.backlog, other.create_time_ms) == ("other", ("PAY",), 1, NOW_MS)
    assert await storage.subscriptions.get(OTHER_NAME) == other
    assert (await storage.subscriptions.list("")).items == []

    await storage.subscriptions.delete(OTHER_NAME)
    assert (await storage.subscriptions.list("shop")).items == [orders]
    for call in (
        storage.subscriptions.delete(OTHER_NAME),
        storage.subscriptions.get(OTHER_NAME),
        storage.subscriptions.get_id(OTHER_NAME),
        storage.subscriptions.open(OTHER_NAME),
    ):
        with pytest.raises(SubscriptionNotFound):
            await call
    await subscribe(storage, OTHER_NAME, topics=["TRACE"])
    assert [subscription.topics for subscription in (await storage.subscriptions.list("shop")).items] == [
        (),
        ("TRACE",),
    ]


async def test_subscriptions_are_listed_in_pages_by_name(storage):
    for name in ("c", "a", "d", "b"):
        await subscribe(storage, SubscriptionName(caller="shop", name=name))
    await subscribe(storage, SubscriptionName(caller="another", name="e"))
    listed, token = [], ""
    while token or not listed:
        page = await storage.subscriptions.list("shop", 3, token)
        listed.append([subscription.name for subscription in page.items])
        token = page.next_page_token
    assert listed == [["a", "b", "c"], ["d"]]
    for invalid in ("x", "MTo", "MjphOmI", "é"):
        with pytest.raises(InvalidRequest):
            await storage.subscriptions.list("shop", page_token=invalid)


async def test_a_page_ends_before_the_size_of_a_response(storage, monkeypatch):
    monkeypatch.setattr("services.store.pagination.MAX_PAGE_BYTES", 1000)
    topics = ["t" * 100, "u" * 100, "v" * 100]
    for name in ("a", "b", "c"):
        await subscribe(storage, SubscriptionName(caller="shop", name=name), topics=topics)
    first = await storage.subscriptions.list("shop")
    second = await storage.subscriptions.list("shop", page_token=first.next_page_token)
    assert [subscription.name for subscription in first.items] == ["a", "b"]
    assert [subscription.name for subscription in second.items] == ["c"]
    assert second.next_page_token == ""


async def test_a_caller_has_a_maximum_number_of_subscriptions(open_storage):
    async with open_storage(subscriptions=SubscriptionLimits(max_per_caller=1)) as storage:
        await subscribe(storage)
        await subscribe(storage, SubscriptionName(caller="another", name="orders"))
        with pytest.raises(SubscriptionLimit) as limit:
            await subscribe(storage, OTHER_NAME)
        assert limit.value.metadata == {"subscriptions_per_caller": 1}


async def test_deletion_notifies_waiting_consumers(storage):
    await subscribe(storage)
    waiting = asyncio.create_task(lease(storage, wait_s=30))
    await wait_until(lambda: bool(storage.notifier._events))
    await storage.subscriptions.delete(NAME)
    with pytest.raises(SubscriptionNotFound):
        async with asyncio.timeout(5):
            await waiting
