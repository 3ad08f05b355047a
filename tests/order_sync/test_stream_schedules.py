"""Property: however streams end, and in whatever order tasks run meanwhile, nothing stays leased."""

import asyncio
import random
import shutil
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.server.interceptors.error_mapping import SHUTDOWN
from services.store import SubscriptionName, SubscriptionSpec, migrate, storage_lifespan
from tests.order_sync.stream_call import StreamCall
from tests.store.factories import build_message

LEASE_S = 600
MESSAGES = 12
STREAMS = 3
MAX_TURNS = 100
"""A stream begins to end within this many turns of the loop."""


class SeededLoop(asyncio.SelectorEventLoop):
    """Runs the callbacks that are ready in a random order, and actions at their turns."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = random.Random(seed)
        self._turns_left: dict[Callable[[], object], int] = {}

    def schedule(self, action: Callable[[], object], turns: int) -> None:
        """Run an action after this many turns. While nothing happens, a turn lasts for a millisecond."""
        if not self._turns_left:
            self.call_soon(self._tick)
        self._turns_left[action] = turns

    def _tick(self) -> None:
        if self._turns_left:
            self.call_later(0.001, self._tick)

    def _run_once(self) -> None:
        for action in tuple(self._turns_left):
            self._turns_left[action] -= 1
            if self._turns_left[action] <= 0:
                del self._turns_left[action]
                action()
        ready: deque[Any] = self._ready
        # Threads append callbacks meanwhile, so the queue is never replaced.
        callbacks = [ready.popleft() for _ in range(len(ready))]
        self._random.shuffle(callbacks)
        ready.extendleft(callbacks)
        super()._run_once()


async def consume(call: StreamCall, choose: random.Random) -> None:
    """Do what consumers do, at random, whenever messages arrive."""
    while True:
        await call.arrived.wait()
        call.arrived.clear()
        for received in choose.sample(call.received, min(3, len(call.received))):
            match choose.choice(["ack", "release", "extend", "wait", "nothing"]):
                case "ack":
                    call.ack(received)
                case "release":
                    call.send(set_lease={"ack_ids": [received.ack_id], "lease": {}})
                case "extend":
                    lease = {"seconds": LEASE_S}
                    call.send(set_lease={"ack_ids": [received.ack_id], "lease": lease})
                case "wait":
                    call.may_write.clear()
                    asyncio.get_running_loop().call_later(0.01, call.may_write.set)


def end(call: StreamCall, how: str) -> None:
    """End a call."""
    if how == "half-close":
        call.half_close()
    elif how == "break":
        call.break_connection()
    else:
        call.may_write.set()
        call.task.cancel(*([SHUTDOWN] if how == "drain" else []))


def kill(folder: Path, ends_ms: list[int]) -> None:
    """Keep what is on the disk now, as after the death of the process. Note when its leases may end."""
    for file in folder.glob("store.db*"):
        if not file.name.endswith(("-shm", "-lock")):
            shutil.copy(file, folder / file.name.replace("store", "killed"))
    ends_ms.append(int(time.time() * 1000) + LEASE_S * 1000)


async def run_schedule(folder: Path, seed: int) -> tuple[list[str], list[int]]:
    """Run streams that end at random. Return what happened, and when leases end that are on the disk."""
    choose = random.Random(seed)
    loop: Any = asyncio.get_running_loop()
    happened, ends_ms = [], []
    async with storage_lifespan(f"sqlite+aiosqlite:///{folder}/store.db") as storage:
        await storage.subscriptions.open(SubscriptionName(caller="", name="s"), SubscriptionSpec())
        await storage.inbox.store(
            [build_message(number, order=None if number % 4 else "a") for number in range(MESSAGES)]
        )
        calls = [
            StreamCall(storage, "s", lease_s=LEASE_S, max_outstanding=choose.choice([1, 2, 4]))
            for _ in range(STREAMS)
        ]
        consumers = [asyncio.create_task(consume(call, choose)) for call in calls]
        if choose.random() < 0.7:  # otherwise the streams end while they open
            await asyncio.gather(*(call.receive(1) for call in calls))
        for number, call in enumerate(calls):
            turns = choose.randrange(MAX_TURNS)
            # Later endings come while the stream ends. The last one ends any stream.
            for how in (*choose.choices(["half-close", "cancel", "break"], k=choose.randrange(3)), "drain"):
                happened.append(f"stream {number}: {how} at {turns}")
                loop.schedule(partial(end, call, how), turns)
                turns += choose.randrange(1, 40)
        loop.schedule(partial(kill, folder, ends_ms), choose.randrange(MAX_TURNS))
        async with asyncio.timeout(20):
            await asyncio.wait([call.task for call in calls])
            for consumer in consumers:
                consumer.cancel()
            while not ends_ms:  # noqa: ASYNC110 # the loop itself runs the action
                await asyncio.sleep(0)
        # As in a shutdown, the storage is closed as soon as the calls have ended.
    return happened, ends_ms


def read_lease_ends(database: Path) -> list[int]:
    """Return when the leases end that have not ended."""
    connection = sqlite3.connect(database)
    rows = connection.execute(
        "SELECT lease_expire_time_ms FROM subscription_messages WHERE lease_expire_time_ms > ?",
        (int(time.time() * 1000),),
    ).fetchall()
    connection.close()
    return [lease_end_ms for (lease_end_ms,) in rows]


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, to be copied."""
    database = tmp_path_factory.mktemp("empty") / "store.db"
    migrate(f"sqlite+aiosqlite:///{database}")
    return database


@pytest.mark.parametrize("seeds", [range(3), pytest.param(range(3, 150), marks=pytest.mark.slow)])
def test_nothing_stays_leased(empty_database: Path, tmp_path: Path, seeds: range) -> None:
    for seed in seeds:
        folder = tmp_path / str(seed)
        folder.mkdir()
        shutil.copy(empty_database, folder)
        with asyncio.Runner(loop_factory=partial(SeededLoop, seed)) as runner:
            happened, (last_end_ms,) = runner.run(run_schedule(folder, seed))
        assert read_lease_ends(folder / "store.db") == [], f"seed {seed}: {happened}"
        assert all(end_ms <= last_end_ms for end_ms in read_lease_ends(folder / "killed.db"))
        shutil.rmtree(folder)
