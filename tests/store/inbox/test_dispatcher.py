"""Messages are leased, in order, and acknowledged."""

import asyncio

import pytest

from services.store import SubscriptionLimits, SubscriptionName, storage_lifespan
from tests.store.conftest import FakeClock
from tests.store.factories import NAME, build_message, wait_until
from tests.store.leasing import OTHER_NAME, ack, get_ids, lease, set_lease, subscribe


async def test_an_acknowledged_message_that_arrives_again_is_not_leased(storage):
    await subscribe(storage)
    await storage.inbox.store([build_message(1)])
    received = await lease(storage)
    assert await ack(storage, received) == []

    await storage.inbox.store([build_message(1)])

    assert await lease(storage) == []
    assert await ack(storage, received) == [], "it is acknowledged already"


async def test_each_subscription_gets_every_message_and_its_consumers_share_them(storage):
    other_callers_name = SubscriptionName(caller="", name=NAME.name)
    for name in (NAME, OTHER_NAME, other_callers_name):
        await subscribe(storage, name)
    await storage.inbox.store([build_message(number) for number in range(10)])

    first, second = await lease(storage, limit=4), await lease(storage)

    assert len(first) == 4
    assert sorted(get_ids(first) + get_ids(second)) == sorted(f"m{number}" for number in range(10))
    assert len(await lease(storage, OTHER_NAME)) == 10
    assert len(await lease(storage, other_callers_name)) == 10


async def test_messages_of_an_order_are_leased_one_at_a_time_by_event_time(storage, other_replica):
    await subscribe(storage)
    await storage.inbox.store(
        [
            build_message(1, order="a", event_time_ms=30),
            build_message(2, order="a", event_time_ms=20),
            build_message(3, order="b", event_time_ms=25),
        ]
    )

    first, second = await lease(storage)
    assert get_ids([first, second]) == ["m2", "m3"]
    assert await lease(other_replica) == []
    await storage.inbox.store([build_message(4, order="a", event_time_ms=10)])
    assert await lease(other_replica) == [], "one of the order is leased"
    await ack(storage, [first])
    earlier = await lease(other_replica)
    assert get_ids(earlier) == ["m4"]
    await ack(other_replica, earlier)
    assert get_ids(await lease(storage)) == ["m1"]


async def test_a_message_with_an_expired_lease_is_leased_again_first(storage, clock):
    await subscribe(storage)
    await storage.inbox.store([build_message(1, order="a"), build_message(2, order="a")])
    assert get_ids(await lease(storage, lease_s=10)) == ["m1"]
    clock.advance_s(9)
    assert await lease(storage) == []
    clock.advance_s(1)

    (again,) = await lease(storage)

    assert (again.message.message_id, again.delivery_attempt) == ("m1", 2)
    assert await ack(storage, [again]) == []
    assert get_ids(await lease(storage)) == ["m2"]


async def test_a_lease_can_be_extended_and_released_until_it_expires(storage, clock):
    await subscribe(storage)
    await storage.inbox.store([build_message(1)])
    received = await lease(storage, lease_s=10)
    clock.advance_s(5)
    assert await set_lease(storage, received, 20) == []
    clock.advance_s(19)
    assert await lease(storage) == []
    assert await set_lease(storage, received, 0) == []
    (again,) = await lease(storage, lease_s=10)
    assert again.delivery_attempt == 2
    clock.advance_s(10)
    assert await set_lease(storage, [again], 10) == [again.ack_id]
    assert get_ids(await lease(storage)) == ["m1"]


async def test_a_released_message_is_free_at_once_for_a_replica_whose_time_is_earlier(storage, url):
    earlier = FakeClock()
    earlier.advance_s(-5)
    await subscribe(storage)
    await storage.inbox.store([build_message(1, order="a"), build_message(2, order="a")])
    received = await lease(storage, lease_s=600)
    async with storage_lifespan(url, clock=earlier) as other_replica:
        assert await lease(other_replica) == []
        assert await set_lease(storage, received, 0) == []
        assert get_ids(await lease(other_replica)) == ["m1"]


async def test_ack_release_and_requeue_notify_waiting_consumers(open_storage, clock):
    async with open_storage(subscriptions=SubscriptionLimits(max_delivery_attempts=2)) as storage:
        subscription_id = await subscribe(storage)
        await storage.inbox.store([build_message(1, order="a"), build_message(2, order="a")])
        first = await lease(storage, lease_s=1000)

        async def lease_after(action):
            waiting = asyncio.create_task(lease(storage, wait_s=30))
            await wait_until(lambda: bool(storage.notifier._events))
            await action()
            async with asyncio.timeout(5):
                return await waiting

        again = await lease_after(lambda: set_lease(storage, first, 0))
        assert get_ids(again) == ["m1"]
        assert get_ids(await lease_after(lambda: ack(storage, again))) == ["m2"]
        clock.advance_s(1000)
        await lease(storage, lease_s=10)
        clock.advance_s(10)
        assert await lease(storage) == []
        assert get_ids(await lease_after(lambda: storage.dead_letters.requeue(subscription_id))) == ["m2"]


async def test_a_wait_ends_after_wait_s(storage):
    await subscribe(storage)
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await lease(storage, wait_s=0.05) == []
    assert 0.05 <= loop.time() - started < 5


async def test_the_messages_of_a_cancelled_caller_are_released(storage, clock):
    await subscribe(storage)
    for number in range(30):
        await storage.inbox.store([build_message(number)])
        leasing = asyncio.create_task(lease(storage, lease_s=600))
        for _ in range(number // 2):
            await asyncio.sleep(0)
        leasing.cancel()
        await asyncio.wait([leasing])
        await storage.store.tasks.close()
        if not leasing.cancelled():
            await set_lease(storage, leasing.result(), 0)

    assert len(await lease(storage)) == 30


@pytest.mark.slow
async def test_consumers_of_two_replicas_get_everything_once_and_in_order(storage, other_replica):
    """No lease expires here, so each message must be leased once, and one of an order at a time."""
    await subscribe(storage)
    count, orders = 150, 12
    leased: dict[str, str] = {}
    received: list[str] = []
    numbers_by_key: dict[str, list[int]] = {}

    async def consume(replica, limit):
        while len(received) < count:
            for each in await lease(replica, limit=limit, wait_s=0.2):
                number = int(each.message.message_id[1:])
                key = f"o{number % orders}"
                assert key not in leased, "two of one order are leased"
                leased[key] = each.message.message_id
                received.append(each.message.message_id)
                numbers_by_key.setdefault(key, []).append(number)
                await asyncio.sleep(0)
                del leased[key]
                assert await ack(replica, [each]) == []

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
