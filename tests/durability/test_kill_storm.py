"""Replicas are killed at random moments under load: no message and no delivery is lost."""

import asyncio
import random
import time

import grpc.aio
import pytest
from nationalsite.ordersync import v1 as protos

from tests.durability.conftest import LONG, SEED
from tests.durability.consumers import Consumer, DeliveryLog
from tests.support.enqueue_client import EnqueueClient, are_in_order, build_status_sync, parse_sent_numbers
from tests.support.push_client import FIRST_EVENT_TIME_MS, PushClient, build_message
from tests.support.replica import Replica

pytestmark = pytest.mark.durability

KILLS, MESSAGES, DELIVERIES = (200, 5_000, 5_000) if LONG else (20, 1_000, 1_000)
MESSAGES_PER_ORDER = 10
DELIVERIES_PER_KEY = 40
KEYS = DELIVERIES // DELIVERIES_PER_KEY
DUPLICATE_RATE = 0.1
FIRST_ORDER_ID, FIRST_KEY = 1_479_266_113_491_000_000, 4_590_347_000_000_000
TIMEOUT_S = 180 + 20 * KILLS
DRAIN_TIMEOUT_S = 120
"""After the last kill: enough for leases to end and for all work to be done."""
TOLERANCE_MS = {"sqlite": 2, "postgresql": 100}
"""SQLite has one writer, so times are exact. On PostgreSQL a poll reads the clock before the messages."""


class LoadRamp:
    """Releases the load in proportion to the kills, so that each kill meets some of it."""

    def __init__(self) -> None:
        self._level = 0.0
        self._raised = asyncio.Event()

    def raise_to(self, level: float) -> None:
        """Release the load up to a level from 0 to 1."""
        self._level = level
        self._raised.set()
        self._raised = asyncio.Event()

    async def wait_for(self, level: float) -> None:
        """Wait until the ramp reaches a level."""
        while self._level < level:
            await self._raised.wait()


async def kill_at_random(replicas: list[Replica], rng: random.Random, ramp: LoadRamp) -> None:
    """Kill and restart replicas, and raise the load with each kill."""
    for number in range(KILLS):
        ramp.raise_to((number + 1) / KILLS)
        await asyncio.sleep(rng.uniform(0.02, 1.5))
        victim = rng.choice(replicas)
        await asyncio.to_thread(victim.kill)
        await asyncio.to_thread(victim.start)


async def push_all(push_client: PushClient, rng: random.Random, ramp: LoadRamp) -> None:
    """Push all messages, some of them twice. Messages of an order are close together, in random order."""
    numbers = list(range(1, MESSAGES + 1))
    numbers += [number for number in numbers if rng.random() < DUPLICATE_RATE]
    numbers.sort(key=lambda number: number + rng.uniform(0, 5 * MESSAGES_PER_ORDER))

    async def push(position: int, number: int) -> None:
        await ramp.wait_for(position / len(numbers))
        order, rank = divmod(number - 1, MESSAGES_PER_ORDER)
        event_time_ms = FIRST_EVENT_TIME_MS + 1000 * rank
        message = build_message(number, order_id=FIRST_ORDER_ID + order, event_time_ms=event_time_ms)
        await push_client.push_until_accepted(number, message)

    await asyncio.gather(*(push(position, number) for position, number in enumerate(numbers)))


async def enqueue_all(enqueue_client: EnqueueClient, ramp: LoadRamp) -> None:
    """Enqueue all deliveries; those of one key in sequence."""

    async def enqueue(key: int) -> None:
        for number in range(DELIVERIES_PER_KEY):
            await ramp.wait_for(number / DELIVERIES_PER_KEY)
            await enqueue_client.enqueue(build_status_sync(key, number))

    await asyncio.gather(*(enqueue(FIRST_KEY + key) for key in range(KEYS)))


