"""Messages in, and out again to subscriptions."""

import asyncio

import pytest

from services.errors import InvalidRequest, Overloaded, SubscriptionMismatch, SubscriptionNotFound
from services.store import SubscriptionLimits, SubscriptionName
from tests.store.given import NAME, NOW_MS, message, until

OTHER = SubscriptionName(caller="shop", name="other")


async def lease(room, name=NAME, *, most=100, lease_s=30.0, wait_s=0.0, **new):
    return await room.handout.lease(name, most=most, lease_s=lease_s, wait_s=wait_s, **new)


def ids(messages):
    return [one.message_id for one in messages]


async def test_stored_once_however_often_it_comes(room):
    await lease(room)
    first = await room.inbox.store([message(1), message(2), message(2)])
    again = await room.inbox.store([message(2), message(3)])

    assert sorted(first.new) == ["m1", "m2"]
    assert first.duplicates == 1
    assert (again.new, again.duplicates) == (["m3"], 1)
    assert ids(await lease(room)) == ["m1", "m2", "m3"]


async def test_a_message_comes_as_it_was_stored(room, clock):
    await lease(room)
    await room.inbox.store([message(7, order="o", topic="订单")])

    (got,) = await lease(room, lease_s=12)

    assert (got.message_id, got.topic, got.member_id) == ("m7", "订单", "b2b-1")
    assert (got.born_ms, got.raw) == (NOW_MS + 7, b'{"msgId":7}')
    assert (got.delivery_attempt, got.lease_until_ms) == (1, clock.now_ms + 12_000)


async def test_acknowledged_before_it_came_again_is_not_handed_out_again(room):
    await lease(room)
    await room.inbox.store([message(1)])
    assert await room.handout.ack(NAME, ids(await lease(room))) == 1

    await room.inbox.store([message(1)])

    assert await lease(room) == []
    assert await room.handout.ack(NAME, ["m1", "never"]) == 0


async def test_what_was_not_handed_out_cannot_be_acknowledged(room):
    await lease(room)
    await room.inbox.store([message(1)])
    assert await room.handout.ack(NAME, ["m1"]) == 0
    assert ids(await lease(room)) == ["m1"]


async def test_different_names_and_callers_each_get_everything_consumers_share(room):
    theirs = SubscriptionName(caller="", name=NAME.name)
    for name in (NAME, OTHER, theirs):
        await lease(room, name)
    await room.inbox.store([message(number) for number in range(10)])

    first, second = await lease(room, most=4), await lease(room)

    assert len(first) == 4
    assert sorted(ids(first) + ids(second)) == sorted(f"m{number}" for number in range(10))
    assert len(await lease(room, OTHER)) == 10
    assert len(await lease(room, theirs)) == 10


async def test_topics_choose_and_are_kept(room):
    await lease(room, topics=["PAY", "SEND"])
    await lease(room, topics=["SEND", "PAY", "PAY"])
    await room.inbox.store([message(1), message(2, topic="TRACE"), message(3, topic="SEND")])

    assert ids(await lease(room)) == ["m1", "m3"]
    with pytest.raises(SubscriptionMismatch):
        await lease(room, topics=["PAY"])


async def test_a_later_subscription_gets_what_its_start_time_covers(room, clock):
    for number in (1, 2, 3):
        await room.inbox.store([message(number, born_ms=1000 * number), message(10 + number, topic="TRACE")])
        clock.pass_s(10)

    assert await lease(room) == []
    covered = await lease(room, OTHER, topics=["PAY"], start_ms=NOW_MS + 10_000)
    await room.inbox.store([message(4, born_ms=1)])

    assert ids(covered) == ["m2", "m3"]
    assert ids(await lease(room)) == ["m4"]
    assert ids(await lease(room, OTHER)) == ["m4"]


async def test_what_was_born_since_is_covered_though_our_clock_is_behind(room):
    await room.inbox.store([message(1, born_ms=NOW_MS + 60_000)])
    assert ids(await lease(room, start_ms=NOW_MS + 30_000)) == ["m1"]


async def test_filling_goes_by_windows_and_keeps_the_order(room, monkeypatch):
    monkeypatch.setattr("services.store.inbox.backfill.WINDOW", 3)
    await room.inbox.store([message(number, order="o", born_ms=100 - number) for number in range(10)])

    got = []
    while taken := await lease(room, start_ms=0, wait_s=5 if not got else 0):
        got += ids(taken)
        await room.handout.ack(NAME, ids(taken))

    assert got == [f"m{number}" for number in reversed(range(10))]


async def test_one_order_is_out_one_at_a_time_by_birth(room, other):
    await lease(room)
    await room.inbox.store(
        [
            message(1, order="a", born_ms=30),
            message(2, order="a", born_ms=20),
            message(3, order="b", born_ms=25),
        ]
    )

    assert ids(await lease(room)) == ["m2", "m3"]
    assert await lease(other) == []
    await room.inbox.store([message(4, order="a", born_ms=10)])
    assert await lease(other) == [], "one of the order is out"
    await room.handout.ack(NAME, ["m2"])
    assert ids(await lease(other)) == ["m4"]
    await other.handout.ack(NAME, ["m4"])
    assert ids(await lease(room)) == ["m1"]


