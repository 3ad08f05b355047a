"""Messages in, and out again to subscriptions."""

import asyncio

import pytest

from services.errors import InvalidRequest, Overloaded, SubscriptionMismatch, SubscriptionNotFound
from services.store import SubscriptionLimits, SubscriptionName
from tests.store.given import NAME, NOW_MS, message, until

OTHER = SubscriptionName(caller="shop", name="other")


async def lease(storage, name=NAME, *, limit=100, lease_s=30.0, wait_s=0.0, **new):
    return await storage.dispatcher.lease(name, limit=limit, lease_s=lease_s, wait_s=wait_s, **new)


def ids(messages):
    return [one.message_id for one in messages]


async def test_stored_once_however_often_it_comes(storage):
    await lease(storage)
    first = await storage.inbox.store([message(1), message(2), message(2)])
    again = await storage.inbox.store([message(2), message(3)])

    assert sorted(first.new_ids) == ["m1", "m2"]
    assert first.duplicate_count == 1
    assert (again.new_ids, again.duplicate_count) == (["m3"], 1)
    assert ids(await lease(storage)) == ["m1", "m2", "m3"]


async def test_a_message_comes_as_it_was_stored(storage, clock):
    await lease(storage)
    await storage.inbox.store([message(7, order="o", topic="订单")])

    (got,) = await lease(storage, lease_s=12)

    assert (got.message_id, got.topic, got.member_id) == ("m7", "订单", "b2b-1")
    assert (got.event_time_ms, got.raw) == (NOW_MS + 7, b'{"msgId":7}')
    assert (got.delivery_attempt, got.lease_expire_time_ms) == (1, clock.now_ms + 12_000)


async def test_acknowledged_before_it_came_again_is_not_handed_out_again(storage):
    await lease(storage)
    await storage.inbox.store([message(1)])
    assert await storage.dispatcher.ack(NAME, ids(await lease(storage))) == 1

    await storage.inbox.store([message(1)])

    assert await lease(storage) == []
    assert await storage.dispatcher.ack(NAME, ["m1", "never"]) == 0


async def test_what_was_not_handed_out_cannot_be_acknowledged(storage):
    await lease(storage)
    await storage.inbox.store([message(1)])
    assert await storage.dispatcher.ack(NAME, ["m1"]) == 0
    assert ids(await lease(storage)) == ["m1"]


async def test_different_names_and_callers_each_get_everything_consumers_share(storage):
    theirs = SubscriptionName(caller="", name=NAME.name)
    for name in (NAME, OTHER, theirs):
        await lease(storage, name)
    await storage.inbox.store([message(number) for number in range(10)])

    first, second = await lease(storage, limit=4), await lease(storage)

    assert len(first) == 4
    assert sorted(ids(first) + ids(second)) == sorted(f"m{number}" for number in range(10))
    assert len(await lease(storage, OTHER)) == 10
    assert len(await lease(storage, theirs)) == 10


async def test_topics_choose_and_are_kept(storage):
    await lease(storage, topics=["PAY", "SEND"])
    await lease(storage, topics=["SEND", "PAY", "PAY"])
    await storage.inbox.store([message(1), message(2, topic="TRACE"), message(3, topic="SEND")])

    assert ids(await lease(storage)) == ["m1", "m3"]
    with pytest.raises(SubscriptionMismatch):
        await lease(storage, topics=["PAY"])


async def test_a_later_subscription_gets_what_its_start_time_covers(storage, clock):
    for number in (1, 2, 3):
        await storage.inbox.store(
            [message(number, event_time_ms=1000 * number), message(10 + number, topic="TRACE")]
        )
        clock.pass_s(10)

    assert await lease(storage) == []
    covered = await lease(storage, OTHER, topics=["PAY"], start_time_ms=NOW_MS + 10_000)
    await storage.inbox.store([message(4, event_time_ms=1)])

    assert ids(covered) == ["m2", "m3"]
    assert ids(await lease(storage)) == ["m4"]
    assert ids(await lease(storage, OTHER)) == ["m4"]


