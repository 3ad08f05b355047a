"""On PostgreSQL, a row that is used again while a sweep waits for it is not deleted or changed."""

import asyncio

import pytest
from sqlalchemy import func, select, text, update

from services.store.database.engine import parse_url
from services.store.database.future_times import limit_future_times
from services.store.database.schema import deliveries, full_orders
from services.store.database.schema_migrations import connect
from tests.store.factories import (
    NOW_MS,
    build_delivery,
    build_full_order,
    store_full_order,
    sweep,
    wait_until,
)

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("url", ["postgresql"], indirect=True),
]
IS_WAITING = text("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
DAYS_400_S = 400 * 86_400


async def run_while_changing(work, change, url):
    """Run work while a transaction has made a change. Commit it when the work waits for it."""
    with connect(parse_url(url)) as other:
        other.execute(change)
        running = asyncio.create_task(work)
        await wait_until(lambda: other.execute(IS_WAITING).scalar_one())
    return await running


async def count_rows(storage, table):
    statement = select(func.count()).select_from(table)
    return (await storage.store.read(lambda connection: connection.execute(statement))).scalar_one()


async def test_a_delivery_that_is_retried_is_not_deleted(storage, clock, url):
    delivery = await storage.deliveries.enqueue(build_delivery(1))
    await storage.deliveries.cancel(delivery.delivery_id, owner=None)
    clock.advance_s(DAYS_400_S)
    retried = update(deliveries).values(state="PENDING", finish_time_ms=None, next_attempt_time_ms=0)
    await run_while_changing(sweep(storage), retried, url)
    assert await count_rows(storage, deliveries) == 1


async def test_a_full_order_that_is_synced_again_is_not_deleted(storage, clock, url):
    await store_full_order(storage, build_full_order(1))
    clock.advance_s(DAYS_400_S)
    synced = update(full_orders).values(update_time_ms=clock())
    await run_while_changing(sweep(storage), synced, url)
    assert await count_rows(storage, full_orders) == 1


async def test_a_future_time_that_is_changed_is_not_changed_again(storage, clock, url):
    await storage.deliveries.enqueue(build_delivery(1))
    far_ms = NOW_MS + DAYS_400_S * 1000
    in_future = update(deliveries).values(lease_expire_time_ms=far_ms)
    await storage.store.write(lambda connection: connection.execute(in_future))
    released = update(deliveries).values(lease_expire_time_ms=0)
    await run_while_changing(limit_future_times(storage.store, clock()), released, url)
    statement = select(deliveries.c.lease_expire_time_ms)
    rows = await storage.store.read(lambda connection: connection.execute(statement))
    assert rows.scalar_one() == 0
