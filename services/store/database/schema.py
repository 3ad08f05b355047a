"""The tables, the same on both engines.

Times are integers in milliseconds since the epoch, and their names end in `_time_ms`. SQLite has no type for
a time with a zone; an integer is exact and sorts the same on both engines. Content that the store does not
interpret (requests, errors, responses, 1688's texts) is bytes, because PostgreSQL's text rejects U+0000.

A change here needs a migration in `migrations/versions`, whose revision is `SCHEMA_REVISION`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
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

SCHEMA_REVISION = "0001"
"""The newest migration's. `schema_migrations` explains its form."""

metadata = MetaData()

_AUTOINCREMENT = BigInteger().with_variant(Integer, "sqlite")  # the only type that SQLite increments
_IS_PENDING_MESSAGE = text("dead_letter_time_ms IS NULL")
_IS_PENDING_DELIVERY = text("state = 'PENDING'")
IS_UNRESOLVED_CREATION = text("resource_id IS NOT NULL AND state IN ('RUNNING', 'UNKNOWN')")
"""Rows of idempotency_keys. Queries have to repeat it as it is, so that SQLite uses the index."""

messages = Table(
    "messages",
    metadata,
    Column("seq", _AUTOINCREMENT, primary_key=True, comment="in the order of storing; never reused"),
    Column("message_id", Text, nullable=False, unique=True, comment="1688's id"),
    Column("topic", Text, nullable=False),
    Column(
        "ordering_key",
        Text,
        nullable=False,
        comment="messages with the same key are leased one at a time, in order",
    ),
    Column("event_time_ms", BigInteger, nullable=False, comment="when it happened, by 1688's clock"),
    Column(
        "receive_time_ms", BigInteger, nullable=False, comment="when it was stored; retention depends on it"
    ),
    Column("member_id", Text, nullable=False, comment="the 1688 member that it concerns, or empty"),
    Column("raw", LargeBinary, nullable=False, comment="the JSON text as received, UTF-8"),
    Index("ix_messages_receive_time", "receive_time_ms"),
    sqlite_autoincrement=True,
)

message_identities = Table(
    "message_identities",
    metadata,
    Column("identity", LargeBinary, primary_key=True, comment="SHA-256 of the message's id"),
    Column(
        "receive_time_ms", BigInteger, nullable=False, comment="when it was stored; retention depends on it"
    ),
    Index("ix_message_identities_receive_time", "receive_time_ms"),
    sqlite_with_rowid=False,
)
"""The messages that were stored, also those that were deleted since: none is stored again."""

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", _AUTOINCREMENT, primary_key=True, comment="never reused: ack ids contain it"),
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
        comment="the last message that was stored before the subscription",
    ),
    UniqueConstraint("caller", "name", name="uq_subscriptions_name"),
    sqlite_autoincrement=True,
)

subscription_messages = Table(
    "subscription_messages",
    metadata,
    Column("subscription_id", BigInteger, ForeignKey("subscriptions.id"), nullable=False),
    Column("message_seq", BigInteger, ForeignKey("messages.seq", ondelete="CASCADE"), nullable=False),
    Column("ordering_key", Text, nullable=False, comment="as in messages"),
    Column("event_time_ms", BigInteger, nullable=False, comment="as in messages"),
    Column(
        "attempts", Integer, nullable=False, comment="how often it was leased since it was stored or requeued"
    ),
    Column(
        "lease_id",
        BigInteger,
        nullable=False,
        comment="random id of the poll that leased it last; 0: none since it was stored or requeued",
    ),
    Column("lease_expire_time_ms", BigInteger, nullable=False, comment="0: not leased"),
    Column("dead_letter_time_ms", BigInteger, comment="when its last lease ended; null: not dead"),
    PrimaryKeyConstraint("subscription_id", "message_seq"),
    Index("ix_subscription_messages_message", "message_seq"),
    Index(
        "ix_subscription_messages_ordering_key",
        "subscription_id",
        "ordering_key",
        "event_time_ms",
        "message_seq",
        sqlite_where=_IS_PENDING_MESSAGE,
        postgresql_where=_IS_PENDING_MESSAGE,
    ),
    Index(
        "ix_subscription_messages_leased",
        "subscription_id",
        "lease_expire_time_ms",
        sqlite_where=text("dead_letter_time_ms IS NULL AND lease_expire_time_ms > 0"),
        postgresql_where=text("dead_letter_time_ms IS NULL AND lease_expire_time_ms > 0"),
    ),
    Index(
        "ix_subscription_messages_dead",
        "subscription_id",
        "message_seq",
        sqlite_where=text("dead_letter_time_ms IS NOT NULL"),
        postgresql_where=text("dead_letter_time_ms IS NOT NULL"),
    ),
)
"""The backlog of each subscription. Acknowledging a message deletes its row."""

