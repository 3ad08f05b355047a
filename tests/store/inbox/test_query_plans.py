"""A poll and an acknowledgement read a few rows, and not the whole backlog."""

import pytest
from sqlalchemy import event, text

from services.store.inbox.heads import update_heads
from tests.store.factories import build_message
from tests.store.leasing import ack, lease, subscribe
from tests.store.postgresql_plans import count_rows, execute_and_explain
from tests.support.backlog import insert_messages


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_leases_are_found_by_their_index(storage):
    subscription_id = await subscribe(storage)
    await storage.inbox.store([build_message(1)])
    assert len(await lease(storage)) == 1
    statements = []

    @event.listens_for(storage.store._engine._engine.sync_engine, "before_cursor_execute")
    def record(_connection, _cursor, statement, parameters, _context, _many):
        if statement.startswith(("UPDATE subscription_messages", "SELECT min")):
            statements.append((statement, parameters))

    assert await storage.dispatcher.lease(subscription_id, limit=1, lease_s=30, wait_s=0) == []

    found = statements.copy()
    assert len(found) == 2, "dead-lettering, and the end of the next lease"
    for statement, parameters in found:
        plan = await storage.store.read(
            lambda connection, query=f"EXPLAIN QUERY PLAN {statement}", values=parameters: (
                connection.exec_driver_sql(query, values)
            )
        )
        details = [row.detail for row in plan]
        assert len(details) == 1
        assert "ix_subscription_messages_leased (subscription_id=? AND lease_expire_time_ms" in details[0]


def count_steps(storage):
    """Return a function that returns how many instructions SQLite has executed since its last call."""
    steps = 0

    def count():
        nonlocal steps
        steps += 1

    @event.listens_for(storage.store._engine._engine.sync_engine, "begin")
    def watch(connection):
        connection.connection.run_async(lambda driver: driver.set_progress_handler(count, 10))

    def take():
        nonlocal steps
        taken, steps = steps, 0
        return 10 * taken

    return take


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_message_costs_the_same_with_any_backlog_of_its_key(storage):
    subscription_id = await subscribe(storage)
    take_steps = count_steps(storage)

    async def measure():
        """Return the costs of a poll that leases the first message, of one that finds none, and of an ack."""
        take_steps()
        (received,) = await lease(storage)
        costs = [take_steps()]
        assert await lease(storage) == []
        costs.append(take_steps())
        await ack(storage, [received])
        return [*costs, take_steps()]

    costs = []
    for count in (100, 900):
        await insert_messages(storage.store, subscription_id, count=count, keys=1)
        measured = [await measure() for _ in range(10)]
        costs.append([min(values) for values in zip(*measured, strict=True)])  # without background work
    small, large = costs
    assert large == pytest.approx(small, rel=0.2)


@pytest.mark.parametrize("url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
@pytest.mark.parametrize("has_statistics", [True, False])
async def test_an_acknowledgement_is_not_compared_with_the_backlog(storage, has_statistics):
    """Each key of the acknowledged messages could be compared with each message, without statistics."""
    backlog = 3000
    subscription_id = await subscribe(storage)
    await insert_messages(storage.store, subscription_id, count=backlog, keys=backlog)
    if has_statistics:
        await storage.store.write(lambda connection: connection.execute(text("ANALYZE")))
    statements = []

    @event.listens_for(storage.store._engine._engine.sync_engine, "before_cursor_execute")
    def record(_connection, _cursor, statement, parameters, _context, _many):
        if "message_heads" in statement:
            statements.append((statement, parameters))

    keys = [f"backlog-{number}" for number in range(50)]
    await storage.store.write(lambda connection: update_heads(connection, subscription_id, keys))
    assert len(statements) == 3
    for statement, parameters in statements.copy():
        steps = await execute_and_explain(storage, statement, parameters)
        assert max(map(count_rows, steps)) <= backlog, (statement, steps)
