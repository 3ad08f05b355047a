"""Calls in a closed loop, or arriving evenly whatever becomes of the ones before."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields

Call = Callable[[], Awaitable[int]]
"""One call; returns the size of what it got. Raises Failed."""


class Failed(Exception):
    """A call that ended in an error, with the error's name."""


@dataclass(slots=True)
class Load:
    """What became of calls."""

    wall_s: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)
    """Of the calls that succeeded."""
    sizes: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    most_in_flight: int = 0

    async def count(self, call: Call, in_flight: int = 0) -> None:
        """Make a call and count it; `in_flight` are there with it."""
        self.most_in_flight = max(self.most_in_flight, in_flight)
        started = time.perf_counter()
        try:
            size = await call()
        except Failed as failed:
            self.failures[str(failed)] += 1
        else:
            self.latencies_ms.append((time.perf_counter() - started) * 1000)
            self.sizes[size] += 1

    def told(self) -> dict[str, object]:
        """Return it by name, as JSON has it."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


async def closed(call: Call, *, in_flight: int, calls: int) -> dict[str, object]:
    """Make calls with a fixed number in flight."""
    load, left = Load(most_in_flight=in_flight), iter(range(calls))

    async def one_after_the_other() -> None:
        for _ in left:
            await load.count(call)

    started = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))
    load.wall_s = time.perf_counter() - started
    return load.told()


async def paced(call: Call, *, per_s: float, calls: int, most: int) -> dict[str, object]:
    """Make calls that begin at even intervals, with at most `most` in flight; a late one begins at once."""
    load, running, places = Load(), set[asyncio.Task[None]](), asyncio.Semaphore(most)

    async def one() -> None:
        try:
            await load.count(call, len(running))
        finally:
            places.release()

    started = time.perf_counter()
    for number in range(calls):
        await asyncio.sleep(max(0.0, started + number / per_s - time.perf_counter()))
        await places.acquire()
        task = asyncio.create_task(one())
        running.add(task)
        task.add_done_callback(running.discard)
    while running:
        await asyncio.wait(running)
    load.wall_s = time.perf_counter() - started
    return load.told()
