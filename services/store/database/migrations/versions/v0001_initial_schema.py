"""The initial schema."""

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

_AUTOINCREMENT = BigInteger().with_variant(Integer, "sqlite")
_IS_PENDING_MESSAGE = text("dead_letter_time_ms IS NULL")
_IS_PENDING_DELIVERY = text("state = 'PENDING'")


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "messages",
        Column("seq", _AUTOINCREMENT, primary_key=True, comment="in the order of storing; never reused"),
        Column("message_id", Text, nullable=False, unique=True, comment="1688's id"),
        Column("topic", Text, nullable=False),
        Column("ordering_key", Text, comment="messages with the same key are leased one at a time, in order"),
        Column("event_time_ms", BigInteger, nullable=False, comment="when it happened, by 1688's clock"),
        Column(
            "receive_time_ms",
            BigInteger,
            nullable=False,
            comment="when it was stored; retention depends on it",
        ),
        Column("member_id", Text, nullable=False, comment="the 1688 member that it concerns, or empty"),
        Column("raw", LargeBinary, nullable=False, comment="the JSON text as received, UTF-8"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_messages_receive_time", "messages", ["receive_time_ms"])
    op.create_table(
        "subscriptions",
        Column("id", _AUTOINCREMENT, primary_key=True),
        Column("caller", Text, nullable=False, comment="the caller's identity; may be empty"),
        Column("name", Text, comment="null: deleted, and its rows will be removed"),
        Column("topics", Text, nullable=False, comment="JSON array, sorted; [] means all"),
        Column("start_time_ms", BigInteger, comment="null: only messages stored after its creation"),
        Column("create_time_ms", BigInteger, nullable=False),
        Column("last_used_time_ms", BigInteger, nullable=False, comment="accurate to a minute"),
        Column(
            "backfill_from_seq",
            BigInteger,
            nullable=False,
            comment="the backfill continues with the message after this one",
        ),
        Column(
            "backfill_to_seq",
            BigInteger,
            nullable=False,
            comment="the last message that is older than the subscription",
        ),
        UniqueConstraint("caller", "name", name="uq_subscriptions_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "subscription_messages",
        Column("subscription_id", BigInteger, ForeignKey("subscriptions.id"), nullable=False),
        Column("message_seq", BigInteger, ForeignKey("messages.seq", ondelete="CASCADE"), nullable=False),
        Column("ordering_key", Text, comment="as in messages"),
        Column("event_time_ms", BigInteger, nullable=False, comment="as in messages"),
        Column("attempts", Integer, nullable=False, comment="leases since it was stored or requeued"),
        Column("lease_expire_time_ms", BigInteger, nullable=False, comment="0: not leased"),
        Column("dead_letter_time_ms", BigInteger, comment="when its last lease expired; null: not dead"),
        PrimaryKeyConstraint("subscription_id", "message_seq"),
    )
    op.create_index("ix_subscription_messages_message", "subscription_messages", ["message_seq"])
    op.create_index(
        "ix_subscription_messages_pending",
        "subscription_messages",
        ["subscription_id", "event_time_ms", "message_seq"],
        sqlite_where=_IS_PENDING_MESSAGE,
        postgresql_where=_IS_PENDING_MESSAGE,
    )
    op.create_index(
        "ix_subscription_messages_ordering_key",
        "subscription_messages",
        ["subscription_id", "ordering_key", "event_time_ms", "message_seq"],
        sqlite_where=_IS_PENDING_MESSAGE,
        postgresql_where=_IS_PENDING_MESSAGE,
    )
    op.create_index(
        "ix_subscription_messages_leased",
        "subscription_messages",
        ["subscription_id", "lease_expire_time_ms"],
        sqlite_where=text("dead_letter_time_ms IS NULL AND lease_expire_time_ms > 0"),
        postgresql_where=text("dead_letter_time_ms IS NULL AND lease_expire_time_ms > 0"),
    )
    op.create_index(
        "ix_subscription_messages_dead",
        "subscription_messages",
        ["subscription_id", "message_seq"],
        sqlite_where=text("dead_letter_time_ms IS NOT NULL"),
        postgresql_where=text("dead_letter_time_ms IS NOT NULL"),
    )
    op.create_table(
        "deliveries",
        Column("seq", _AUTOINCREMENT, primary_key=True, comment="in the order of enqueuing"),
        Column("delivery_id", Text, nullable=False, unique=True),
        Column("caller", Text, nullable=False),
        Column("request_id", Text, nullable=False),
        Column("content_hash", LargeBinary, nullable=False, comment="SHA-256"),
        Column("rpc", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False, comment="the request, serialized"),
        Column("ordering_key", Text, nullable=False),
        Column("member_id", Text, comment="the buyer's out_member_id, if known: for erasure"),
        Column("national_order_id", Text, comment="the national site's order, if known: for erasure"),
        Column("state", Text, nullable=False),
        Column("attempts", Integer, nullable=False, comment="how often it was attempted"),
        Column(
            "failures",
            Integer,
            nullable=False,
            comment="since it was enqueued or retried by hand; for the backoff",
        ),
        Column(
            "retry_start_time_ms",
            BigInteger,
            nullable=False,
            comment="when it was enqueued or retried by hand; max_age_s counts from here",
        ),
        Column("last_error", LargeBinary, comment="the error of the last attempt, serialized"),
        Column("progress", LargeBinary, comment="what a partial attempt passes to the next one"),
        Column("results", LargeBinary, comment="its results, serialized"),
        Column("create_time_ms", BigInteger, nullable=False),
        Column("last_attempt_time_ms", BigInteger),
        Column(
            "next_attempt_time_ms", BigInteger, comment="earliest time of the next attempt; null: finished"
        ),
        Column("finish_time_ms", BigInteger),
        Column(
            "lease_expire_time_ms",
            BigInteger,
            nullable=False,
            comment="0: not leased",
        ),
        Column("lease_holder", Text, comment="id of the claim; remains if the outcome is unknown"),
        CheckConstraint("state IN ('PENDING', 'DELIVERED', 'DEAD', 'CANCELLED')", name="ck_deliveries_state"),
        UniqueConstraint("caller", "request_id", name="uq_deliveries_request_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deliveries_ordering_key", "deliveries", ["ordering_key", "seq"])
    op.create_index(
        "ix_deliveries_pending",
        "deliveries",
        ["ordering_key", "seq"],
        sqlite_where=_IS_PENDING_DELIVERY,
        postgresql_where=_IS_PENDING_DELIVERY,
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["next_attempt_time_ms"],
        sqlite_where=_IS_PENDING_DELIVERY,
        postgresql_where=_IS_PENDING_DELIVERY,
    )
    op.create_index("ix_deliveries_state", "deliveries", ["state", "seq"])
    op.create_index("ix_deliveries_finish_time", "deliveries", ["finish_time_ms"])
    op.create_table(
        "idempotency_keys",
        Column("caller", Text, nullable=False),
        Column("rpc", Text, nullable=False),
        Column("request_id", Text, nullable=False),
        Column("content_hash", LargeBinary, nullable=False, comment="SHA-256"),
        Column("state", Text, nullable=False),
        Column("response", LargeBinary, comment="if SUCCEEDED, serialized"),
        Column("holder", Text, nullable=False, comment="id of this execution"),
        Column(
            "expire_time_ms", BigInteger, nullable=False, comment="RUNNING: of the lease; else of the row"
        ),
        CheckConstraint("state IN ('RUNNING', 'SUCCEEDED', 'UNKNOWN')", name="ck_idempotency_keys_state"),
        PrimaryKeyConstraint("caller", "rpc", "request_id"),
    )
    op.create_index("ix_idempotency_keys_expire_time", "idempotency_keys", ["expire_time_ms"])
    op.create_table(
        "full_orders",
        Column("kind", Text, nullable=False, comment="order or logistics_order"),
        Column("id", Text, nullable=False, comment="the order id or the logistics id"),
        Column("national_order_id", Text, nullable=False, comment="the order that it is or belongs to"),
        Column("member_id", Text, comment="the buyer, if known"),
        Column("payload", LargeBinary, nullable=False, comment="the last one that was synced, serialized"),
        Column("update_time_ms", BigInteger, nullable=False),
        PrimaryKeyConstraint("kind", "id"),
    )
    op.create_index("ix_full_orders_national_order_id", "full_orders", ["national_order_id"])
    op.create_index("ix_full_orders_member_id", "full_orders", ["member_id"])
    op.create_index("ix_full_orders_update_time", "full_orders", ["update_time_ms"])
    op.create_table(
        "leases",
        Column("name", Text, primary_key=True, comment="the task, which one replica at a time runs"),
        Column("holder", Text, nullable=False),
        Column("expire_time_ms", BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop every table with its data."""
    for table in (
        "leases",
        "full_orders",
        "idempotency_keys",
        "deliveries",
        "subscription_messages",
        "subscriptions",
        "messages",
    ):
        op.drop_table(table)
