"""What PostgreSQL does for a statement, measured while it executes it."""

import pytest


class _RollBack(Exception):
    """Its argument is the plan."""


async def execute_and_explain(storage, statement, parameters):
    """Execute a statement without a lasting effect. Return the steps of its plan.

    Of an INSERT only its SELECT is executed: the rows may be there already.
    """
    if statement.startswith("INSERT"):
        statement = statement[statement.index("SELECT") :].partition(" ON CONFLICT")[0]

    async def work(connection):
        rows = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
        raise _RollBack(rows.scalar_one()[0]["Plan"])

    with pytest.raises(_RollBack) as rolled_back:
        await storage.store.write(work)
    steps = [rolled_back.value.args[0]]
    for step in steps:
        steps += step.get("Plans", ())
    return steps


def count_rows(step):
    """Return how many rows a step has read or compared, in all of its loops."""
    removed = sum(value for name, value in step.items() if name.startswith("Rows Removed by"))
    return (step["Actual Rows"] + removed) * step["Actual Loops"]
