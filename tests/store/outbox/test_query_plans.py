"""What is done for a delivery uses indexes, so that it does not take longer with a large backlog."""

import asyncio
from contextlib import contextmanager

import pytest
from sqlalchemy import event, text

from services.store import DeadOutcome, DeliveredOutcome, RetryOutcome, RetryPolicy
from services.store.outbox.claims import Claims, Release
from services.store.outbox.heads import add_heads, find_due_heads
from tests.store.factories import build_delivery
from tests.store.postgresql_plans import count_rows, execute_and_explain
from tests.support.backlog import insert_backlog

BACKLOG = 100_000
LIMITS = {"SyncOrder": 16, "SyncOrderStatus": 16}
MAX_SCANNED = 110
"""So few heads PostgreSQL may read at once and sort, since they are in one block or two."""
TABLES = ("deliveries", "delivery_heads", "first", "pending", "waiting")
"""And their aliases."""


@contextmanager
def record_statements(storage):
    """Yield a list that gets the statements that the store executes, with their parameters."""
    engine = storage.store._engine._engine.sync_engine
    statements = []

    def record(_connection, _cursor, statement, parameters, _context, many):
        statements.append((statement, parameters[0] if many else parameters))

    event.listen(engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", record)


async def use_everything(storage):
    """Make each kind of change once."""
    claims = Claims(storage.store, storage.notifier, RetryPolicy())
    await asyncio.gather(*(storage.deliveries.enqueue(build_delivery(number)) for number in range(4)))
    claimed = await claims.claim(LIMITS, 16, lease_s=60)
    assert len(claimed) == 16
    outcomes = [
        DeadOutcome(error=b""),
        RetryOutcome(error=b"", retry_after_s=60),
        Release(was_sent=True),
        DeliveredOutcome(),
    ]
    await asyncio.gather(
        *(claims.record(claim, outcomes[number % 4]) for number, claim in enumerate(claimed))
    )
    await claims.find_next_due_time_ms(LIMITS)
    later_ms = storage.store.clock() + 3_600_000  # then the time of each retry and lease has passed
    await storage.store.write(
        lambda connection: find_due_heads(connection, LIMITS, limit=16, now_ms=later_ms, turn=0)
    )
    pending = await storage.deliveries.enqueue(build_delivery(4))
    await storage.deliveries.cancel(pending.delivery_id, owner="shop")
    await storage.deliveries.retry(claimed[0].delivery.delivery_id, owner=None)
    await storage.deliveries.ensure_none_pending("none")


async def explain(storage, statement, parameters):
    """Return the steps of a statement's plan, and the most rows that a step reads, if PostgreSQL says it."""
    if storage.store.is_postgresql:
        steps = await execute_and_explain(storage, statement, parameters)
        names = [f"{step['Node Type']} {step.get('Relation Name', '')}" for step in steps]
        return names, max(map(count_rows, steps))

    async def work(connection):
        return (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)).all()

    return [row[3] for row in await storage.store.write(work)], 0


def is_scan(step):
    """Whether a step reads a whole table, all of an index, or all pending deliveries."""
    return (
        step.startswith("Seq Scan")
        or step.split()[:2] in [["SCAN", table] for table in TABLES]
        or "(state=?)" in step
    )


def is_sort(step):
    return "TEMP B-TREE" in step or "Sort" in step


@pytest.mark.parametrize("keys", [20_000, 100])
@pytest.mark.parametrize("has_statistics", [True, False])
@pytest.mark.parametrize("caller", ["backlog", pytest.param("backlog" * 10, id="long-caller")])
@pytest.mark.slow
async def test_no_statement_scans_the_backlog(storage, keys, has_statistics, caller):
    """A long name makes the index with callers large. PostgreSQL prefers small ones."""
    await insert_backlog(storage.store, count=BACKLOG, keys=keys, caller=caller)
    if has_statistics:
        await storage.store.write(lambda connection: connection.execute(text("ANALYZE")))
    with record_statements(storage) as statements:
        await use_everything(storage)
    checked = promotions = 0
    for statement, parameters in dict(statements).items():
        is_explained = statement.startswith(("SELECT", "INSERT INTO delivery_heads", "UPDATE", "DELETE"))
        if not is_explained or "deliver" not in statement or "GROUP BY" in statement:
            continue  # locks, inserts, and what the storage does in the background
        steps, rows_read = await explain(storage, statement, parameters)
        if keys <= MAX_SCANNED:
            steps = [step for step in steps if step not in ("Seq Scan delivery_heads", "Sort ")]
        assert not any(map(is_scan, steps)), (statement, steps)
        if "deliveries.attempts >" not in statement:  # RetryDelivery reads the later ones of one key
            assert rows_read <= MAX_SCANNED, (statement, steps)
        if "UPDATE delivery_heads SET due_time_ms=" in statement:
            promotions += "passed" in statement
        if "heads_0_0" in statement or "first_0" in statement:  # to find what is due, and when
            checked += 1
            assert not any(map(is_sort, steps)), (statement, steps)
    assert checked == 2
    assert promotions == 1


@pytest.mark.parametrize("url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
async def test_new_deliveries_are_not_joined_with_the_backlog(storage):
    """Without statistics, all pending deliveries could be read to find earlier ones of the same keys."""
    await insert_backlog(storage.store, count=3000, keys=3000)
    delivery_ids = [f"backlog-{number}" for number in range(1, 51)]
    with record_statements(storage) as statements:
        await storage.store.write(lambda connection: add_heads(connection, delivery_ids))
    for statement, parameters in dict(statements).items():
        if "delivery_heads" in statement:
            _, rows_read = await explain(storage, statement, parameters)
            assert rows_read <= MAX_SCANNED
