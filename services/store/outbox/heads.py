"""The heads: the first pending delivery of each ordering group. Only a head can be claimed.

The table `delivery_heads` has a row for each ordering group with pending deliveries, so that the cost of
finding the next deliveries does not grow with the backlog. Every transaction that adds a pending delivery,
or changes one, updates the head of its group. On PostgreSQL it locks the group first (`lock_groups`); a
transaction that claims a head locks the row of the head instead.

Callers take turns. A head that can be claimed gets a number, its *turn*: the next one of its caller, or that
of the first head of all if its caller has none. Heads are claimed in the order of their turns. So the turn
of a caller does not depend on how many heads another one has.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from itertools import zip_longest
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    Update,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.database.schema import deliveries, delivery_heads
from services.store.database.sql_dialect import INSERT, Insert, advisory_xact_locks, is_in

IS_PENDING: ColumnElement[bool] = deliveries.c.state == literal_column("'PENDING'")
"""A literal, so that the engines can use indexes with this condition."""

PROMOTION_BATCH_SIZE = 100
"""How many heads of an RPC whose time has passed get their turns at once: more than a claim takes."""
_NEW, _RETRY = 0, 1
"""The values of `due_time_ms` of heads that can be claimed. Each is a queue with turns of its own."""
_PASSED = 2
"""Stands for heads whose time has passed, but which have no turn yet."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `delivery_heads`."""

    ordering_group: str
    seq: int


async def lock_groups(
    connection: AsyncConnection, ordering_groups: Collection[str], request_ids: Iterable[tuple[str, str]] = ()
) -> None:
    """Lock ordering groups, and request ids with their callers, until the transaction ends."""
    await advisory_xact_locks(
        connection,
        [
            *(("delivery group", group) for group in ordering_groups),
            *(("delivery request", *request_id) for request_id in request_ids),
        ],
    )


async def lock_heads(connection: AsyncConnection, ordering_groups: Collection[str]) -> None:
    """Lock ordering groups and their heads: nothing of these groups is claimed until the transaction ends."""
    await lock_groups(connection, ordering_groups)
    if connection.dialect.name == "postgresql":
        await connection.execute(_LOCK_HEADS, {"ordering_groups": [*ordering_groups]})


async def add_heads(connection: AsyncConnection, delivery_ids: Collection[str]) -> None:
    """Add heads for new deliveries, each the first new one of its group, unless their group has a head."""
    await connection.execute(_insert_new_heads(connection.dialect.name), {"delivery_ids": [*delivery_ids]})


async def update_heads(connection: AsyncConnection, changed: Mapping[str, int]) -> int:
    """Update the heads of ordering groups after a change. Return how many of the groups have a head.

    `changed` has, for each group, the `seq` of one delivery of the group.
    """
    parameters = {"seqs": [*changed.values()]}
    updated = await connection.execute(_upsert_heads(connection.dialect.name), parameters)
    await connection.execute(_DELETE_HEADS, parameters)
    return updated.rowcount


async def find_due_heads(
    connection: AsyncConnection, limits: Mapping[str, int], *, limit: int, now_ms: int, turn: int
) -> list[Head]:
    """Lock and return up to `limit` due heads, of each RPC at most as many as `limits` says.

    Heads that another replica has locked are left out. RPCs, and within an RPC retries and what is due at
    once, take turns, so that none keeps the others waiting. `turn` is the number of heads that were returned
    before, so that this also holds if each call finds only one head. Within these, callers take turns.
    """
    parameters: dict[str, object] = {"now_ms": now_ms}
    for number, (rpc, rpc_limit) in enumerate(limits.items()):
        parameters |= {f"rpc_{number}": rpc, f"limit_{number}": rpc_limit}
    rows = (await connection.execute(select_due_heads(len(limits)), parameters)).all()
    if any(row.queue == _PASSED for row in rows):
        await connection.execute(promote_heads(len(limits)), parameters)
        rows = (await connection.execute(select_due_heads(len(limits)), parameters)).all()
    queues: defaultdict[tuple[str, int], list[Head]] = defaultdict(list)
    for row in rows:
        if row.queue != _PASSED:
            queues[row.rpc, row.queue].append(Head(ordering_group=row.ordering_group, seq=row.seq))
    found: list[Head] = []
    remaining = dict(limits)
    order = deque(queues.items())
    order.rotate(-turn)
    for heads in zip_longest(*(queue for _, queue in order)):
        for ((rpc, _), _), head in zip(order, heads, strict=True):
            if head is not None and remaining[rpc] and len(found) < limit:
                remaining[rpc] -= 1
                found.append(head)
    return found


