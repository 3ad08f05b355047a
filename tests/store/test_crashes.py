"""Replicas are killed at random moments: nothing promised is lost, and each key stays in sequence."""

import asyncio
import random
import subprocess
import sys
import threading
from collections import defaultdict

from services.store import Delivered, State, storage_lifespan
from tests.store.crash_process import LIMITS
from tests.store.given import NAME

KILLS = 2


class Victim:
    """A process, and what it promised so far."""

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
            # A line that was cut off by the kill was not promised; what was logged is none.
            if line.endswith("\n") and line.split(" ")[0] in {"stored", "handed", "enqueued"}:
                self.lines.append(tuple(line.split()))

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()


async def crash(url, name, sent):
    """Let a process work for a while, and kill it; return what it promised."""
    victim = Victim(url, name, sent)
    try:
        async with asyncio.timeout(30):
            while len(victim.lines) < 20:
                assert victim.process.poll() is None
                await asyncio.sleep(0.01)
        await asyncio.sleep(random.uniform(0, 0.3))
    finally:
        await asyncio.to_thread(victim.kill)
    return victim.lines


async def test_killed_at_random_moments(url, tmp_path):
    sent_file = tmp_path / "sent"
    promised = defaultdict(set)
    for number in range(KILLS):
        together = 2 if url.startswith("postgresql") else 1
        crashes = (crash(url, f"{'abcdefgh'[number * 2 + one]}", sent_file) for one in range(together))
        for lines in await asyncio.gather(*crashes):
            for kind, what in lines:
                promised[kind].add(what)
    handed = set(promised["handed"])

    async def send(delivery):
        with sent_file.open("a") as file:
            file.write(f"{delivery.ordering_key} {delivery.request_id}\n")
        return Delivered()

    async with (
        storage_lifespan(url, LIMITS) as storage,
        storage.build_relay(send).lifespan(),
        asyncio.timeout(30),
    ):
        while (await storage.subscriptions.list(NAME.caller))[0].backlog:
            for one in await storage.dispatcher.lease(NAME, limit=100, lease_s=10, wait_s=1):
                handed.add(one.message_id)
                await storage.dispatcher.ack(NAME, [one.message_id])
        while (await storage.deliveries.list(states=[State.PENDING])).items:
            await asyncio.sleep(0.05)

    sent = [line.split() for line in sent_file.read_text().splitlines()]
    assert promised["stored"] <= handed
    assert promised["enqueued"] <= {request_id for _, request_id in sent}
    for key in {key for key, _ in sent}:
        numbers = [int(request_id[1:]) for of_key, request_id in sent if of_key == key]
        # Sent twice is allowed, and right after the first time; never back behind a later one.
        assert numbers == sorted(numbers)
    duplicates = len(sent) - len({request_id for _, request_id in sent})
    assert duplicates <= KILLS * 2 * 3, "at most what was being sent at each kill"