async def test_an_expired_lease_is_handed_out_again_with_its_order(room, clock):
    await lease(room)
    await room.inbox.store([message(1, order="a"), message(2, order="a")])
    assert ids(await lease(room, lease_s=10)) == ["m1"]
    clock.pass_s(9)
    assert await lease(room) == []
    clock.pass_s(1)

    (again,) = await lease(room)

    assert (again.message_id, again.delivery_attempt) == ("m1", 2)
    assert await room.handout.ack(NAME, ["m1"]) == 1
    assert ids(await lease(room)) == ["m2"]


async def test_a_lease_is_extended_given_back_and_stays_ended(room, clock):
    await lease(room)
    await room.inbox.store([message(1)])
    await lease(room, lease_s=10)
    clock.pass_s(5)
    assert await room.handout.set_lease(NAME, ["m1", "m9"], 20) == 1
    clock.pass_s(19)
    assert await lease(room) == []
    assert await room.handout.set_lease(NAME, ["m1"], 0) == 1
    (again,) = await lease(room, lease_s=10)
    assert again.delivery_attempt == 2
    clock.pass_s(10)
    assert await room.handout.set_lease(NAME, ["m1"], 10) == 0


async def test_dead_after_so_many_deliveries_and_back_on_request(opened, clock):
    async with opened(subscriptions=SubscriptionLimits(most_deliveries=2)) as room:
        await lease(room)
        await room.inbox.store([message(1, order="a"), message(2, order="a"), message(3)])
        for _ in range(2):
            assert ids(await lease(room, lease_s=10)) == ["m1", "m3"]
            clock.pass_s(10)

        (counted,) = await room.subscriptions.list("shop")
        assert (counted.backlog, counted.dead_messages) == (1, 2)
        assert counted.oldest_born_ms == NOW_MS + 2
        assert ids(await lease(room)) == ["m2"], "the dead one lets the next of its order pass"

        page = await room.dead_letters.list(NAME, page_size=1)
        last = await room.dead_letters.list(NAME, page_size=1, page_token=page.next_page_token)
        assert (ids(page.items), ids(last.items), last.next_page_token) == (["m3"], ["m1"], "")
        assert page.items[0].delivery_attempt == 2
        assert await room.dead_letters.requeue(NAME, ["m3", "m2", "m9"]) == 1
        (again,) = await lease(room)
        assert (again.message_id, again.delivery_attempt) == ("m3", 1)
        assert await room.dead_letters.requeue(NAME) == 1
        assert await lease(room) == [], "m2 of the order is out"
        await room.handout.ack(NAME, ["m2"])
        assert ids(await lease(room)) == ["m1"]


async def test_a_dead_message_can_still_be_acknowledged(opened, clock):
    async with opened(subscriptions=SubscriptionLimits(most_deliveries=1)) as room:
        await lease(room)
        await room.inbox.store([message(1)])
        await lease(room, lease_s=10)
        clock.pass_s(11)
        assert len((await room.dead_letters.list(NAME)).items) == 1
        assert await room.handout.ack(NAME, ["m1"]) == 1
        assert (await room.dead_letters.list(NAME)).items == []


@pytest.mark.parametrize("token", ["x", "MTo", "MjoxMg", "é", "MToxMg==", "MTotMQ"])
async def test_a_page_token_that_is_none(room, token):
    await lease(room)
    with pytest.raises(InvalidRequest):
        await room.dead_letters.list(NAME, page_token=token)


async def test_subscriptions_are_listed_and_deleted(room):
    await lease(room, OTHER, topics=["PAY"])
    await lease(room)
    await room.inbox.store([message(1), message(2, topic="TRACE")])
    await lease(room, OTHER)

    orders, other = await room.subscriptions.list("shop")
    assert (orders.name, orders.topics, orders.backlog, orders.oldest_born_ms) == (
        "orders",
        (),
        2,
        NOW_MS + 1,
    )
    assert (other.name, other.topics, other.backlog, other.create_ms) == ("other", ("PAY",), 1, NOW_MS)
    assert await room.subscriptions.list("") == []

    await room.subscriptions.delete(OTHER)
    assert [one.name for one in await room.subscriptions.list("shop")] == ["orders"]
    for call in (
        room.subscriptions.delete(OTHER),
        room.handout.ack(OTHER, ["m1"]),
        room.dead_letters.list(OTHER),
    ):
        with pytest.raises(SubscriptionNotFound):
            await call
    await lease(room, OTHER, topics=["TRACE"])
    assert [one.topics for one in await room.subscriptions.list("shop")] == [(), ("TRACE",)]


