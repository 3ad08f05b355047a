"""Leases, so that one replica at a time runs a task, for example the retention sweep."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import StoreUnavailable
from services.store.database.schema import leases
from services.store.database.sql_dialect import advisory_xact_lock, insert_into
from services.store.database.store import Store


class Lease:
    """The right to run a task until the lease expires. Renew it often enough while the task runs."""

    def __init__(self, store: Store, name: str, lease_s: float) -> None:
        self._store = store
        self._name = name
        self._lease_s = lease_s
        self._lease_ms = round(lease_s * 1000)
        self._holder = uuid.uuid4().hex

    async def acquire(self) -> bool:
        """Acquire the lease. Return False if another holder has it."""

        async def work(connection: AsyncConnection) -> bool:
            await self._lock(connection)
            now_ms = self._store.clock()
            values = {"holder": self._holder, "expire_time_ms": now_ms + self._lease_ms}
            acquired = await connection.execute(
                insert_into(connection, leases)
                .values(name=self._name, **values)
                .on_conflict_do_update(
                    index_elements=["name"], set_=values, where=leases.c.expire_time_ms <= now_ms
                )
                .returning(leases.c.name)
            )
            return acquired.one_or_none() is not None

        return await self._store.write(work)

    async def renew(self) -> bool:
        """Extend the lease. Return False if another holder has it."""
        statement = (
            update(leases)
            .where(leases.c.name == self._name, leases.c.holder == self._holder)
            .values(expire_time_ms=self._store.clock() + self._lease_ms)
            .returning(leases.c.name)
        )
        renewed = await self._store.write(lambda connection: connection.execute(statement))
        return renewed.one_or_none() is not None

    async def release(self) -> None:
        """Let another replica acquire the lease. Do this also if it is not known whether it was acquired."""
        statement = delete(leases).where(leases.c.name == self._name, leases.c.holder == self._holder)

        async def work(connection: AsyncConnection) -> None:
            await self._lock(connection)
            await connection.execute(statement)

        await self._store.settle(work, within_s=self._lease_s, what="lease_release")

    async def _lock(self, connection: AsyncConnection) -> None:
        # A release waits for the end of an `acquire` whose response was lost.
        await advisory_xact_lock(connection, "lease", self._name)


@asynccontextmanager
async def exclusive_lease(store: Store, name: str, lease_s: float) -> AsyncIterator[Lease | None]:
    """Yield the lease of a task, or None if another holder has it.

    The lease is released even if the caller is cancelled while it is acquired or released.
    """
    lease = Lease(store, name, lease_s)
    try:
        is_acquired = await store.tasks.run_or_undo(lease.acquire(), lambda _: lease.release())
    except StoreUnavailable:
        await lease.release()
        raise
    if not is_acquired:
        yield None
        return
    try:
        yield lease
    finally:
        await lease.release()