async def test_what_was_born_since_is_covered_though_our_clock_is_behind(storage):
    await storage.inbox.store([message(1, event_time_ms=NOW_MS + 60_000)])
    assert ids(await lease(storage, start_time_ms=NOW_MS + 30_000)) == ["m1"]


async def test_filling_goes_by_windows_and_keeps_the_order(storage, monkeypatch):
    monkeypatch.setattr("services.store.inbox.backfill.BATCH_SIZE", 3)
    await storage.inbox.store(
        [message(number, order="o", event_time_ms=100 - number) for number in range(10)]
    )

    got = []
    while taken := await lease(storage, start_time_ms=0, wait_s=5 if not got else 0):
        got += ids(taken)
        await storage.dispatcher.ack(NAME, ids(taken))

    assert got == [f"m{number}" for number in reversed(range(10))]


async def test_one_order_is_out_one_at_a_time_by_birth(storage, other):
    await lease(storage)
    await storage.inbox.store(
        [
            message(1, order="a", event_time_ms=30),
            message(2, order="a", event_time_ms=20),
            message(3, order="b", event_time_ms=25),
        ]
    )

    assert ids(await lease(storage)) == ["m2", "m3"]
    assert await lease(other) == []
    await storage.inbox.store([message(4, order="a", event_time_ms=10)])
    assert await lease(other) == [], "one of the order is out"
    await storage.dispatcher.ack(NAME, ["m2"])
    assert ids(await lease(other)) == ["m4"]
    await other.dispatcher.ack(NAME, ["m4"])
    assert ids(await lease(storage)) == ["m1"]


async def test_an_expired_lease_is_handed_out_again_with_its_order(storage, clock):
    await lease(storage)
    await storage.inbox.store([message(1, order="a"), message(2, order="a")])
    assert ids(await lease(storage, lease_s=10)) == ["m1"]
    clock.pass_s(9)
    assert await lease(storage) == []
    clock.pass_s(1)

    (again,) = await lease(storage)

    assert (again.message_id, again.delivery_attempt) == ("m1", 2)
    assert await storage.dispatcher.ack(NAME, ["m1"]) == 1
    assert ids(await lease(storage)) == ["m2"]


async def test_a_lease_is_extended_given_back_and_stays_ended(storage, clock):
    await lease(storage)
    await storage.inbox.store([message(1)])
    await lease(storage, lease_s=10)
    clock.pass_s(5)
    assert await storage.dispatcher.set_lease(NAME, ["m1", "m9"], 20) == 1
    clock.pass_s(19)
    assert await lease(storage) == []
    assert await storage.dispatcher.set_lease(NAME, ["m1"], 0) == 1
    (again,) = await lease(storage, lease_s=10)
    assert again.delivery_attempt == 2
    clock.pass_s(10)
    assert await storage.dispatcher.set_lease(NAME, ["m1"], 10) == 0


async def test_dead_after_so_many_deliveries_and_back_on_request(opened, clock):
    async with opened(subscriptions=SubscriptionLimits(max_delivery_attempts=2)) as storage:
        await lease(storage)
        await storage.inbox.store([message(1, order="a"), message(2, order="a"), message(3)])
        for _ in range(2):
            assert ids(await lease(storage, lease_s=10)) == ["m1", "m3"]
            clock.pass_s(10)

        (counted,) = await storage.subscriptions.list("shop")
        assert (counted.backlog, counted.dead_messages) == (1, 2)
        assert counted.oldest_event_time_ms == NOW_MS + 2
        assert ids(await lease(storage)) == ["m2"], "the dead one lets the next of its order pass"

        page = await storage.dead_letters.list(NAME, page_size=1)
        last = await storage.dead_letters.list(NAME, page_size=1, page_token=page.next_page_token)
        assert (ids(page.items), ids(last.items), last.next_page_token) == (["m3"], ["m1"], "")
        assert page.items[0].delivery_attempt == 2
        assert await storage.dead_letters.requeue(NAME, ["m3", "m2", "m9"]) == 1
        (again,) = await lease(storage)
        assert (again.message_id, again.delivery_attempt) == ("m3", 1)
        assert await storage.dead_letters.requeue(NAME) == 1
        assert await lease(storage) == [], "m2 of the order is out"
        await storage.dispatcher.ack(NAME, ["m2"])
        assert ids(await lease(storage)) == ["m1"]


