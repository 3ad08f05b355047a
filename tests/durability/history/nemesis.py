"""Faults at random moments: kills, restarts, cut connections, clocks that are set."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

from tests.durability.history.events import ClockStepped, CommitCut, Killed
from tests.durability.history.producers import LoadRamp
from tests.durability.history.recorder import Recorder, now_ms
from tests.support.fake_time import CACHE_S, FakeTime
from tests.support.postgres_proxy import Cut, PostgresProxy
from tests.support.replica import Program, Replica, migrate_by

RESTART_RATE = 0.2
CUT_RATE = 0.1
"""Share of the COMMITs that are cut while the nemesis cuts."""
STEP_BACK_S = -3600.0


async def kill_replicas(
    replicas: Sequence[Replica], steps: int, rng: random.Random, ramp: LoadRamp, recorder: Recorder
) -> None:
    """Kill replicas and start them again; restart some of them instead."""
    for step in range(steps):
        ramp.raise_to((step + 1) / steps)
        await asyncio.sleep(rng.uniform(0.02, 1.5))
        victim = rng.choice(replicas)
        start_ms = now_ms()
        if rng.random() < RESTART_RATE:
            assert await asyncio.to_thread(victim.stop) == 0
        else:
            await asyncio.to_thread(victim.kill)
        await asyncio.to_thread(victim.start)
        recorder.add(Killed(replica=victim.name, start_ms=start_ms, end_ms=now_ms()))


async def upgrade_replicas(
    replicas: Sequence[Replica], next_release: Program, rng: random.Random, ramp: LoadRamp, recorder: Recorder
) -> None:
    """Migrate the schema and replace the replicas by those of the next release, one at a time.

    A replica of the old release is killed after the migration, and starts again. At the end one is rolled
    back.
    """
    old_release = replicas[0].program
    first, second = replicas

    async def load_release(replica: Replica, program: Program) -> None:
        start_ms = now_ms()
        assert await asyncio.to_thread(replica.stop) == 0
        replica.program = program
        await asyncio.to_thread(replica.start)
        recorder.add(Killed(replica=replica.name, start_ms=start_ms, end_ms=now_ms()))

    steps: Sequence[Callable[[], Awaitable[object]]] = (
        lambda: asyncio.to_thread(migrate_by, next_release, first.database_url),
        lambda: kill_replicas([second], 1, rng, LoadRamp(), recorder),
        lambda: load_release(first, next_release),
        lambda: load_release(second, next_release),
        lambda: load_release(first, old_release),
    )
    for number, step in enumerate(steps):
        ramp.raise_to((number + 1) / (len(steps) + 1))
        await asyncio.sleep(rng.uniform(0.5, 1.5))
        await step()
    ramp.raise_to(1.0)
    await asyncio.sleep(1.0)


async def cut_commits(
    proxy: PostgresProxy, steps: int, rng: random.Random, ramp: LoadRamp, recorder: Recorder
) -> None:
    """Cut connections before or after a COMMIT, and let the service recover in between."""
    loop = asyncio.get_running_loop()

    def choose(statements: Sequence[str]) -> Cut | None:
        if not statements or rng.random() >= CUT_RATE:
            return None
        cut = rng.choice([Cut.BEFORE, Cut.AFTER, Cut.AFTER])
        event = CommitCut(
            committed=cut is Cut.AFTER,
            statements="; ".join(" ".join(statement.split()[:3]) for statement in statements),
            start_ms=now_ms(),
        )
        loop.call_soon_threadsafe(recorder.add, event)
        return cut

    for step in range(steps):
        ramp.raise_to((step + 1) / steps)
        proxy.choose_cut = choose
        await asyncio.sleep(rng.uniform(0.5, 1.5))
        proxy.choose_cut = lambda statements: None
        await asyncio.sleep(rng.uniform(0.2, 1.0))


async def step_clocks(
    clocks: Sequence[tuple[Replica, FakeTime]],
    steps: int,
    rng: random.Random,
    ramp: LoadRamp,
    recorder: Recorder,
) -> None:
    """Set one clock back by an hour in the middle of the load, and right again later."""
    for step in range(steps):
        ramp.raise_to((step + 1) / steps)
        replica, fake_time = clocks[-1]
        if step in (steps // 3, 2 * steps // 3):
            offset_s = STEP_BACK_S if step == steps // 3 else 0.0
            fake_time.set(offset_s)
            recorder.add(ClockStepped(replica=replica.name, offset_ms=offset_s * 1000, start_ms=now_ms()))
        await asyncio.sleep(rng.uniform(CACHE_S, 2 * CACHE_S))
