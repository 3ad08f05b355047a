"""Messages are leased, in order, and acknowledged."""

import asyncio

from services.store import SubscriptionLimits, SubscriptionName
from tests.store.factories import NAME, build_message, wait_until
from tests.store.inbox.leasing import OTHER_NAME, get_ids, lease


async def test_an_acknowledged_message_that_arrives_again_is_not_leased(storage):
    await lease(storage)
    await storage.inbox.store([build_message(1)])
    assert await storage.dispatcher.ack(NAME, get_ids(await lease(storage))) == 1

    await storage.inbox.store([build_message(1)])

    assert await lease(storage) == []
    assert await storage.dispatcher.ack(NAME, ["m1", "never"]) == 0


async def test_a_message_that_was_never_leased_cannot_be_acknowledged(storage):
    await lease(storage)
    await storage.inbox.store([build_message(1)])
    assert await storage.dispatcher.ack(NAME, ["m1"]) == 0
    assert get_ids(await lease(storage)) == ["m1"]


async def test_each_subscription_gets_every_message_and_its_consumers_share_them(storage):
    other_callers_name = SubscriptionName(caller="", name=NAME.name)
    for name in (NAME, OTHER_NAME, other_callers_name):
        await lease(storage, name)
    await storage.inbox.store([build_message(number) for number in range(10)])

    first, second = await lease(storage, limit=4), await lease(storage)

    assert len(first) == 4
    assert sorted(get_ids(first) + get_ids(second)) == sorted(f"m{number}" for number in range(10))
    assert len(await lease(storage, OTHER_NAME)) == 10
    assert len(await lease(storage, other_callers_name)) == 10


async def test_messages_of_an_order_are_leased_one_at_a_time_by_event_time(storage, other_replica):
    await lease(storage)
    await storage.inbox.store(
        [
            build_message(1, order="a", event_time_ms=30),
            build_message(2, order="a", event_time_ms=20),
            build_message(3, order="b", event_time_ms=25),
        ]
    )

    assert get_ids(await lease(storage)) == ["m2", "m3"]
    assert await lease(other_replica) == []
    await storage.inbox.store([build_message(4, order="a", event_time_ms=10)])
    assert await lease(other_replica) == [], "one of the order is leased"
    await storage.dispatcher.ack(NAME, ["m2"])
    assert get_ids(await lease(other_replica)) == ["m4"]
    await other_replica.dispatcher.ack(NAME, ["m4"])
    assert get_ids(await lease(storage)) == ["m1"]


async def test_a_message_with_an_expired_lease_is_leased_again_first(storage, clock):
    await lease(storage)
    await storage.inbox.store([build_message(1, order="a"), build_message(2, order="a")])
    assert get_ids(await lease(storage, lease_s=10)) == ["m1"]
    clock.advance_s(9)
    assert await lease(storage) == []
    clock.advance_s(1)

    (again,) = await lease(storage)

    assert (again.message_id, again.delivery_attempt) == ("m1", 2)
    assert await storage.dispatcher.ack(NAME, ["m1"]) == 1
    assert get_ids(await lease(storage)) == ["m2"]


async def test_a_lease_can_be_extended_and_released_until_it_expires(storage, clock):
    await lease(storage)
    await storage.inbox.store([build_message(1)])
    await lease(storage, lease_s=10)
    clock.advance_s(5)
    assert await storage.dispatcher.set_lease(NAME, ["m1", "m9"], 20) == 1
    clock.advance_s(19)
    assert await lease(storage) == []
    assert await storage.dispatcher.set_lease(NAME, ["m1"], 0) == 1
    (again,) = await lease(storage, lease_s=10)
    assert again.delivery_attempt == 2
    clock.advance_s(10)
    assert await storage.dispatcher.set_lease(NAME, ["m1"], 10) == 0


async def test_ack_release_and_requeue_notify_waiting_consumers(open_storage, clock):
    async with open_storage(subscriptions=SubscriptionLimits(max_delivery_attempts=2)) as storage:
        await lease(storage)
        await storage.inbox.store([build_message(1, order="a"), build_message(2, order="a")])
        await lease(storage, lease_s=1000)

        async def lease_after(action):
            waiting = asyncio.create_task(lease(storage, wait_s=30))
            await wait_until(lambda: bool(storage.notifier._events))
            await action()
            async with asyncio.timeout(5):
                return get_ids(await waiting)

        assert await lease_after(lambda: storage.dispatcher.set_lease(NAME, ["m1"], 0)) == ["m1"]
        assert await lease_after(lambda: storage.dispatcher.ack(NAME, ["m1"])) == ["m2"]
        clock.advance_s(1000)
        await lease(storage, lease_s=10)
        clock.advance_s(10)
        assert await lease(storage) == []
        assert await lease_after(lambda: storage.dead_letters.requeue(NAME)) == ["m2"]


async def test_a_wait_ends_after_wait_s(storage):
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await lease(storage, wait_s=0.05) == []
    assert 0.05 <= loop.time() - started < 5


async def test_the_messages_of_a_cancelled_caller_are_released(storage, clock):
    await lease(storage)
    for number in range(30):
        await storage.inbox.store([build_message(number)])
        leasing = asyncio.create_task(lease(storage, lease_s=600))
        for _ in range(number // 2):
            await asyncio.sleep(0)
        leasing.cancel()
        await asyncio.wait([leasing])
        await storage.dispatcher.close()
        if not leasing.cancelled():
            await storage.dispatcher.set_lease(NAME, get_ids(leasing.result()), 0)

    assert len(await lease(storage)) == 30


async def test_consumers_of_two_replicas_get_everything_once_and_in_order(storage, other_replica):
    """No lease expires here, so each message must be leased once, and one of an order at a time."""
    await lease(storage)
    count, orders = 150, 12
    leased: dict[str, str] = {}
    received: list[str] = []
    numbers_by_key: dict[str, list[int]] = {}

    async def consume(replica, limit):
        while len(received) < count:
            for message in await lease(replica, limit=limit, wait_s=0.2):
                number = int(message.message_id[1:])
                key = f"o{number % orders}"
                assert key not in leased, "two of one order are leased"
                leased[key] = message.message_id
                received.append(message.message_id)
                numbers_by_key.setdefault(key, []).append(number)
                await asyncio.sleep(0)
                del leased[key]
                await replica.dispatcher.ack(NAME, [message.message_id])

    async def produce(replica, numbers):
        for number in numbers:
            await replica.inbox.store([build_message(number, order=f"o{number % orders}")])

    async with asyncio.timeout(30):
        await storage.inbox.store(
            [build_message(number, order=f"o{number % orders}") for number in range(50)]
        )
        await asyncio.gather(
            produce(storage, range(50, 100)),
            produce(other_replica, range(100, count)),
            *(consume(replica, limit) for replica in (storage, other_replica) for limit in (1, 5, 20)),
        )

    assert sorted(received) == sorted(f"m{number}" for number in range(count))
    assert all(numbers[:4] == sorted(numbers)[:4] for numbers in numbers_by_key.values())
