"""Messages are stored once, whatever they contain."""

import asyncio
import hashlib

import pytest
from sqlalchemy import select

from services.store import RetentionPolicy, erase
from services.store.database.schema import message_identities
from tests.store.factories import NAME, NOW_MS, build_message, sweep, wait_until
from tests.store.leasing import ack, get_ids, lease, subscribe

DAY_S = 86_400
UNUSUAL_TEXTS = ["", "with \0 in it", "\ud800", "长" * 5000]


async def test_a_message_is_stored_once(storage):
    await subscribe(storage)
    first = await storage.inbox.store([build_message(1), build_message(2), build_message(2)])
    again = await storage.inbox.store([build_message(2), build_message(3)])

    assert sorted(first.new_ids) == ["m1", "m2"]
    assert first.duplicate_count == 1
    assert (again.new_ids, again.duplicate_count) == (["m3"], 1)
    assert get_ids(await lease(storage)) == ["m1", "m2", "m3"]


@pytest.mark.parametrize("removed_by", ["erasure", "retention"])
async def test_a_message_that_was_removed_is_not_stored_again(storage, other_replica, clock, removed_by):
    await storage.inbox.store([build_message(1)])
    if removed_by == "erasure":
        assert (await erase(storage.store, "b2b-1")).messages == 1
    else:
        await sweep(storage)
        clock.advance_s(30 * DAY_S)
        assert (await storage.retention.sweep())["messages"] == 1

    results = await asyncio.gather(
        *(
            replica.inbox.store([build_message(number) for number in (2, 1, 3)])
            for replica in (storage, other_replica) * 5
        )
    )

    assert sorted(message_id for result in results for message_id in result.new_ids) == ["m2", "m3"]
    assert sum(result.duplicate_count for result in results) == 28
    assert (await erase(storage.store, "b2b-1")).messages == 2


async def test_identities_are_removed_after_their_own_retention_period(open_storage, clock):
    async with open_storage(retention=RetentionPolicy(message_identities_s=100 * DAY_S)) as storage:
        await storage.inbox.store([build_message(1)])
        await sweep(storage)
        clock.advance_s(100 * DAY_S - 1)
        assert (await storage.retention.sweep())["message_identities"] == 0
        assert (await storage.inbox.store([build_message(1)])).new_ids == []
        clock.advance_s(1)
        assert (await storage.retention.sweep())["message_identities"] == 1
        assert (await storage.inbox.store([build_message(1)])).new_ids == ["m1"]


async def test_identities_contain_hashes_only(storage, clock):
    await storage.inbox.store([build_message(1)])
    rows = await storage.store.read(lambda connection: connection.execute(select(message_identities)))
    assert [tuple(row) for row in rows] == [(hashlib.sha256(b"m1").digest(), clock.now_ms)]


async def test_a_message_is_returned_as_it_was_stored(storage, clock):
    await subscribe(storage)
    await storage.inbox.store([build_message(7, order="o", topic="订单")])

    (received,) = await lease(storage, lease_s=12)

    message = received.message
    assert (message.message_id, message.topic, message.member_id) == ("m7", "订单", "b2b-1")
    assert (message.event_time_ms, message.raw) == (NOW_MS + 7, b'{"msgId":7}')
    assert (received.delivery_attempt, received.lease_expire_time_ms) == (1, clock.now_ms + 12_000)


@pytest.mark.parametrize("text", UNUSUAL_TEXTS)
async def test_every_signed_message_can_be_stored(storage, text):
    await subscribe(storage)
    unusual = build_message(1)
    unusual = type(unusual)(
        message_id=text, topic=text, ordering_key=text, event_time_ms=2**70, member_id=text, raw=b"\0\xff" * 9
    )

    assert len((await storage.inbox.store([unusual])).new_ids) == 1
    assert (await storage.inbox.store([unusual])).new_ids == []
    received = await lease(storage)
    assert [each.message.raw for each in received] == [unusual.raw]
    assert await ack(storage, received) == []
    assert (await storage.subscriptions.get(NAME)).backlog == 0


@pytest.mark.parametrize("stored_by", ["storage", "other_replica"])
async def test_a_new_message_notifies_waiting_consumers_of_both_replicas(
    storage, other_replica, stored_by, monkeypatch
):
    if not storage.store.is_postgresql:
        # On SQLite, a second process is noticed only by polling.
        monkeypatch.setattr("services.store.inbox.dispatcher.POLL_INTERVAL_S", 0.5)
    await subscribe(storage)
    waiting = asyncio.create_task(lease(storage, wait_s=30))
    await wait_until(lambda: bool(storage.notifier._events))

    await {"storage": storage, "other_replica": other_replica}[stored_by].inbox.store([build_message(1)])

    async with asyncio.timeout(5):
        assert get_ids(await waiting) == ["m1"]
