"""Messages are stored once, whatever they contain."""

import asyncio

import pytest

from tests.store.factories import NAME, NOW_MS, build_message, wait_until
from tests.store.inbox.leasing import get_ids, lease

UNUSUAL_TEXTS = ["", "with \0 in it", "\ud800", "长" * 5000]


async def test_a_message_is_stored_once(storage):
    await lease(storage)
    first = await storage.inbox.store([build_message(1), build_message(2), build_message(2)])
    again = await storage.inbox.store([build_message(2), build_message(3)])

    assert sorted(first.new_ids) == ["m1", "m2"]
    assert first.duplicate_count == 1
    assert (again.new_ids, again.duplicate_count) == (["m3"], 1)
    assert get_ids(await lease(storage)) == ["m1", "m2", "m3"]


async def test_a_message_is_returned_as_it_was_stored(storage, clock):
    await lease(storage)
    await storage.inbox.store([build_message(7, order="o", topic="订单")])

    (leased,) = await lease(storage, lease_s=12)

    assert (leased.message_id, leased.topic, leased.member_id) == ("m7", "订单", "b2b-1")
    assert (leased.event_time_ms, leased.raw) == (NOW_MS + 7, b'{"msgId":7}')
    assert (leased.delivery_attempt, leased.lease_expire_time_ms) == (1, clock.now_ms + 12_000)


@pytest.mark.parametrize("text", UNUSUAL_TEXTS)
async def test_every_signed_message_can_be_stored(storage, text):
    await lease(storage)
    unusual = build_message(1)
    unusual = type(unusual)(
        message_id=text, topic=text, ordering_key=text, event_time_ms=2**70, member_id=text, raw=b"\0\xff" * 9
    )

    assert len((await storage.inbox.store([unusual])).new_ids) == 1
    assert (await storage.inbox.store([unusual])).new_ids == []
    (leased,) = await lease(storage)
    assert leased.raw == unusual.raw
    assert await storage.dispatcher.ack(NAME, [leased.message_id]) == 1


@pytest.mark.parametrize("stored_by", ["storage", "other_replica"])
async def test_a_new_message_notifies_waiting_consumers_of_both_replicas(
    storage, other_replica, stored_by, monkeypatch
):
    if not storage.store.is_postgresql:
        # On SQLite, a second process is noticed only by polling.
        monkeypatch.setattr("services.store.inbox.dispatcher.POLL_INTERVAL_S", 0.5)
    await lease(storage)
    waiting = asyncio.create_task(lease(storage, wait_s=30))
    await wait_until(lambda: bool(storage.notifier._events))

    await {"storage": storage, "other_replica": other_replica}[stored_by].inbox.store([build_message(1)])

    async with asyncio.timeout(5):
        assert get_ids(await waiting) == ["m1"]
