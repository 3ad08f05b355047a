"""Durable state on SQL: messages in, deliveries out, request ids, the last full orders.

Must not import gRPC, protos, or anything of 1688. `storage_lifespan` opens everything on one store; `migrate`
brings a store's schema up to date. Every call raises StoreUnavailable when the store cannot be used.
The caller may then call again.
"""

from services.store.backlog_metrics import BacklogMetricsLimits
from services.store.bootstrap import Storage, StorageConfig, storage_lifespan
from services.store.cli import run_command
from services.store.database.engine import StoreLimits
from services.store.database.process_lock import single_process_lock
from services.store.database.schema_migrations import migrate
from services.store.erasure import ErasureReport, erase
from services.store.full_orders import FullOrder, FullOrders, Kind
from services.store.idempotency.idempotency_keys import (
    Finished,
    IdempotencyKeys,
    RequestedCall,
    Started,
    UnknownOutcome,
)
from services.store.idempotency.idempotent_executor import IdempotentExecutor
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
from services.store.leases import Lease, exclusive_lease
from services.store.outbox.claims import RetryPolicy
from services.store.outbox.deliveries import Deliveries, Delivery, NewDelivery, State
from services.store.outbox.outcomes import Dead, Delivered, Outcome, Retry
from services.store.outbox.relay import Relay, RelayLimits, Send
from services.store.pagination import Page
from services.store.retention import Retention, RetentionPolicy, SweepLimits
from services.store.settings import StoreSettings
from services.store.store import Store, open_store

__all__ = [
    "BacklogMetricsLimits",
    "Dead",
    "DeadLetters",
    "Delivered",
    "Deliveries",
    "Delivery",
    "ErasureReport",
    "Finished",
    "FullOrder",
    "FullOrders",
    "IdempotencyKeys",
    "IdempotentExecutor",
    "Inbox",
    "IncomingMessage",
    "Kind",
    "Lease",
    "Message",
    "MessageDispatcher",
    "NewDelivery",
    "Outcome",
    "Page",
    "Relay",
    "RelayLimits",
    "RequestedCall",
    "Retention",
    "RetentionPolicy",
    "Retry",
    "RetryPolicy",
    "Send",
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
    "SweepLimits",
    "UnknownOutcome",
    "erase",
    "exclusive_lease",
    "migrate",
    "open_store",
    "run_command",
    "single_process_lock",
    "storage_lifespan",
]