message_heads = Table(
    "message_heads",
    metadata,
    Column("subscription_id", BigInteger, ForeignKey("subscriptions.id"), nullable=False),
    Column("ordering_key", Text, nullable=False, comment="as in messages"),
    Column("event_time_ms", BigInteger, nullable=False, comment="as in messages"),
    Column("message_seq", BigInteger, nullable=False, comment="of the first pending message of the key"),
    PrimaryKeyConstraint("subscription_id", "ordering_key"),
    Index("ix_message_heads_order", "subscription_id", "event_time_ms", "message_seq"),
)
"""The first pending message of each ordering key of a subscription that has one. Only it can be leased."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("seq", _AUTOINCREMENT, primary_key=True, comment="in the order of enqueuing"),
    Column("delivery_id", Text, nullable=False, unique=True),
    Column("caller", Text, nullable=False, comment="the owner; may be empty"),
    Column("request_id", Text, nullable=False),
    Column("content_hash", LargeBinary, nullable=False, comment="SHA-256"),
    Column("rpc", Text, nullable=False, comment="the RPC that sends such a sync"),
    Column("payload", LargeBinary, nullable=False, comment="the sync, serialized"),
    Column("ordering_key", Text, nullable=False, comment="as the caller sees it"),
    Column("ordering_group", Text, nullable=False, comment="deliveries with the same are sent in order"),
    Column("member_id", Text, comment="the buyer's out_member_id, if known: for erasure"),
    Column("order_ids", Text, nullable=False, comment="JSON array of the ids in the sync: for erasure"),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, comment="how often it was attempted"),
    Column(
        "failures",
        Integer,
        nullable=False,
        comment="failed attempts since it was enqueued or retried by hand; for the backoff",
    ),
    Column(
        "retry_start_time_ms",
        BigInteger,
        nullable=False,
        comment="when it was enqueued or retried by hand; max_age_s counts from here",
    ),
    Column("last_error", LargeBinary, comment="the error of the last attempt, serialized"),
    Column("results", LargeBinary, comment="its results, serialized"),
    Column("create_time_ms", BigInteger, nullable=False),
    Column("last_attempt_time_ms", BigInteger),
    Column(
        "next_attempt_time_ms",
        BigInteger,
        comment="earliest time of the next attempt; 0: at once; null: finished",
    ),
    Column("finish_time_ms", BigInteger),
    Column("lease_expire_time_ms", BigInteger, nullable=False, comment="0: not leased"),
    Column("lease_holder", Text, comment="id of the claim; null: not claimed"),
    Column(
        "outcome_unknown",
        Boolean,
        nullable=False,
        comment="1688 may have executed an attempt whose outcome is unknown",
    ),
    CheckConstraint("state IN ('PENDING', 'DELIVERED', 'DEAD', 'CANCELLED')", name="ck_deliveries_state"),
    UniqueConstraint("caller", "request_id", name="uq_deliveries_request_id"),
    Index("ix_deliveries_ordering_key", "ordering_key", "caller", "seq"),
    Index(
        "ix_deliveries_pending",
        "ordering_group",
        "seq",
        sqlite_where=_IS_PENDING_DELIVERY,
        postgresql_where=_IS_PENDING_DELIVERY,
    ),
    Index("ix_deliveries_caller", "caller", "seq"),
    Index("ix_deliveries_state", "state", "caller", "seq"),
    Index("ix_deliveries_finish_time", "finish_time_ms"),
    sqlite_autoincrement=True,
)

delivery_heads = Table(
    "delivery_heads",
    metadata,
    Column("ordering_group", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False, comment="of the first pending delivery of the group"),
    Column("rpc", Text, nullable=False, comment="as in deliveries"),
    Column("caller", Text, nullable=False, comment="as in deliveries"),
    Column(
        "due_time_ms",
        BigInteger,
        nullable=False,
        comment="when it can be claimed: at the end of its lease, or at its next attempt; 0: at once; "
        "1: at once, and a time before had passed",
    ),
    Column(
        "turn",
        BigInteger,
        nullable=False,
        comment="its place among the heads of its RPC with the same due_time_ms, if that is 0 or 1",
    ),
    Index("ix_delivery_heads_due", "rpc", "due_time_ms", "turn", "seq"),
    Index("ix_delivery_heads_caller", "rpc", "due_time_ms", "caller", "turn"),
)
"""The first pending delivery of each ordering group that has one. Only it can be claimed."""

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("caller", Text, nullable=False),
    Column("rpc", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("resource_id", Text, comment="the caller's id of what the call creates, if it has one"),
    Column("content_hash", LargeBinary, nullable=False, comment="SHA-256"),
    Column("state", Text, nullable=False),
    Column("response", LargeBinary, comment="if SUCCEEDED, serialized"),
    Column("holder", Text, nullable=False, comment="id of this execution"),
    Column("start_time_ms", BigInteger, nullable=False, comment="of this execution"),
    Column(
        "expire_time_ms",
        BigInteger,
        nullable=False,
        comment="if RUNNING, end of the lease; else of the retention",
    ),
    CheckConstraint(
        "state IN ('RUNNING', 'SUCCEEDED', 'UNKNOWN', 'NOT_EXECUTED')", name="ck_idempotency_keys_state"
    ),
    PrimaryKeyConstraint("caller", "rpc", "request_id"),
    UniqueConstraint("rpc", "resource_id", name="uq_idempotency_keys_resource_id"),
    Index("ix_idempotency_keys_expire_time", "expire_time_ms"),
    Index(
        "ix_idempotency_keys_unresolved",
        "start_time_ms",
        sqlite_where=IS_UNRESOLVED_CREATION,
        postgresql_where=IS_UNRESOLVED_CREATION,
    ),
)

full_orders = Table(
    "full_orders",
    metadata,
    Column("kind", Text, nullable=False, comment="order or logistics_order"),
    Column("id", Text, nullable=False, comment="the order id or the logistics id"),
    Column("national_order_id", Text, nullable=False, comment="the order that it is or belongs to"),
    Column("member_id", Text, comment="the buyer, if known"),
    Column("payload", LargeBinary, nullable=False, comment="the last one that was synced, serialized"),
    Column("revision", Text, nullable=False, comment="id of the sync that stored it"),
    Column("update_time_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("kind", "id"),
    Index("ix_full_orders_national_order_id", "national_order_id"),
    Index("ix_full_orders_member_id", "member_id"),
    Index("ix_full_orders_update_time", "update_time_ms"),
)

full_order_syncs = Table(
    "full_order_syncs",
    metadata,
    Column("kind", Text, nullable=False, comment="as in full_orders"),
    Column("id", Text, nullable=False, comment="as in full_orders, where a first one is not stored yet"),
    Column("sync_id", Text, nullable=False, comment="id of the sync in flight: the others wait"),
    Column(
        "content_hash",
        LargeBinary,
        comment="SHA-256 of what was sent, if the outcome is unknown: only the same may be sent",
    ),
    Column("expire_time_ms", BigInteger, nullable=False, comment="end of the lease"),
    PrimaryKeyConstraint("kind", "id"),
    Index("ix_full_order_syncs_expire_time", "expire_time_ms"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True, comment="the task, which one replica at a time runs"),
    Column("holder", Text, nullable=False),
    Column("expire_time_ms", BigInteger, nullable=False),
)

store_clock = Table(
    "store_clock",
    metadata,
    Column("id", Integer, primary_key=True, comment="1: there is only one row"),
    Column("source_time_ms", BigInteger, nullable=False, comment="the database's time, when last measured"),
    Column("lead_ms", BigInteger, nullable=False, comment="how far the store's time was ahead of it"),
)
