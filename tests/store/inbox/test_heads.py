"""The table of heads is right after every change, and only heads are leased."""

import random

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from services.store import RetentionPolicy, SubscriptionLimits, erase
from services.store.database.schema import message_heads, subscription_messages
from tests.store.factories import NAME, NOW_MS, build_message
from tests.store.leasing import OTHER_NAME, ack, lease, set_lease, subscribe

NAMES = (NAME, OTHER_NAME)


async def read_heads(storage):
    rows = await storage.store.read(lambda connection: connection.execute(select(message_heads)))
    return {(row.subscription_id, row.ordering_key): row.message_seq for row in rows}


async def find_heads(storage):
    """Find the heads in the backlogs."""
    row = subscription_messages.c
    number = func.row_number().over(
        partition_by=(row.subscription_id, row.ordering_key), order_by=(row.event_time_ms, row.message_seq)
    )
    pending = (
        select(row.subscription_id, row.ordering_key, row.message_seq, number.label("number"))
        .where(row.dead_letter_time_ms.is_(None))
        .subquery()
    )
    rows = await storage.store.read(
        lambda connection: connection.execute(select(pending).where(pending.c.number == 1))
    )
    return {(row.subscription_id, row.ordering_key): row.message_seq for row in rows}


class RandomUse:
    """Random calls of everything that changes the backlogs."""

    def __init__(self, storage, clock, seed):
        self.random = random.Random(seed)
        self.storage = storage
        self.clock = clock
        self.received = {name: [] for name in NAMES}
        self.count = self.deliveries = 0

    async def step(self):
        steps = (self.store, self.lease, self.ack, self.release, self.requeue, self.advance, self.delete)
        (step,) = self.random.choices(steps, weights=[6, 6, 3, 4, 2, 2, 1])
        await step()

    async def store(self):
        await self.storage.inbox.store([self._new() for _ in range(self.random.randint(1, 4))])

    def _new(self):
        self.count += 1
        message = build_message(
            self.count,
            order=self.random.choice([None, "a", "b", "c"]),
            event_time_ms=NOW_MS + self.random.randint(0, 1000),
        )
        return replace(message, member_id=self.random.choice("xy"))

    async def lease(self):
        name = self.random.choice(NAMES)
        received = await lease(self.storage, name, limit=self.random.randint(1, 5))
        self.deliveries += len(received)
        self.received[name] += received

    async def ack(self):
        await self._take(ack)

    async def release(self):
        await self._take(lambda *args: set_lease(args[0], args[1], 0, args[2]))

    async def _take(self, change):
        name = self.random.choice(NAMES)
        self.random.shuffle(self.received[name])
        count = self.random.randint(1, 3)
        taken, self.received[name] = self.received[name][:count], self.received[name][count:]
        await change(self.storage, taken, name)

    async def requeue(self):
        await self.storage.dead_letters.requeue(await subscribe(self.storage, self.random.choice(NAMES)))

    async def advance(self):
        self.clock.advance_s(self.random.choice([1, 31, 400, -100]))

    async def delete(self):
        await self.storage.retention.sweep()
        await erase(self.storage.store, self.random.choice("xy"))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])
async def test_the_heads_equal_a_full_scan_after_any_sequence(open_storage, clock, seed):
    async with open_storage(
        retention=RetentionPolicy(messages_s=1000),
        subscriptions=SubscriptionLimits(max_delivery_attempts=2),
    ) as storage:
        use = RandomUse(storage, clock, seed)
        await use.store()  # the second subscription gets these by its backfill
        await subscribe(storage, NAME)
        await use.store()
        await subscribe(storage, OTHER_NAME, start_time_ms=0)
        for _ in range(60):
            await use.step()
            assert await read_heads(storage) == await find_heads(storage)
    assert use.deliveries


async def test_an_older_message_waits_for_the_lease_of_a_newer_one_of_its_key(storage):
    await subscribe(storage)
    await storage.inbox.store([build_message(2, order="k")])
    newer = await lease(storage)
    await storage.inbox.store([build_message(1, order="k"), build_message(3, order="k")])
    assert await lease(storage) == []
    await ack(storage, newer)
    (older,) = await lease(storage)
    assert older.message.message_id == "m1"
