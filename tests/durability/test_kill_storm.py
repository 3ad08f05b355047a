"""The service is killed at random moments while messages come in and deliveries go out: nothing is lost."""

import asyncio
import random
import time

import grpc.aio
import pytest
from nationalsite.ordersync import v1 as protos

from tests.durability.conftest import LONG, SEED
from tests.durability.consuming import Consumer, Ledger
from tests.durability.enqueuing import Shop, in_sequence, sent_numbers, status_sync
from tests.durability.pushing import BORN_MS, Platform, text_of
from tests.durability.replicas import Replica

pytestmark = pytest.mark.durability

KILLS, MESSAGES, DELIVERIES = (200, 5_000, 5_000) if LONG else (20, 1_000, 1_000)
OF_AN_ORDER = 10
"""Messages."""
KEYS = DELIVERIES // 40
PUSHED_TWICE = 0.1
ORDER, KEY = 1_479_266_113_491_000_000, 4_590_347_000_000_000
WITHIN_S = 180 + 20 * KILLS
SETTLE_S = 120
"""After the last kill, for leases to end and all to be done."""
SLACK_MS = {"sqlite": 2, "postgresql": 100}
"""One writer: exact. PostgreSQL: the look at a subscription reads the clock a little before it sees all."""


class LoadRamp:
    """Lets the load in as the kills go on, so that each of them meets some."""

    def __init__(self) -> None:
        self._level = 0.0
        self._risen = asyncio.Event()

    def rise(self, level: float) -> None:
        self._level = level
        self._risen.set()
        self._risen = asyncio.Event()

    async def reaches(self, level: float) -> None:
        while self._level < level:
            await self._risen.wait()


async def kill_at_random(replicas: list[Replica], dice: random.Random, ramp: LoadRamp) -> None:
    for number in range(KILLS):
        ramp.rise((number + 1) / KILLS)
        await asyncio.sleep(dice.uniform(0.02, 1.5))  # the random moment
        victim = dice.choice(replicas)
        await asyncio.to_thread(victim.kill)
        await asyncio.to_thread(victim.start)


async def push_all(platform: Platform, dice: random.Random, ramp: LoadRamp) -> None:
    # Messages of an order lie near each other, and come in any order.
    numbers = list(range(1, MESSAGES + 1))
    numbers += [number for number in numbers if dice.random() < PUSHED_TWICE]
    numbers.sort(key=lambda number: number + dice.uniform(0, 5 * OF_AN_ORDER))

    async def push(place: int, number: int) -> None:
        await ramp.reaches(place / len(numbers))
        order, rank = divmod(number - 1, OF_AN_ORDER)
        text = text_of(number, order=ORDER + order, born_ms=BORN_MS + 1000 * rank)
        await platform.push_until_taken(number, text)

    await asyncio.gather(*(push(place, number) for place, number in enumerate(numbers)))


async def enqueue_all(shop: Shop, ramp: LoadRamp) -> None:
    each = DELIVERIES // KEYS

    async def enqueue(key: int) -> None:
        for number in range(each):
            await ramp.reaches(number / each)
            await shop.enqueue(status_sync(key, number))

    await asyncio.gather(*(enqueue(KEY + key) for key in range(KEYS)))


async def settled(shop: Shop, names: list[str]) -> None:
    """Wait until nothing is to be sent, and nothing to be acknowledged."""
    async with asyncio.timeout(SETTLE_S):
        while True:
            try:
                found = await shop.stubs[0].ListSubscriptions(protos.ListSubscriptionsRequest(), timeout=10)
                backlogs = {each.subscription: each.backlog for each in found.subscriptions}
                if backlogs == dict.fromkeys(names, 0) and not await shop.pending():
                    return
            except grpc.aio.AioRpcError as error:
                assert error.code() == grpc.StatusCode.UNAVAILABLE, error
            await asyncio.sleep(0.2)


async def test_nothing_is_lost_in_a_storm_of_kills(url, started, sandbox, report):
    engine = url.partition("+")[0]
    dice = random.Random(SEED)
    replicas = [started(url) for _ in range(1 if engine == "sqlite" else 2)]
    sandbox.inject_fault({"latency_ms": 30}, operation="trade.cross.orderStatusSync", times=2 * DELIVERIES)
    addresses = [each.grpc for each in replicas]
    ledgers = [Ledger("warehouse"), Ledger("accounts")]
    began, ramp = time.monotonic(), LoadRamp()

    async with (
        asyncio.timeout(WITHIN_S),
        Platform([each.callback for each in replicas]) as platform,
        Shop(addresses) as shop,
    ):
        consuming = [
            asyncio.create_task(work)
            for ledger in ledgers
            for work in (
                Consumer("stream", ledger, addresses, dice).stream(),
                Consumer("pull", ledger, addresses[::-1], dice).pull(),
            )
        ]
        await asyncio.gather(
            kill_at_random(replicas, dice, ramp),
            push_all(platform, dice, ramp),
            enqueue_all(shop, ramp),
        )
        stormed_s = time.monotonic() - began
        await settled(shop, [ledger.subscription for ledger in ledgers])
        deliveries = await shop.deliveries()
        subscriptions = await shop.stubs[0].ListSubscriptions(protos.ListSubscriptionsRequest(), timeout=10)
        for task in consuming:
            task.cancel()
        ended = await asyncio.gather(*consuming, return_exceptions=True)

    sent = {key: sent_numbers(sandbox.admin("GET", f"synced/orders/{KEY + key}")) for key in range(KEYS)}
    report(
        f"seed {SEED}: {KILLS} kills in {stormed_s:.0f} s, all done after {time.monotonic() - began:.0f} s; "
        f"{len(platform.accepted_ms)} messages, pushed {platform.pushes} times; "
        + "; ".join(
            f"{ledger.subscription} acknowledged {len(ledger.acknowledged)}, {ledger.again} handed out again"
            for ledger in ledgers
        )
        + f"; {len(shop.accepted)} deliveries, enqueued by {shop.calls} calls, "
        f"{sum(map(len, sent.values())) - DELIVERIES} sent again"
    )
    assert {type(one) for one in ended} == {asyncio.CancelledError}, ended

    everything = set(range(1, MESSAGES + 1))
    assert set(platform.accepted_ms) == everything
    for ledger in ledgers:
        assert ledger.refusals == []
        assert ledger.acknowledged == everything
        assert ledger.out_of_sequence(platform.accepted_ms, SLACK_MS[engine]) == []
    assert [each.dead_messages for each in subscriptions.subscriptions] == [0, 0]

    assert {each.delivery_id for each in deliveries} == set(shop.accepted.values())
    assert len(deliveries) == DELIVERIES
    assert {each.state for each in deliveries} == {protos.DELIVERY_STATE_DELIVERED}
    for key, numbers in sent.items():
        assert in_sequence(numbers), (key, numbers)
        assert numbers[-1] == DELIVERIES // KEYS - 1
