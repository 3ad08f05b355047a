"""Load of two kinds: a fixed number of calls in flight (closed loop), or calls at a constant rate."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields

Call = Callable[[], Awaitable[int]]
"""Makes one call; returns the size of its response. Raises CallFailed."""


class CallFailed(Exception):
    """A call failed; the message is the name of its error."""


@dataclass(slots=True)
class LoadRecorder:
    """Records the outcome of calls, with the fields of load_client.LoadResult."""

    wall_s: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)
    """Of the successful calls."""
    sizes: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    max_in_flight: int = 0

    async def record(self, call: Call, in_flight: int = 0) -> None:
        """Make a call and record its outcome; `in_flight` is the number of calls in flight with it."""
        self.max_in_flight = max(self.max_in_flight, in_flight)
        started = time.perf_counter()
        try:
            size = await call()
        except CallFailed as failed:
            self.failures[str(failed)] += 1
        else:
            self.latencies_ms.append((time.perf_counter() - started) * 1000)
            self.sizes[size] += 1

    def to_json(self) -> dict[str, object]:
        """Return the fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


async def closed_loop(call: Call, *, in_flight: int, calls: int) -> dict[str, object]:
    """Make calls with a fixed number in flight; return the outcome."""
    recorder, remaining = LoadRecorder(max_in_flight=in_flight), iter(range(calls))

    async def call_repeatedly() -> None:
        for _ in remaining:
            await recorder.record(call)

    started = time.perf_counter()
    await asyncio.gather(*(call_repeatedly() for _ in range(in_flight)))
    recorder.wall_s = time.perf_counter() - started
    return recorder.to_json()


async def constant_rate(
    call: Call, *, calls_per_s: float, calls: int, max_in_flight: int
) -> dict[str, object]:
    """Start calls at a constant rate, with a maximum in flight; return the outcome."""
    recorder, running = LoadRecorder(), set[asyncio.Task[None]]()
    slots = asyncio.Semaphore(max_in_flight)

    async def call_once() -> None:
        try:
            await recorder.record(call, len(running))
        finally:
            slots.release()

    started = time.perf_counter()
    for number in range(calls):
        await asyncio.sleep(max(0.0, started + number / calls_per_s - time.perf_counter()))
        await slots.acquire()
        task = asyncio.create_task(call_once())
        running.add(task)
        task.add_done_callback(running.discard)
    while running:
        await asyncio.wait(running)
    recorder.wall_s = time.perf_counter() - started
    return recorder.to_json()