async def test_a_dead_message_can_still_be_acknowledged(opened, clock):
    async with opened(subscriptions=SubscriptionLimits(max_delivery_attempts=1)) as storage:
        await lease(storage)
        await storage.inbox.store([message(1)])
        await lease(storage, lease_s=10)
        clock.pass_s(11)
        assert len((await storage.dead_letters.list(NAME)).items) == 1
        assert await storage.dispatcher.ack(NAME, ["m1"]) == 1
        assert (await storage.dead_letters.list(NAME)).items == []


@pytest.mark.parametrize("token", ["x", "MTo", "MjoxMg", "é", "MToxMg==", "MTotMQ"])
async def test_a_page_token_that_is_none(storage, token):
    await lease(storage)
    with pytest.raises(InvalidRequest):
        await storage.dead_letters.list(NAME, page_token=token)


async def test_subscriptions_are_listed_and_deleted(storage):
    await lease(storage, OTHER, topics=["PAY"])
    await lease(storage)
    await storage.inbox.store([message(1), message(2, topic="TRACE")])
    await lease(storage, OTHER)

    orders, other = await storage.subscriptions.list("shop")
    assert (orders.name, orders.topics, orders.backlog, orders.oldest_event_time_ms) == (
        "orders",
        (),
        2,
        NOW_MS + 1,
    )
    assert (other.name, other.topics, other.backlog, other.create_time_ms) == ("other", ("PAY",), 1, NOW_MS)
    assert await storage.subscriptions.list("") == []

    await storage.subscriptions.delete(OTHER)
    assert [one.name for one in await storage.subscriptions.list("shop")] == ["orders"]
    for call in (
        storage.subscriptions.delete(OTHER),
        storage.dispatcher.ack(OTHER, ["m1"]),
        storage.dead_letters.list(OTHER),
    ):
        with pytest.raises(SubscriptionNotFound):
            await call
    await lease(storage, OTHER, topics=["TRACE"])
    assert [one.topics for one in await storage.subscriptions.list("shop")] == [(), ("TRACE",)]


async def test_a_caller_has_a_bounded_number_of_subscriptions(opened):
    async with opened(subscriptions=SubscriptionLimits(max_per_caller=1)) as storage:
        await lease(storage)
        await lease(storage, SubscriptionName(caller="another", name="orders"))
        with pytest.raises(Overloaded):
            await lease(storage, OTHER)


async def test_deleting_wakes_its_consumers(storage):
    await lease(storage)
    waiting = asyncio.create_task(lease(storage, wait_s=30))
    await until(lambda: bool(storage.notifier._events))
    await storage.subscriptions.delete(NAME)
    with pytest.raises(SubscriptionNotFound):
        async with asyncio.timeout(5):
            await waiting


AWKWARD = ["", "with \0 in it", "\ud800", "长" * 5000]


@pytest.mark.parametrize("text", AWKWARD)
async def test_nothing_signed_is_too_odd_to_be_stored(storage, text):
    await lease(storage)
    odd = message(1)
    odd = type(odd)(
        message_id=text, topic=text, ordering_key=text, event_time_ms=2**70, member_id=text, raw=b"\0\xff" * 9
    )

    assert len((await storage.inbox.store([odd])).new_ids) == 1
    assert (await storage.inbox.store([odd])).new_ids == []
    (got,) = await lease(storage)
    assert got.raw == odd.raw
    assert await storage.dispatcher.ack(NAME, [got.message_id]) == 1


