"""The first schema."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)

revision = "0001"
down_revision = None

_SERIAL = BigInteger().with_variant(Integer, "sqlite")
_ALIVE = text("dead_ms IS NULL")
_PENDING = text("state = 'PENDING'")


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "messages",
        Column("seq", _SERIAL, primary_key=True, comment="order of storing; never used twice"),
        Column("message_id", Text, nullable=False, unique=True, comment="1688's id"),
        Column("topic", Text, nullable=False),
        Column("order_key", Text, comment="messages with the same key are handed out one after the other"),
        Column("born_ms", BigInteger, nullable=False, comment="1688's time of the message"),
        Column(
            "received_ms", BigInteger, nullable=False, comment="our time of storing; retention goes by it"
        ),
        Column("member_id", Text, nullable=False, comment="the 1688 member it is about, or empty"),
        Column("raw", LargeBinary, nullable=False, comment="the text as received, UTF-8"),
        sqlite_autoincrement=True,
    )
    op.create_index("messages_by_received", "messages", ["received_ms"])
    op.create_table(
        "subscriptions",
        Column("id", _SERIAL, primary_key=True),
        Column("caller", Text, nullable=False, comment="identity, may be empty"),
        Column("name", Text, comment="null: deleted, what it left behind is being removed"),
        Column("topics", Text, nullable=False, comment="JSON array, sorted; [] means all"),
        Column("start_ms", BigInteger, comment="null: from its creation"),
        Column("create_ms", BigInteger, nullable=False),
        Column("used_ms", BigInteger, nullable=False, comment="last use, exact to a minute"),
        Column(
            "fill_from_seq", BigInteger, nullable=False, comment="older messages above it are to be filled in"
        ),
        Column("fill_to_seq", BigInteger, nullable=False, comment="the last message older than itself"),
        UniqueConstraint("caller", "name", name="subscriptions_by_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "handouts",
        Column("subscription_id", BigInteger, ForeignKey("subscriptions.id"), nullable=False),
        Column("message_seq", BigInteger, ForeignKey("messages.seq", ondelete="CASCADE"), nullable=False),
        Column("order_key", Text, comment="as in messages"),
        Column("born_ms", BigInteger, nullable=False, comment="as in messages"),
        Column("attempts", Integer, nullable=False, comment="how often it was handed out"),
        Column("lease_until_ms", BigInteger, nullable=False, comment="handed out until then; 0: not at all"),
        Column("dead_ms", BigInteger, comment="when its last lease ended; null while it is handed out"),
        PrimaryKeyConstraint("subscription_id", "message_seq"),
    )
    op.create_index("handouts_by_message", "handouts", ["message_seq"])
    op.create_index(
        "handouts_alive",
        "handouts",
        ["subscription_id", "born_ms", "message_seq"],
        sqlite_where=_ALIVE,
        postgresql_where=_ALIVE,
    )
    op.create_index(
        "handouts_by_order",
        "handouts",
        ["subscription_id", "order_key", "born_ms", "message_seq"],
        sqlite_where=_ALIVE,
        postgresql_where=_ALIVE,
    )
    op.create_index(
        "handouts_leased",
        "handouts",
        ["subscription_id", "lease_until_ms"],
        sqlite_where=text("dead_ms IS NULL AND lease_until_ms > 0"),
        postgresql_where=text("dead_ms IS NULL AND lease_until_ms > 0"),
    )
    op.create_index(
        "handouts_dead",
        "handouts",
        ["subscription_id", "message_seq"],
        sqlite_where=text("dead_ms IS NOT NULL"),
        postgresql_where=text("dead_ms IS NOT NULL"),
    )
    op.create_table(
        "deliveries",
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
        Column("failures", Integer, nullable=False, comment="since enqueued or retried; for the backoff"),
        Column("patience_from_ms", BigInteger, nullable=False, comment="when it was enqueued or retried"),
        Column("last_error", LargeBinary, comment="why the last attempt failed, serialized"),
        Column("progress", LargeBinary, comment="what a partly done one hands to its next attempt"),
        Column("results", LargeBinary, comment="what it brought, serialized"),
        Column("create_ms", BigInteger, nullable=False),
        Column("last_attempt_ms", BigInteger),
        Column("next_attempt_ms", BigInteger, comment="not before; null once it is finished"),
        Column("finish_ms", BigInteger),
        Column(
            "lease_until_ms",
            BigInteger,
            nullable=False,
            comment="being sent until then at most; 0: not at all",
        ),
        Column("lease_holder", Text, comment="a name for an attempt; null: its outcome is noted"),
        CheckConstraint("state IN ('PENDING', 'DELIVERED', 'DEAD', 'CANCELLED')", name="deliveries_state"),
        UniqueConstraint("caller", "request_id", name="deliveries_by_request"),
        sqlite_autoincrement=True,
    )
    op.create_index("deliveries_by_key", "deliveries", ["ordering_key", "seq"])
    op.create_index(
        "deliveries_pending",
        "deliveries",
        ["ordering_key", "seq"],
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    )
    op.create_index(
        "deliveries_due", "deliveries", ["next_attempt_ms"], sqlite_where=_PENDING, postgresql_where=_PENDING
    )
    op.create_index("deliveries_by_state", "deliveries", ["state", "seq"])
    op.create_index("deliveries_by_finish", "deliveries", ["finish_ms"])
    op.create_table(
        "request_ids",
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
    )
    op.create_index("request_ids_by_until", "request_ids", ["until_ms"])
    op.create_table(
        "full_orders",
        Column("kind", Text, nullable=False, comment="order or logistics_order"),
        Column("id", Text, nullable=False, comment="the order's id, the logistics id"),
        Column("order_id", Text, nullable=False, comment="the order that it belongs to, or is"),
        Column("member_id", Text, comment="the buyer, where known"),
        Column(
            "payload", LargeBinary, nullable=False, comment="the last full one that was synced, serialized"
        ),
        Column("stored_ms", BigInteger, nullable=False),
        PrimaryKeyConstraint("kind", "id"),
    )
    op.create_index("full_orders_by_order", "full_orders", ["order_id"])
    op.create_index("full_orders_by_member", "full_orders", ["member_id"])
    op.create_index("full_orders_by_stored", "full_orders", ["stored_ms"])
    op.create_table(
        "leases",
        Column("name", Text, primary_key=True, comment="of a task that one replica at a time does"),
        Column("holder", Text, nullable=False),
        Column("until_ms", BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop every table, and with them all that is stored."""
    for table in (
        "leases",
        "full_orders",
        "request_ids",
        "deliveries",
        "handouts",
        "subscriptions",
        "messages",
    ):
        op.drop_table(table)
