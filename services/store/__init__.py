"""Durable state in SQL: messages in, deliveries out, idempotency keys, the last full orders.

Must not import gRPC, protos, HTTP clients, or the packages that use it. `storage_lifespan` opens everything
on one database, and `migrate` brings its schema up to date. Every call raises StoreUnavailable if the
database cannot be used; it is then safe to call again.
"""

from services.store.bootstrap import Storage, StorageConfig, storage_lifespan
from services.store.cli import run_command
from services.store.coordination.leases import Lease, exclusive_lease
from services.store.coordination.process_lock import single_process_lock
from services.store.database.engine import StoreLimits
from services.store.database.schema_migrations import migrate
from services.store.database.store import Store, open_store
from services.store.erasure import ErasureReport, erase
from services.store.full_orders import FullOrder, FullOrderKind, FullOrders
from services.store.idempotency.executor import IdempotentExecutor
from services.store.idempotency.keys import (
    IdempotencyKeys,
    IdempotentRequest,
    Started,
    Succeeded,
    UnknownOutcome,
)
from services.store.inbox.dead_letters import DeadLetters
from services.store.inbox.dispatcher import MessageDispatcher
from services.store.inbox.inbox import Inbox, IncomingMessage, StoreResult
from services.store.inbox.message import Message
from services.store.inbox.subscriptions import (
    Subscription,
    SubscriptionLimits,
    SubscriptionName,
    Subscriptions,
)
from services.store.outbox.claims import RetryPolicy
from services.store.outbox.deliveries import Deliveries, Delivery, NewDelivery, State
from services.store.outbox.outcomes import DeadOutcome, DeliveredOutcome, Outcome, RetryOutcome
from services.store.outbox.relay import Relay, RelayConfig, SendFunction
from services.store.pagination import Page
from services.store.retention import Retention, RetentionPolicy
from services.store.settings import StoreSettings

__all__ = [
    "DeadLetters",
    "DeadOutcome",
    "DeliveredOutcome",
    "Deliveries",
    "Delivery",
    "ErasureReport",
    "FullOrder",
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
    "Outcome",
    "Page",
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
    "Subscription",
    "SubscriptionLimits",
    "SubscriptionName",
    "Subscriptions",
    "Succeeded",
    "UnknownOutcome",
    "erase",
    "exclusive_lease",
    "migrate",
    "open_store",
    "run_command",
    "single_process_lock",
    "storage_lifespan",
]