async def lease_heads(connection: AsyncConnection, heads: Sequence[Head], expire_time_ms: int) -> None:
    """Put heads that this transaction has locked under a lease."""
    parameters = {"seqs": [head.seq for head in heads], "expire_time_ms": expire_time_ms}
    await connection.execute(_LEASE_HEADS, parameters)


async def find_next_due_time_ms(connection: AsyncConnection, rpcs: Collection[str]) -> int | None:
    """Return when the next head of these RPCs is due, now or later; None if none is. 0 or 1: at once."""
    if not rpcs:
        return None
    parameters = {f"rpc_{number}": rpc for number, rpc in enumerate(rpcs)}
    rows = await connection.execute(select_next_due(len(rpcs)), parameters)
    return min(rows.scalars(), default=None)


@cache
def select_due_heads(rpc_count: int) -> "CompoundSelect[Any]":
    """Return the query of `find_due_heads`: three ranges of `ix_delivery_heads_due` for each RPC."""

    def select_queue(number: int, queue: int) -> "Select[Any]":
        heads = (
            select(delivery_heads.c.rpc, delivery_heads.c.ordering_group, delivery_heads.c.seq)
            .where(_is_of_rpc(number), delivery_heads.c.due_time_ms == literal_column(str(queue)))
            .order_by(delivery_heads.c.turn, delivery_heads.c.seq)
            .limit(bindparam(f"limit_{number}", type_=Integer))
            .with_for_update(skip_locked=True)
            .subquery(f"heads_{number}_{queue}")
        )
        return select(literal_column(str(queue), Integer).label("queue"), heads)

    def select_passed(number: int) -> "Select[Any]":
        passed = _select_passed(number, literal_column("1")).subquery(f"passed_{number}")
        columns = (passed.c.rpc, passed.c.ordering_group, passed.c.seq)
        return select(literal_column(str(_PASSED), Integer).label("queue"), *columns)

    numbers = range(rpc_count)
    return union_all(
        *(select_queue(number, queue) for number in numbers for queue in (_NEW, _RETRY)),
        *map(select_passed, numbers),
    )


@cache
def promote_heads(rpc_count: int) -> Update:
    """Return the statement that gives heads whose time has passed their turns, the earliest first."""

    def select_passed(number: int) -> "Select[Any]":
        passed = _select_passed(number, literal_column(str(PROMOTION_BATCH_SIZE)))
        return select(passed.with_for_update(skip_locked=True).subquery(f"passed_{number}"))

    passed = union_all(*map(select_passed, range(rpc_count))).subquery("passed")
    turn = _next_turn(passed.c, literal_column(str(_RETRY)), passed.c.due_time_ms, passed.c.seq)
    promoted = select(passed.c.ordering_group, turn.label("turn")).subquery("promoted")
    return (
        update(delivery_heads)
        .where(delivery_heads.c.ordering_group == promoted.c.ordering_group)
        .values(due_time_ms=_RETRY, turn=promoted.c.turn)
    )


def _select_passed(number: int, limit: "ColumnElement[int]") -> "Select[Any]":
    """Select the heads of an RPC whose time has passed, and which have no turn yet, the earliest first."""
    due_time_ms = delivery_heads.c.due_time_ms
    has_passed = (due_time_ms > literal_column("1")) & (due_time_ms <= bindparam("now_ms", type_=BigInteger))
    columns = (delivery_heads.c[name] for name in ("ordering_group", "seq", "rpc", "caller", "due_time_ms"))
    return select(*columns).where(_is_of_rpc(number), has_passed).order_by(due_time_ms).limit(limit)


def _is_of_rpc(number: int) -> "ColumnElement[bool]":
    return delivery_heads.c.rpc == bindparam(f"rpc_{number}")


def _next_turn(heads: Any, queue: "ColumnElement[int]", *order: "ColumnElement[int]") -> "ColumnElement[int]":
    """Return the turn of each of some new heads, which their callers get in this order."""
    waiting = delivery_heads.alias("waiting")
    is_waiting = (waiting.c.rpc == heads.rpc) & (waiting.c.due_time_ms == queue)
    # Not max(turn) of this caller: depending on statistics, PostgreSQL would read the turns of all callers,
    # by ix_delivery_heads_due. Only ix_delivery_heads_caller has the order of callers and turns.
    last_of_caller = (
        select(case((waiting.c.caller == heads.caller, waiting.c.turn)))
        .where(is_waiting, waiting.c.caller <= heads.caller)
        .order_by(waiting.c.caller.desc(), waiting.c.turn.desc())
        .limit(1)
        .scalar_subquery()
    )
    first_of_all = select(func.min(waiting.c.turn)).where(is_waiting).scalar_subquery()
    number = func.row_number().over(partition_by=[heads.rpc, heads.caller], order_by=order)
    return func.coalesce(last_of_caller, first_of_all - 1, literal_column("0")) + number