@pytest.mark.parametrize("stored_by", ["storage", "other"])
async def test_a_message_wakes_who_waits_in_either_replica(storage, other, stored_by, monkeypatch):
    if not storage.store.is_postgresql:
        # Another process with the same file is found out by looking alone.
        monkeypatch.setattr("services.store.inbox.dispatcher.POLL_INTERVAL_S", 0.5)
    await lease(storage)
    waiting = asyncio.create_task(lease(storage, wait_s=30))
    await until(lambda: bool(storage.notifier._events))

    await {"storage": storage, "other": other}[stored_by].inbox.store([message(1)])

    async with asyncio.timeout(5):
        assert ids(await waiting) == ["m1"]


async def test_acknowledging_giving_back_and_requeueing_wake(opened, clock):
    async with opened(subscriptions=SubscriptionLimits(max_delivery_attempts=2)) as storage:
        await lease(storage)
        await storage.inbox.store([message(1, order="a"), message(2, order="a")])
        await lease(storage, lease_s=1000)

        async def woken_by(action):
            waiting = asyncio.create_task(lease(storage, wait_s=30))
            await until(lambda: bool(storage.notifier._events))
            await action()
            async with asyncio.timeout(5):
                return ids(await waiting)

        assert await woken_by(lambda: storage.dispatcher.set_lease(NAME, ["m1"], 0)) == ["m1"]
        assert await woken_by(lambda: storage.dispatcher.ack(NAME, ["m1"])) == ["m2"]
        clock.pass_s(1000)
        await lease(storage, lease_s=10)
        clock.pass_s(10)
        assert await lease(storage) == []
        assert await woken_by(lambda: storage.dead_letters.requeue(NAME)) == ["m2"]


async def test_waiting_ends_with_the_time_given(storage):
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await lease(storage, wait_s=0.05) == []
    assert 0.05 <= loop.time() - started < 5


async def test_a_caller_that_leaves_gives_back_what_it_was_about_to_get(storage, clock):
    await lease(storage)
    for number in range(30):
        await storage.inbox.store([message(number)])
        leaving = asyncio.create_task(lease(storage, lease_s=600))
        for _ in range(number // 2):
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        await storage.dispatcher.close()
        if not leaving.cancelled():
            await storage.dispatcher.set_lease(NAME, ids(leaving.result()), 0)

    assert len(await lease(storage)) == 30


async def test_consumers_of_two_replicas_get_everything_once_and_in_order(storage, other):
    """Nobody's lease ends here, so whatever comes twice, or of one order at once, is an error."""
    await lease(storage)
    count, orders = 150, 12
    out: dict[str, str] = {}
    seen: list[str] = []
    sequence: dict[str, list[int]] = {}

    async def consume(replica, limit):
        while len(seen) < count:
            for one in await lease(replica, limit=limit, wait_s=0.2):
                number = int(one.message_id[1:])
                key = f"o{number % orders}"
                assert key not in out, "two of one order are out"
                out[key] = one.message_id
                seen.append(one.message_id)
                sequence.setdefault(key, []).append(number)
                await asyncio.sleep(0)
                del out[key]
                await replica.dispatcher.ack(NAME, [one.message_id])

    async def produce(replica, numbers):
        for number in numbers:
            await replica.inbox.store([message(number, order=f"o{number % orders}")])

    async with asyncio.timeout(30):
        await storage.inbox.store([message(number, order=f"o{number % orders}") for number in range(50)])
        await asyncio.gather(
            produce(storage, range(50, 100)),
            produce(other, range(100, count)),
            *(consume(replica, limit) for replica in (storage, other) for limit in (1, 5, 20)),
        )

    assert sorted(seen) == sorted(f"m{number}" for number in range(count))
    assert all(numbers[:4] == sorted(numbers)[:4] for numbers in sequence.values())
