"""A new subscription gets the messages since its start time."""

from tests.store.factories import NOW_MS, build_message
from tests.store.leasing import OTHER_NAME, ack, get_ids, lease, subscribe


async def test_a_new_subscription_gets_the_messages_since_its_start_time(storage, clock):
    for number in (1, 2, 3):
        await storage.inbox.store(
            [build_message(number, event_time_ms=1000 * number), build_message(10 + number, topic="TRACE")]
        )
        clock.advance_s(10)

    await subscribe(storage)
    assert await lease(storage) == []
    await subscribe(storage, OTHER_NAME, topics=["PAY"], start_time_ms=NOW_MS + 10_000)
    since_start = await lease(storage, OTHER_NAME)
    await storage.inbox.store([build_message(4, event_time_ms=1)])

    assert get_ids(since_start) == ["m2", "m3"]
    assert get_ids(await lease(storage)) == ["m4"]
    assert get_ids(await lease(storage, OTHER_NAME)) == ["m4"]


async def test_an_event_time_after_the_start_time_is_enough(storage):
    await storage.inbox.store([build_message(1, event_time_ms=NOW_MS + 60_000)])
    await subscribe(storage, start_time_ms=NOW_MS + 30_000)
    assert get_ids(await lease(storage)) == ["m1"]


async def test_a_backfill_in_batches_keeps_the_order(storage, monkeypatch):
    monkeypatch.setattr("services.store.inbox.backfill.BATCH_SIZE", 3)
    await storage.inbox.store(
        [build_message(number, order="o", event_time_ms=100 - number) for number in range(10)]
    )

    await subscribe(storage, start_time_ms=0)
    received = []
    while leased := await lease(storage):
        received += get_ids(leased)
        await ack(storage, leased)

    assert received == [f"m{number}" for number in reversed(range(10))]


async def test_the_first_call_brings_messages_without_waiting_for_new_ones(storage, monkeypatch):
    """However many batches the backfill has, unless the time for it ends."""
    monkeypatch.setattr("services.store.inbox.backfill.BATCH_SIZE", 2)
    await storage.inbox.store([build_message(number) for number in range(9)])
    subscription_id = await subscribe(storage, start_time_ms=0)
    for _ in range(2):
        polled = storage.dispatcher.lease(subscription_id, limit=9, lease_s=30, wait_s=0, backfill_wait_s=0)
        assert await polled == []
    assert len(await lease(storage, wait_s=0)) == 9
