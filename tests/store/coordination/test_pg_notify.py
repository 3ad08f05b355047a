"""Notifications between replicas survive a lost connection."""

import asyncio

import pytest
from sqlalchemy import text

from services.store import storage_lifespan
from services.store.coordination import pg_notify
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


@pytest.mark.postgres
async def test_what_is_notified_before_the_end_reaches_the_other_replicas(server, monkeypatch):
    """It may be messages that the replica releases for others."""
    monkeypatch.setattr(pg_notify, "PUBLISH_INTERVAL_S", 600.0)
    url = create_database(server)
    async with storage_lifespan(url) as other:
        await wait_until_listening(other)
        with other.notifier.watch("first") as first, other.notifier.watch("second") as second:
            async with asyncio.timeout(10):
                async with storage_lifespan(url) as storage:
                    storage.notifier.notify("first")
                    await first.wait()
                    storage.notifier.notify("second")  # in the pause after the first publication
                await second.wait()


async def wait_until_listening(storage):
    statement = text(f"SELECT count(*) {LISTENERS}")
    async with asyncio.timeout(10):
        while not (await storage.store.read(lambda connection: connection.execute(statement))).scalar_one():
            await asyncio.sleep(0.01)
