"""A fake receiver of deliveries, and functions that wait for an outcome."""

import asyncio
from collections import Counter, defaultdict

from services.store import DeliveredOutcome


class FakeReceiver:
    """A send function. It returns the prepared outcomes of a key in turn, then accepts."""

    def __init__(self) -> None:
        self.sent = []
        self.outcomes = defaultdict(list)
        self.in_flight = Counter()
        self.max_in_flight = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, delivery):
        key = delivery.ordering_key
        assert not self.in_flight[key], "two deliveries of one key are in flight"
        self.in_flight[key] += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight.total())
        try:
            self.sent.append(delivery)
            await self.gate.wait()
            outcome = self.outcomes[key].pop(0) if self.outcomes[key] else DeliveredOutcome()
            if isinstance(outcome, Exception):
                raise outcome
            return outcome
        finally:
            self.in_flight[key] -= 1

    def payloads(self):
        return [delivery.payload for delivery in self.sent]


async def _wait_for(storage, delivery, condition):
    """Wait until a stored delivery satisfies a condition; return it."""
    async with asyncio.timeout(10):
        while not condition(current := await storage.deliveries.get(delivery.delivery_id, owner=None)):
            await asyncio.sleep(0.005)
    return current


async def wait_for_state(storage, delivery, state):
    return await _wait_for(storage, delivery, lambda current: current.state is state)


async def wait_for_attempts(storage, delivery, attempts):
    """Wait until the outcomes of so many attempts are recorded."""
    return await _wait_for(
        storage,
        delivery,
        lambda current: (
            current.attempts == attempts
            and (current.finish_time_ms or current.next_attempt_time_ms > current.last_attempt_time_ms)
        ),
    )


def record_batch_writes(storage, monkeypatch):
    """Return a list that gets the work of each transaction that a batcher makes."""
    writes = []
    write = storage.store.write

    async def record(work, on_commit=None):
        if "_batch." in work.__qualname__:
            writes.append(work)
        return await write(work, on_commit)

    monkeypatch.setattr(storage.store, "write", record)
    return writes