async def wait_until_drained(enqueue_client: EnqueueClient, subscriptions: list[str]) -> None:
    """Wait until no delivery is pending, and no message waits for an acknowledgement."""
    async with asyncio.timeout(DRAIN_TIMEOUT_S):
        while True:
            try:
                response = await enqueue_client.stubs[0].ListSubscriptions(
                    protos.ListSubscriptionsRequest(), timeout=10
                )
                backlogs = {listed.subscription: listed.backlog for listed in response.subscriptions}
                if backlogs == dict.fromkeys(subscriptions, 0) and not await enqueue_client.count_pending():
                    return
            except grpc.aio.AioRpcError as error:
                assert error.code() == grpc.StatusCode.UNAVAILABLE, error
            await asyncio.sleep(0.2)


async def test_nothing_is_lost_in_a_storm_of_kills(database_url, start_replica, sandbox, report):
    engine = database_url.partition("+")[0]
    rng = random.Random(SEED)
    replicas = [start_replica(database_url) for _ in range(1 if engine == "sqlite" else 2)]
    sandbox.inject_fault({"latency_ms": 30}, operation="trade.cross.orderStatusSync", times=2 * DELIVERIES)
    addresses = [replica.grpc for replica in replicas]
    logs = [DeliveryLog("warehouse"), DeliveryLog("accounts")]
    started, ramp = time.monotonic(), LoadRamp()

    async with (
        asyncio.timeout(TIMEOUT_S),
        PushClient([replica.callback for replica in replicas]) as push_client,
        EnqueueClient(addresses) as enqueue_client,
    ):
        consumers = [
            asyncio.create_task(consumption)
            for log in logs
            for consumption in (
                Consumer("stream", log, addresses, rng).stream(),
                Consumer("pull", log, addresses[::-1], rng).pull(),
            )
        ]
        await asyncio.gather(
            kill_at_random(replicas, rng, ramp),
            push_all(push_client, rng, ramp),
            enqueue_all(enqueue_client, ramp),
        )
        storm_s = time.monotonic() - started
        await wait_until_drained(enqueue_client, [log.subscription for log in logs])
        deliveries = await enqueue_client.list_deliveries()
        subscriptions = await enqueue_client.stubs[0].ListSubscriptions(
            protos.ListSubscriptionsRequest(), timeout=10
        )
        for task in consumers:
            task.cancel()
        results = await asyncio.gather(*consumers, return_exceptions=True)

    sent = {
        key: parse_sent_numbers(sandbox.admin("GET", f"synced/orders/{FIRST_KEY + key}"))
        for key in range(KEYS)
    }
    report(
        f"seed {SEED}: {KILLS} kills in {storm_s:.0f} s, all done after {time.monotonic() - started:.0f} s; "
        f"{len(push_client.accepted_ms)} messages, pushed {push_client.pushes} times; "
        + "; ".join(
            f"{log.subscription} acknowledged {len(log.acknowledged)}, {log.redeliveries} redeliveries"
            for log in logs
        )
        + f"; {len(enqueue_client.accepted)} deliveries, enqueued by {enqueue_client.calls} calls, "
        f"{sum(map(len, sent.values())) - DELIVERIES} sent again"
    )
    assert {type(result) for result in results} == {asyncio.CancelledError}, results

    all_messages = set(range(1, MESSAGES + 1))
    assert set(push_client.accepted_ms) == all_messages
    for log in logs:
        assert log.unexpected_errors == []
        assert log.acknowledged == all_messages
        assert log.find_order_violations(push_client.accepted_ms, TOLERANCE_MS[engine]) == []
    assert [listed.dead_messages for listed in subscriptions.subscriptions] == [0, 0]

    assert {delivery.delivery_id for delivery in deliveries} == set(enqueue_client.accepted.values())
    assert len(deliveries) == DELIVERIES
    assert {delivery.state for delivery in deliveries} == {protos.DELIVERY_STATE_DELIVERED}
    for key, numbers in sent.items():
        assert are_in_order(numbers), (key, numbers)
        assert numbers[-1] == DELIVERIES_PER_KEY - 1
