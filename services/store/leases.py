"""Lets one replica at a time do a task, such as sweeping."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from sqlalchemy import delete, update
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.dialects import sqlite as lite
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import StoreUnavailable
from services.store.database.schema import leases
from services.store.store import Store

_log = structlog.get_logger()


class Lease:
    """A task that is this replica's until the lease ends. Renew it between steps that are shorter than it."""

    def __init__(self, store: Store, name: str, lease_s: float) -> None:
        self._store = store
        self._name = name
        self._lease_ms = round(lease_s * 1000)
        self._holder = uuid.uuid4().hex

    async def take(self) -> bool:
        """Return whether nobody else has the task; then it is ours."""

        async def work(connection: AsyncConnection) -> bool:
            now_ms = self._store.clock()
            values = {"holder": self._holder, "until_ms": now_ms + self._lease_ms}
            upsert = pg.insert if connection.dialect.name == "postgresql" else lite.insert
            taken = await connection.execute(
                upsert(leases)
                .values(name=self._name, **values)
                .on_conflict_do_update(
                    index_elements=["name"], set_=values, where=leases.c.until_ms <= now_ms
                )
                .returning(leases.c.name)
            )
            return taken.one_or_none() is not None

        return await self._store.write(work)

    async def renew(self) -> bool:
        """Return whether the task is still ours, and prolong the lease if so."""
        statement = (
            update(leases)
            .where(leases.c.name == self._name, leases.c.holder == self._holder)
            .values(until_ms=self._store.clock() + self._lease_ms)
            .returning(leases.c.name)
        )
        found = await self._store.write(lambda connection: connection.execute(statement))
        return found.one_or_none() is not None

    async def release(self) -> None:
        """Let others have the task."""
        statement = delete(leases).where(leases.c.name == self._name, leases.c.holder == self._holder)
        await self._store.write(lambda connection: connection.execute(statement))


@asynccontextmanager
async def exclusive_lease(store: Store, name: str, lease_s: float) -> AsyncIterator[Lease | None]:
    """Yield the lease of a task while nobody else does it; None where somebody does."""
    lease = Lease(store, name, lease_s)
    if not await lease.take():
        yield None
        return
    try:
        yield lease
    finally:
        try:
            await lease.release()
        except StoreUnavailable:
            _log.info("lease_not_released", task=name)  # it ends by itself
