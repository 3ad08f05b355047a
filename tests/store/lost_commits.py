"""A store whose writes fail: after the commit, as if its response were lost, or before it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import text

from services.errors import StoreUnavailable
from services.store import Store

_is_test: ContextVar[bool] = ContextVar("is_test", default=False)


class LostCommits:
    """The next writes fail: first those that are committed, then those that are not."""

    def __init__(self) -> None:
        self._to_commit = self._to_fail = 0
        self.committed = self.failed = 0
        """How many have failed."""

    @property
    def is_done(self) -> bool:
        """Whether all writes that were to fail have failed."""
        return not self._to_commit and not self._to_fail

    def arm(self, *, committed: int = 0, failed: int = 0) -> None:
        """Let this many more writes fail."""
        self._to_commit += committed
        self._to_fail += failed

    async def write(self, write: Any, work: Any) -> Any:
        if not _is_test.get():
            return await write(work)
        if self._to_commit:
            self._to_commit -= 1
            await write(work)
            self.committed += 1
        elif self._to_fail:
            self._to_fail -= 1
            self.failed += 1
        else:
            return await write(work)
        raise StoreUnavailable("the store cannot be used now: no connection")


@contextmanager
def lose_commits(store: Store, *, committed: int = 0, failed: int = 0) -> Iterator[LostCommits]:
    """Let writes of the current test fail, these and those of `arm`. They succeed again at the end.

    Writes of the background tasks that the storage has started do not fail, and do not count.
    """
    lost = LostCommits()
    lost.arm(committed=committed, failed=failed)
    engine: Any = store._engine
    write = engine.write
    engine.write = lambda work: lost.write(write, work)
    token = _is_test.set(True)
    try:
        yield lost
    finally:
        _is_test.reset(token)
        del engine.write


@asynccontextmanager
async def delay_commit(store: Store) -> AsyncIterator[None]:
    """Let the next write of the current test fail, and its transaction be committed at the end.

    For PostgreSQL: on SQLite, a transaction begins after the end of the one before.
    """
    engine: Any = store._engine
    write, may_commit, tasks = engine.write, asyncio.Event(), []

    async def lose_the_response(work: Any) -> Any:
        if not _is_test.get():
            return await write(work)
        is_done = asyncio.Event()

        async def commit_late() -> None:
            async with engine._engine.begin() as connection:
                await work(connection)
                is_done.set()
                await may_commit.wait()

        tasks.append(asyncio.create_task(commit_late()))
        await is_done.wait()
        engine.write = write
        raise StoreUnavailable("the store cannot be used now: no connection")

    engine.write = lose_the_response
    token = _is_test.set(True)
    try:
        yield
    finally:
        _is_test.reset(token)
        may_commit.set()
        await asyncio.gather(*tasks)


async def wait_until_a_lock_is_awaited(store: Store) -> None:
    """Wait until a transaction on PostgreSQL waits for the lock of another one."""
    query = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    async with asyncio.timeout(10):
        while not (await store.read(lambda connection: connection.execute(query))).scalar_one():
            await asyncio.sleep(0.005)
