"""Replicas are killed at random moments: nothing promised is lost, and each key stays in order."""

import asyncio
import random
import subprocess
import sys
import threading
from collections import defaultdict

import pytest

from services.store import DeliveredOutcome, State, storage_lifespan
from tests.store.crash_process import CONFIG
from tests.store.factories import CAPACITIES, NAME
from tests.store.leasing import ack, get_ids, lease

KILLS = 2


class CrashingReplica:
    """A process, and what it has promised so far."""

    def __init__(self, url, name, sent):
        self.lines = []
        self.process = subprocess.Popen(  # noqa: S603 # our own module
            [sys.executable, "-m", "tests.store.crash_process", url, name, str(sent)],
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            # A line without an end was cut off by the kill. Other lines are logs.
            if line.endswith("\n") and line.split(" ")[0] in {"stored", "leased", "enqueued"}:
                self.lines.append(tuple(line.split()))

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()


async def crash(url, name, sent):
    """Let a process work for a while, and kill it; return what it promised."""
    replica = CrashingReplica(url, name, sent)
    try:
        async with asyncio.timeout(30):
            while len(replica.lines) < 20:
                assert replica.process.poll() is None
                await asyncio.sleep(0.01)
        await asyncio.sleep(random.uniform(0, 0.3))
    finally:
        await asyncio.to_thread(replica.kill)
    return replica.lines


@pytest.mark.slow
async def test_nothing_promised_is_lost_when_replicas_are_killed(url, tmp_path):
    sent_file = tmp_path / "sent"
    promised = defaultdict(set)
    concurrency = 2 if url.startswith("postgresql") else 1
    for number in range(KILLS):
        crashes = (crash(url, f"{'abcdefgh'[number * 2 + index]}", sent_file) for index in range(concurrency))
        for lines in await asyncio.gather(*crashes):
            for kind, promised_id in lines:
                promised[kind].add(promised_id)
    leased = set(promised["leased"])

    async def send(delivery):
        with sent_file.open("a") as file:
            file.write(f"{delivery.ordering_key} {delivery.request_id}\n")
        return DeliveredOutcome()

    async with (
        storage_lifespan(url, CONFIG) as storage,
        storage.build_relay(send, CAPACITIES).lifespan(),
        asyncio.timeout(30),
    ):
        while (await storage.subscriptions.get(NAME)).backlog:
            received = await lease(storage, lease_s=10, wait_s=1)
            leased.update(get_ids(received))
            await ack(storage, received)
        while (await storage.deliveries.list(owner=None, states=[State.PENDING])).items:
            await asyncio.sleep(0.05)

    sent = [line.split() for line in sent_file.read_text().splitlines()]
    assert promised["stored"] <= leased
    assert promised["enqueued"] <= {request_id for _, request_id in sent}
    for key in {key for key, _ in sent}:
        numbers = [int(request_id[1:]) for sent_key, request_id in sent if sent_key == key]
        # A delivery may be sent twice, but not after a later one.
        assert numbers == sorted(numbers)
    duplicates = len(sent) - len({request_id for _, request_id in sent})
    # Each replica is killed once, and has three ordering keys. One delivery of each key can be in flight.
    replicas = concurrency * KILLS
    in_flight = sum(3 * concurrency * (number // concurrency + 1) for number in range(replicas))
    assert duplicates <= in_flight, "at most the deliveries in flight at each kill"
