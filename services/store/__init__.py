"""Durable state in SQL: messages in, deliveries out, idempotency keys, the last full orders.

Must not import gRPC, protos, HTTP clients, or the packages that use the store. `storage_lifespan` opens
everything on one database, and `migrate` brings the database's schema up to date. If the database cannot be
used, a call raises StoreUnavailable; the same call may then be made again safely.
"""

from services.store.bootstrap import Storage, StorageConfig, storage_lifespan
from services.store.cli import CreationCommands, add_commands, run_command
from services.store.coordination.leases import Lease, exclusive_lease
from services.store.coordination.notifier import Notifier, wait_for_event
from services.store.coordination.process_lock import single_process_lock
from services.store.database.engine import StoreLimits
from services.store.database.future_times import MAX_RESOURCE_RETENTION_DAYS
from services.store.database.opening import open_store
from services.store.database.schema_migrations import migrate
from services.store.database.store import Store
from services.store.erasure import ErasureReport, erase
from services.store.full_orders import (
    BegunSync,
    FullOrder,
    FullOrderKey,
    FullOrderKind,
    FullOrders,
    StoredOrder,
    SyncInFlight,
    require_full_order,
)
from services.store.idempotency.executor import IdempotentExecutor
from services.store.idempotency.keys import (
    IdempotencyKeys,
    IdempotentRequest,
    Started,
    Succeeded,
    UnknownOutcome,
)
from services.store.inbox.ack_id import AckId, parse_ack_ids
from services.store.inbox.dead_letters import DeadLetters
from services.store.inbox.dispatcher import MessageDispatcher
from services.store.inbox.inbox import Inbox, IncomingMessage, StoreResult
from services.store.inbox.message import DeadMessage, Message, ReceivedMessage
from services.store.inbox.subscriptions import (
    Subscription,
    SubscriptionLimits,
    SubscriptionName,
    Subscriptions,
    SubscriptionSpec,
)
from services.store.outbox.claims import RetryPolicy
from services.store.outbox.deliveries import Deliveries
from services.store.outbox.delivery import STATE_PREFIX, Delivery, NewDelivery, OrderId, OrderIdKind, State
from services.store.outbox.outcomes import DeadOutcome, DeliveredOutcome, Outcome, RetryOutcome
from services.store.outbox.relay import UNLIMITED, Capacity, Relay, RelayConfig, SendFunction
from services.store.pagination import Page
from services.store.retention import Retention, RetentionPolicy
from services.store.settings import StoreSettings

__all__ = [
    "MAX_RESOURCE_RETENTION_DAYS",
    "STATE_PREFIX",
    "UNLIMITED",
    "AckId",
    "BegunSync",
    "Capacity",
    "CreationCommands",
    "DeadLetters",
    "DeadMessage",
    "DeadOutcome",
    "DeliveredOutcome",
    "Deliveries",
    "Delivery",
    "ErasureReport",
    "FullOrder",
    "FullOrderKey",
    "FullOrderKind",
    "FullOrders",
    "IdempotencyKeys",
    "IdempotentExecutor",
    "IdempotentRequest",
    "Inbox",
    "IncomingMessage",
    "Lease",
    "Message",
    "MessageDispatcher",
    "NewDelivery",
    "Notifier",
    "OrderId",
    "OrderIdKind",
    "Outcome",
    "Page",
    "ReceivedMessage",
    "Relay",
    "RelayConfig",
    "Retention",
    "RetentionPolicy",
    "RetryOutcome",
    "RetryPolicy",
    "SendFunction",
    "Started",
    "State",
    "Storage",
    "StorageConfig",
    "Store",
    "StoreLimits",
    "StoreResult",
    "StoreSettings",
    "StoredOrder",
    "Subscription",
    "SubscriptionLimits",
    "SubscriptionName",
    "SubscriptionSpec",
    "Subscriptions",
    "Succeeded",
    "SyncInFlight",
    "UnknownOutcome",
    "add_commands",
    "erase",
    "exclusive_lease",
    "migrate",
    "open_store",
    "parse_ack_ids",
    "require_full_order",
    "run_command",
    "single_process_lock",
    "storage_lifespan",
    "wait_for_event",
]
