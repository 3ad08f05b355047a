"""The table of heads is right after every change, and queries do not scan the backlog."""

import asyncio
import random

import pytest
from sqlalchemy import case, func, select

from services.store import (
    DeadOutcome,
    DeliveredOutcome,
    RetentionPolicy,
    RetryOutcome,
    RetryPolicy,
    State,
    erase,
)
from services.store.database.schema import deliveries, delivery_heads
from services.store.outbox.claims import Claims, Release
from tests.store.factories import build_delivery

RPCS = ("SyncOrder", "SyncOrderStatus")
LIMITS = dict.fromkeys(RPCS, 3)
LEASE_S = 60
POLICY = RetryPolicy(initial_delay_s=1, max_delay_s=300, max_age_s=100_000)


async def read_heads(storage):
    rows = await storage.store.read(lambda connection: connection.execute(select(delivery_heads)))
    return {row.ordering_group: (row.seq, row.rpc, row.due_time_ms) for row in rows}


async def find_heads(storage):
    """Find the heads in the table of deliveries."""
    first = (
        select(func.min(deliveries.c.seq))
        .where(deliveries.c.state == State.PENDING)
        .group_by(deliveries.c.ordering_group)
    )
    due_time_ms = case(
        (deliveries.c.lease_expire_time_ms > 0, deliveries.c.lease_expire_time_ms),
        else_=deliveries.c.next_attempt_time_ms,
    )
    statement = select(
        deliveries.c.ordering_group, deliveries.c.seq, deliveries.c.rpc, due_time_ms.label("due_time_ms")
    ).where(deliveries.c.seq.in_(first))
    rows = await storage.store.read(lambda connection: connection.execute(statement))
    return {row.ordering_group: (row.seq, row.rpc, row.due_time_ms) for row in rows}


class RandomUse:
    """Random calls of everything that changes deliveries."""

    def __init__(self, storage, clock, seed):
        self.random = random.Random(seed)
        self.storage = storage
        self.clock = clock
        self.claims = Claims(storage.store, storage.notifier, POLICY)
        self.claimed = []
        self.ids = []
        self.count = self.attempts = 0

    async def step(self):
        steps = (self.enqueue, self.claim, self.record, self.cancel, self.retry, self.advance, self.delete)
        (step,) = self.random.choices(steps, weights=[4, 3, 4, 2, 2, 1, 1])
        await step()

    async def enqueue(self):
        new = []
        for _ in range(self.random.randint(1, 4)):
            self.count += 1
            number = self.random.choice([self.count, self.random.randint(1, self.count)])
            key, rpc = f"k{self.random.randint(1, 4)}", self.random.choice(RPCS)
            new.append(
                build_delivery(number, key=key, rpc=rpc, content_hash=b"", member_id=self.random.choice("ab"))
            )
        enqueued = await asyncio.gather(*map(self.storage.deliveries.enqueue, new))
        self.ids += [delivery.delivery_id for delivery in enqueued]

    async def claim(self):
        claimed = await self.claims.claim(LIMITS, self.random.randint(1, 5), LEASE_S)
        self.attempts += len(claimed)
        self.claimed += claimed

    async def record(self):
        self.random.shuffle(self.claimed)
        batch = [self.claimed.pop() for _ in range(min(len(self.claimed), self.random.randint(1, 3)))]
        outcomes = [
            DeliveredOutcome(),
            DeadOutcome(error=b"no"),
            RetryOutcome(error=b"later", retry_after_s=self.random.choice([0, 60])),
            Release(was_sent=True),
            Release(was_sent=False),
        ]
        await asyncio.gather(*(self.claims.record(claim, self.random.choice(outcomes)) for claim in batch))

    async def cancel(self):
        await self._change(self.storage.deliveries.cancel)

    async def retry(self):
        await self._change(self.storage.deliveries.retry)

    async def advance(self):
        self.clock.advance_s(self.random.choice([1, 61, 700, 200_000, -3600]))

    async def delete(self):
        await self.storage.retention.sweep()
        await erase(self.storage.store, self.random.choice("ab"))

    async def _change(self, change):
        if self.ids:
            await asyncio.gather(change(self.random.choice(self.ids), owner=None), return_exceptions=True)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])
async def test_the_heads_equal_a_full_scan_after_any_sequence(open_storage, clock, seed):
    async with open_storage(retention=RetentionPolicy(deliveries_s=1000)) as storage:
        use = RandomUse(storage, clock, seed)
        for _ in range(60):
            await use.step()
            heads = await find_heads(storage)
            for group, (seq, rpc, due_time_ms) in (await read_heads(storage)).items():
                expected = heads.pop(group)
                # 1: a time that has passed.
                assert (
                    seq,
                    rpc,
                    expected[2] if due_time_ms == 1 and expected[2] else due_time_ms,
                ) == expected
            assert not heads
    assert use.attempts
