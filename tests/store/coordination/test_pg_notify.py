"""Notifications between replicas survive a lost connection."""

import asyncio

import pytest
from sqlalchemy import text

from services.store import storage_lifespan
from tests.store.leasing import subscribe
from tests.support.postgres import create_database

LISTENERS = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"


@pytest.mark.postgres
async def test_a_lost_listener_reconnects_and_notifies_all_waiting_tasks(server):
    url = create_database(server)
    async with storage_lifespan(url) as storage:
        await subscribe(storage)
        await wait_until_listening(storage)
        terminate = text(f"SELECT pg_terminate_backend(pid) {LISTENERS}")
        await storage.store.read(lambda connection: connection.execute(terminate))
        with storage.notifier.watch("anything") as notified:
            async with asyncio.timeout(10):
                await notified.wait()
        await wait_until_listening(storage)


async def wait_until_listening(storage):
    statement = text(f"SELECT count(*) {LISTENERS}")
    async with asyncio.timeout(10):
        while not (await storage.store.read(lambda connection: connection.execute(statement))).scalar_one():
            await asyncio.sleep(0.01)
