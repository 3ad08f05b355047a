"""The tables, on both engines.

Times are integers, milliseconds since the epoch, and their names end in `_ms`: SQLite has no type for a time
with a zone, and an integer is exact, ordered and equal on both engines. Whatever this room only keeps for
others (requests, errors, responses, 1688's texts) is bytes: PostgreSQL's text takes no U+0000.

What changes here needs a migration under `migrations/versions`.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

_SERIAL = BigInteger().with_variant(Integer, "sqlite")  # the one type that SQLite counts up by itself
_ALIVE = text("dead_ms IS NULL")
_PENDING = text("state = 'PENDING'")

messages = Table(
    "messages",
    metadata,
    Column("seq", _SERIAL, primary_key=True, comment="order of storing; never used twice"),
    Column("message_id", Text, nullable=False, unique=True, comment="1688's id"),
    Column("topic", Text, nullable=False),
    Column("order_key", Text, comment="messages with the same key are handed out one after the other"),
    Column("born_ms", BigInteger, nullable=False, comment="1688's time of the message"),
    Column("received_ms", BigInteger, nullable=False, comment="our time of storing; retention goes by it"),
    Column("member_id", Text, nullable=False, comment="the 1688 member it is about, or empty"),
    Column("raw", LargeBinary, nullable=False, comment="the text as received, UTF-8"),
    Index("messages_by_received", "received_ms"),
    sqlite_autoincrement=True,
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", _SERIAL, primary_key=True),
    Column("caller", Text, nullable=False, comment="identity, may be empty"),
    Column("name", Text, comment="null: deleted, what it left behind is being removed"),
    Column("topics", Text, nullable=False, comment="JSON array, sorted; [] means all"),
    Column("start_ms", BigInteger, comment="null: from its creation"),
    Column("create_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger, nullable=False, comment="last use, exact to a minute"),
    Column(
        "fill_from_seq",
        BigInteger,
        nullable=False,
        comment="older messages above it are to be filled in",
    ),
    Column("fill_to_seq", BigInteger, nullable=False, comment="the last message older than itself"),
    UniqueConstraint("caller", "name", name="subscriptions_by_name"),
    sqlite_autoincrement=True,
)

subscription_messages = Table(
    "handouts",
    metadata,
    Column("subscription_id", BigInteger, ForeignKey("subscriptions.id"), nullable=False),
    Column("message_seq", BigInteger, ForeignKey("messages.seq", ondelete="CASCADE"), nullable=False),
    Column("order_key", Text, comment="as in messages"),
    Column("born_ms", BigInteger, nullable=False, comment="as in messages"),
    Column("attempts", Integer, nullable=False, comment="how often it was handed out"),
    Column("lease_until_ms", BigInteger, nullable=False, comment="handed out until then; 0: not at all"),
    Column("dead_ms", BigInteger, comment="when its last lease ended; null while it is handed out"),
    PrimaryKeyConstraint("subscription_id", "message_seq"),
    Index("handouts_by_message", "message_seq"),
    Index(
        "handouts_alive",
        "subscription_id",
        "born_ms",
        "message_seq",
        sqlite_where=_ALIVE,
        postgresql_where=_ALIVE,
    ),
    Index(
        "handouts_by_order",
        "subscription_id",
        "order_key",
        "born_ms",
        "message_seq",
        sqlite_where=_ALIVE,
        postgresql_where=_ALIVE,
    ),
    Index(
        "handouts_leased",
        "subscription_id",
        "lease_until_ms",
        sqlite_where=text("dead_ms IS NULL AND lease_until_ms > 0"),
        postgresql_where=text("dead_ms IS NULL AND lease_until_ms > 0"),
    ),
    Index(
        "handouts_dead",
        "subscription_id",
        "message_seq",
        sqlite_where=text("dead_ms IS NOT NULL"),
        postgresql_where=text("dead_ms IS NOT NULL"),
    ),
)
"""What each subscription still has to get: an acknowledged message has no row here."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("seq", _SERIAL, primary_key=True, comment="order of enqueuing"),
    Column("delivery_id", Text, nullable=False, unique=True),
    Column("caller", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("content_hash", LargeBinary, nullable=False, comment="SHA-256"),
    Column("rpc", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False, comment="the request, serialized"),
    Column("ordering_key", Text, nullable=False),
    Column("member_id", Text, comment="the buyer it is about, where known: for erasure"),
    Column("order_id", Text, comment="the downstream order it is about, where known: for erasure"),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, comment="how often it was sent"),
    Column(
        "failures",
        Integer,
        nullable=False,
        comment="since enqueued or retried; for the backoff",
    ),
    Column("patience_from_ms", BigInteger, nullable=False, comment="when it was enqueued or retried"),
    Column("last_error", LargeBinary, comment="why the last attempt failed, serialized"),
    Column("progress", LargeBinary, comment="what a partly done one hands to its next attempt"),
    Column("results", LargeBinary, comment="what it brought, serialized"),
    Column("create_ms", BigInteger, nullable=False),
    Column("last_attempt_ms", BigInteger),
    Column("next_attempt_ms", BigInteger, comment="not before; null once it is finished"),
    Column("finish_ms", BigInteger),
    Column(
        "lease_until_ms", BigInteger, nullable=False, comment="being sent until then at most; 0: not at all"
    ),
    Column("lease_holder", Text, comment="a name for an attempt; null: its outcome is noted"),
    CheckConstraint("state IN ('PENDING', 'DELIVERED', 'DEAD', 'CANCELLED')", name="deliveries_state"),
    UniqueConstraint("caller", "request_id", name="deliveries_by_request"),
    Index("deliveries_by_key", "ordering_key", "seq"),
    Index(
        "deliveries_pending",
        "ordering_key",
        "seq",
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    ),
    Index("deliveries_due", "next_attempt_ms", sqlite_where=_PENDING, postgresql_where=_PENDING),
    Index("deliveries_by_state", "state", "seq"),
    Index("deliveries_by_finish", "finish_ms"),
    sqlite_autoincrement=True,
)

request_ids = Table(
    "request_ids",
    metadata,
    Column("caller", Text, nullable=False),
    Column("rpc", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("content_hash", LargeBinary, nullable=False, comment="SHA-256"),
    Column("state", Text, nullable=False),
    Column("response", LargeBinary, comment="of a DONE one, serialized"),
    Column("holder", Text, nullable=False, comment="a name for this one run"),
    Column("until_ms", BigInteger, nullable=False, comment="RUNNING: lease; else kept until then"),
    CheckConstraint("state IN ('RUNNING', 'DONE', 'UNKNOWN')", name="request_ids_state"),
    PrimaryKeyConstraint("caller", "rpc", "request_id"),
    Index("request_ids_by_until", "until_ms"),
)

full_orders = Table(
    "full_orders",
    metadata,
    Column("kind", Text, nullable=False, comment="order or logistics_order"),
    Column("id", Text, nullable=False, comment="the order's id, the logistics id"),
    Column("order_id", Text, nullable=False, comment="the order that it belongs to, or is"),
    Column("member_id", Text, comment="the buyer, where known"),
    Column("payload", LargeBinary, nullable=False, comment="the last full one that was synced, serialized"),
    Column("stored_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("kind", "id"),
    Index("full_orders_by_order", "order_id"),
    Index("full_orders_by_member", "member_id"),
    Index("full_orders_by_stored", "stored_ms"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True, comment="of a task that one replica at a time does"),
    Column("holder", Text, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
)