async def test_a_caller_has_a_bounded_number_of_subscriptions(opened):
    async with opened(subscriptions=SubscriptionLimits(most_per_caller=1)) as room:
        await lease(room)
        await lease(room, SubscriptionName(caller="another", name="orders"))
        with pytest.raises(Overloaded):
            await lease(room, OTHER)


async def test_deleting_wakes_its_consumers(room):
    await lease(room)
    waiting = asyncio.create_task(lease(room, wait_s=30))
    await until(lambda: bool(room.wakeups._waiting))
    await room.subscriptions.delete(NAME)
    with pytest.raises(SubscriptionNotFound):
        async with asyncio.timeout(5):
            await waiting


AWKWARD = ["", "with \0 in it", "\ud800", "长" * 5000]


@pytest.mark.parametrize("text", AWKWARD)
async def test_nothing_signed_is_too_odd_to_be_stored(room, text):
    await lease(room)
    odd = message(1)
    odd = type(odd)(
        message_id=text, topic=text, order_key=text, born_ms=2**70, member_id=text, raw=b"\0\xff" * 9
    )

    assert len((await room.inbox.store([odd])).new) == 1
    assert (await room.inbox.store([odd])).new == []
    (got,) = await lease(room)
    assert got.raw == odd.raw
    assert await room.handout.ack(NAME, [got.message_id]) == 1


@pytest.mark.parametrize("stored_by", ["room", "other"])
async def test_a_message_wakes_who_waits_in_either_replica(room, other, stored_by, monkeypatch):
    if not room.store.on_postgresql:
        # Another process with the same file is found out by looking alone.
        monkeypatch.setattr("services.store.inbox.dispatcher.POLL_INTERVAL_S", 0.5)
    await lease(room)
    waiting = asyncio.create_task(lease(room, wait_s=30))
    await until(lambda: bool(room.wakeups._waiting))

    await {"room": room, "other": other}[stored_by].inbox.store([message(1)])

    async with asyncio.timeout(5):
        assert ids(await waiting) == ["m1"]


async def test_acknowledging_giving_back_and_requeueing_wake(opened, clock):
    async with opened(subscriptions=SubscriptionLimits(most_deliveries=2)) as room:
        await lease(room)
        await room.inbox.store([message(1, order="a"), message(2, order="a")])
        await lease(room, lease_s=1000)

        async def woken_by(action):
            waiting = asyncio.create_task(lease(room, wait_s=30))
            await until(lambda: bool(room.wakeups._waiting))
            await action()
            async with asyncio.timeout(5):
                return ids(await waiting)

        assert await woken_by(lambda: room.handout.set_lease(NAME, ["m1"], 0)) == ["m1"]
        assert await woken_by(lambda: room.handout.ack(NAME, ["m1"])) == ["m2"]
        clock.pass_s(1000)
        await lease(room, lease_s=10)
        clock.pass_s(10)
        assert await lease(room) == []
        assert await woken_by(lambda: room.dead_letters.requeue(NAME)) == ["m2"]


async def test_waiting_ends_with_the_time_given(room):
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await lease(room, wait_s=0.05) == []
    assert 0.05 <= loop.time() - started < 5


async def test_a_caller_that_leaves_gives_back_what_it_was_about_to_get(room, clock):
    await lease(room)
    for number in range(30):
        await room.inbox.store([message(number)])
        leaving = asyncio.create_task(lease(room, lease_s=600))
        for _ in range(number // 2):
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        await room.handout.close()
        if not leaving.cancelled():
            await room.handout.set_lease(NAME, ids(leaving.result()), 0)

    assert len(await lease(room)) == 30


async def test_consumers_of_two_replicas_get_everything_once_and_in_order(room, other):
    """Nobody's lease ends here, so whatever comes twice, or of one order at once, is an error."""
    await lease(room)
    count, orders = 150, 12
    out: dict[str, str] = {}
    seen: list[str] = []
    sequence: dict[str, list[int]] = {}

    async def consume(replica, most):
        while len(seen) < count:
            for one in await lease(replica, most=most, wait_s=0.2):
                number = int(one.message_id[1:])
                key = f"o{number % orders}"
                assert key not in out, "two of one order are out"
                out[key] = one.message_id
                seen.append(one.message_id)
                sequence.setdefault(key, []).append(number)
                await asyncio.sleep(0)
                del out[key]
                await replica.handout.ack(NAME, [one.message_id])

    async def produce(replica, numbers):
        for number in numbers:
            await replica.inbox.store([message(number, order=f"o{number % orders}")])

    async with asyncio.timeout(30):
        await room.inbox.store([message(number, order=f"o{number % orders}") for number in range(50)])
        await asyncio.gather(
            produce(room, range(50, 100)),
            produce(other, range(100, count)),
            *(consume(replica, most) for replica in (room, other) for most in (1, 5, 20)),
        )

    assert sorted(seen) == sorted(f"m{number}" for number in range(count))
    assert all(numbers[:4] == sorted(numbers)[:4] for numbers in sequence.values())