@cache
def select_next_due(rpc_count: int) -> "CompoundSelect[Any]":
    """Return the query of `find_next_due_time_ms`."""

    def select_first(number: int) -> "Select[Any]":
        first = (
            select(delivery_heads.c.due_time_ms)
            .where(delivery_heads.c.rpc == bindparam(f"rpc_{number}"))
            .order_by(delivery_heads.c.due_time_ms)
            .limit(1)
        )
        return select(first.subquery(f"first_{number}"))

    return union_all(*map(select_first, range(rpc_count)))


# The statements are built once: to build one takes as long as to execute it.

_IS_OF_DELIVERIES = delivery_heads.c.ordering_group.in_(
    select(deliveries.c.ordering_group).where(is_in(deliveries.c.seq, "seqs"))
)
_LOCK_HEADS = (
    select(delivery_heads.c.seq)
    .where(is_in(delivery_heads.c.ordering_group, "ordering_groups"))
    .order_by(delivery_heads.c.ordering_group)
    .with_for_update()
)
_LEASE_HEADS = update(delivery_heads).where(_IS_OF_DELIVERIES).values(due_time_ms=bindparam("expire_time_ms"))
_DELETE_HEADS = delete(delivery_heads).where(
    _IS_OF_DELIVERIES, ~exists().where(deliveries.c.seq == delivery_heads.c.seq, IS_PENDING)
)


@cache
def _insert_new_heads(engine: str) -> Insert:
    """Return the statement of `add_heads`."""
    pending = deliveries.alias("pending")
    # Without statistics, PostgreSQL would join NOT EXISTS with all pending deliveries.
    earlier = (
        select(pending.c.seq)
        .where(
            pending.c.ordering_group == deliveries.c.ordering_group,
            pending.c.state == literal_column("'PENDING'"),
            pending.c.seq < deliveries.c.seq,
        )
        .limit(1)
        .scalar_subquery()
    )
    new = select(
        deliveries.c.ordering_group,
        deliveries.c.seq,
        deliveries.c.rpc,
        deliveries.c.caller,
        deliveries.c.next_attempt_time_ms,
        _next_turn(deliveries.c, literal_column(str(_NEW)), deliveries.c.seq),
    ).where(is_in(deliveries.c.delivery_id, "delivery_ids"), earlier.is_(None))
    insert = INSERT[engine](delivery_heads).from_select(delivery_heads.c.keys(), new)
    return insert.on_conflict_do_nothing()


@cache
def _upsert_heads(engine: str) -> Insert:
    """Return the first statement of `update_heads`."""
    first, pending = deliveries.alias("first"), deliveries.alias("pending")
    seq_of_first = (
        select(pending.c.seq)
        .where(
            pending.c.ordering_group == deliveries.c.ordering_group,
            pending.c.state == literal_column("'PENDING'"),
        )
        .order_by(pending.c.seq)
        .limit(1)
        .scalar_subquery()
    )
    due_time_ms = case(
        (first.c.lease_expire_time_ms > 0, first.c.lease_expire_time_ms), else_=first.c.next_attempt_time_ms
    )
    heads = (
        select(
            first.c.ordering_group,
            first.c.seq,
            first.c.rpc,
            first.c.caller,
            due_time_ms.label("due_time_ms"),
        )
        .select_from(deliveries.join(first, first.c.seq == seq_of_first))
        .where(is_in(deliveries.c.seq, "seqs"))
        .subquery("heads")
    )
    turn = _next_turn(heads.c, literal_column(str(_NEW)), heads.c.due_time_ms, heads.c.seq)
    # Without WHERE, SQLite would read the ON of ON CONFLICT as that of a join.
    insert = INSERT[engine](delivery_heads).from_select(
        delivery_heads.c.keys(), select(*heads.c, turn).where(true())
    )
    new = insert.excluded
    is_same = (delivery_heads.c.seq == new.seq) & (delivery_heads.c.due_time_ms == new.due_time_ms)
    return insert.on_conflict_do_update(
        index_elements=["ordering_group"],
        set_={name: new[name] for name in ("seq", "rpc", "caller", "due_time_ms")}
        | {"turn": case((is_same, delivery_heads.c.turn), else_=new.turn)},
    ).execution_options(preserve_rowcount=True)
