"""Fills a store with pending deliveries and messages, faster than by enqueuing and storing them."""

from collections.abc import Mapping

from sqlalchemy import func, select, text

from services.store import Store
from services.store.database.schema import deliveries, messages

BATCH_SIZE = 10_000
"""Deliveries in one statement, which has a timeout."""
_NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(number) AS "
    "(SELECT {first} UNION ALL SELECT number + 1 FROM numbers WHERE number < {last})",
    "postgresql": "WITH numbers AS (SELECT number FROM generate_series({first}, {last}) AS number)",
}
_INSERT_DELIVERIES = """
INSERT INTO deliveries (
    delivery_id, caller, request_id, content_hash, rpc, payload, ordering_key, ordering_group, order_ids,
    state, attempts, failures, retry_start_time_ms, create_time_ms, next_attempt_time_ms,
    lease_expire_time_ms, outcome_unknown
)
{numbers}
SELECT
    'backlog-' || number, :caller, 'backlog-' || number, :content_hash, :rpc, :payload,
    'backlog-' || (number % {keys}), 'order:backlog-' || (number % {keys}),
    '[]', 'PENDING', 0, 0, :now_ms, :now_ms, 0, 0, false
FROM numbers
"""
_INSERT_HEADS = """
INSERT INTO delivery_heads (ordering_group, seq, rpc, caller, due_time_ms, turn)
SELECT ordering_group, min(seq), :rpc, :caller, 0, min(seq) FROM deliveries
WHERE caller = :caller AND state = 'PENDING' GROUP BY ordering_group
ON CONFLICT DO NOTHING
"""
_INSERT_MESSAGES = """
INSERT INTO messages (seq, message_id, topic, ordering_key, event_time_ms, receive_time_ms, member_id, raw)
{numbers}
SELECT number, 'backlog-' || number, 'PAY', 'backlog-' || (number % {keys}), number, :now_ms, '', :raw
FROM numbers
"""
_INSERT_SUBSCRIPTION_MESSAGES = """
INSERT INTO subscription_messages (
    subscription_id, message_seq, ordering_key, event_time_ms, attempts, lease_id, lease_expire_time_ms
)
SELECT :subscription_id, seq, ordering_key, event_time_ms, 0, 0, 0 FROM messages
WHERE seq BETWEEN :first AND :last
"""
_INSERT_MESSAGE_HEADS = """
INSERT INTO message_heads (subscription_id, ordering_key, event_time_ms, message_seq)
SELECT subscription_id, ordering_key, min(event_time_ms), min(message_seq) FROM subscription_messages
WHERE subscription_id = :subscription_id GROUP BY subscription_id, ordering_key
ON CONFLICT DO NOTHING
"""


async def insert_messages(store: Store, subscription_id: int, *, count: int, keys: int) -> None:
    """Insert messages of `keys` ordering keys, which take turns, into the backlog of a subscription."""
    engine = "postgresql" if store.is_postgresql else "sqlite"
    newest = await store.read(lambda connection: connection.execute(select(func.max(messages.c.seq))))
    before_first = newest.scalar_one() or 0
    last_of_all = before_first + count
    for first in range(before_first + 1, last_of_all + 1, BATCH_SIZE):
        last = min(first + BATCH_SIZE - 1, last_of_all)
        numbers = _NUMBERS[engine].format(first=first, last=last)
        values = {"now_ms": store.clock(), "raw": b"{}"}
        await _execute(store, _INSERT_MESSAGES.format(numbers=numbers, keys=keys), values)
        values = {"subscription_id": subscription_id, "first": first, "last": last}
        await _execute(store, _INSERT_SUBSCRIPTION_MESSAGES, values)
    await _execute(store, _INSERT_MESSAGE_HEADS, {"subscription_id": subscription_id})


async def insert_backlog(
    store: Store,
    *,
    count: int,
    keys: int,
    rpc: str = "SyncOrder",
    payload: bytes = b"0",
    caller: str = "backlog",
) -> None:
    """Insert pending deliveries of `keys` ordering keys, which take turns. Not while they are being sent."""
    values = {
        "content_hash": b"0" * 32,
        "rpc": rpc,
        "payload": payload,
        "caller": caller,
        "now_ms": store.clock(),
    }
    engine = "postgresql" if store.is_postgresql else "sqlite"
    newest = await store.read(lambda connection: connection.execute(select(func.max(deliveries.c.seq))))
    before_first = newest.scalar_one() or 0
    last = before_first + count
    for first in range(before_first + 1, last + 1, BATCH_SIZE):
        numbers = _NUMBERS[engine].format(first=first, last=min(first + BATCH_SIZE - 1, last))
        await _execute(store, _INSERT_DELIVERIES.format(numbers=numbers, keys=keys), values)
    await _execute(store, _INSERT_HEADS, {"rpc": rpc, "caller": caller})


async def _execute(store: Store, statement: str, values: Mapping[str, object]) -> None:
    await store.write(lambda connection: connection.execute(text(statement), values))
