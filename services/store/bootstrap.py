"""Everything that a service needs of this room, opened on one store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from services.store.backlog_metrics import BacklogMetrics, BacklogMetricsLimits
from services.store.clock import Clock, system_clock
from services.store.database.engine import StoreLimits
from services.store.full_orders import FullOrders
from services.store.idempotency.idempotency_keys import IdempotencyKeys
from services.store.idempotency.idempotent_executor import IdempotentExecutor
from services.store.inbox.dead_letters import DeadLetters
from services.store.inbox.dispatcher import MessageDispatcher
from services.store.inbox.inbox import Inbox
from services.store.inbox.subscriptions import SubscriptionLimits, Subscriptions
from services.store.notifier import Notifier
from services.store.outbox.deliveries import Deliveries
from services.store.outbox.relay import Relay, RelayLimits, Send
from services.store.pg_notify import notifier_lifespan
from services.store.retention import Retention, RetentionPolicy, SweepLimits
from services.store.store import Store, open_store


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageConfig:
    """Every limit and time of the room."""

    store: StoreLimits = field(default_factory=StoreLimits)
    subscriptions: SubscriptionLimits = field(default_factory=SubscriptionLimits)
    relay: RelayLimits = field(default_factory=RelayLimits)
    keep: RetentionPolicy = field(default_factory=RetentionPolicy)
    sweep: SweepLimits = field(default_factory=SweepLimits)
    depth: BacklogMetricsLimits = field(default_factory=BacklogMetricsLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The parts, on one store."""

    store: Store
    wakeups: Notifier
    limits: StorageConfig
    inbox: Inbox
    subscriptions: Subscriptions
    handout: MessageDispatcher
    dead_letters: DeadLetters
    deliveries: Deliveries
    request_ids: IdempotencyKeys
    once: IdempotentExecutor
    full_orders: FullOrders
    retention: Retention
    depth: BacklogMetrics

    def relay(self, send: Send, fault: bytes = b"") -> Relay:
        """Return a relay that sends with `send`; `async with relay.running()` lets it work."""
        return Relay(self.store, self.wakeups, send, fault, self.limits.relay)


@asynccontextmanager
async def storage_lifespan(
    url: str, limits: StorageConfig | None = None, clock: Clock = system_clock
) -> AsyncIterator[Storage]:
    """Open the store at a URL with its parts, retention sweep and backlog metrics. Raises StartupError."""
    limits = limits or StorageConfig()
    async with open_store(url, limits.store, clock) as store, notifier_lifespan(store) as wakeups:
        subscriptions = Subscriptions(store, wakeups, limits.subscriptions)
        request_ids = IdempotencyKeys(store, limits.keep.request_ids_s)
        room = Storage(
            store=store,
            wakeups=wakeups,
            limits=limits,
            inbox=Inbox(store, wakeups),
            subscriptions=subscriptions,
            handout=MessageDispatcher(store, wakeups, subscriptions),
            dead_letters=DeadLetters(store, wakeups, subscriptions),
            deliveries=Deliveries(store, wakeups),
            request_ids=request_ids,
            once=IdempotentExecutor(request_ids),
            full_orders=FullOrders(store),
            retention=Retention(store, limits.keep, limits.sweep),
            depth=BacklogMetrics(store, limits.subscriptions.most_deliveries, limits.depth),
        )
        background = [
            asyncio.create_task(work)
            for work in (room.retention.sweep_for_ever(), room.depth.look_for_ever())
        ]
        try:
            yield room
        finally:
            for task in background:
                task.cancel()
            await asyncio.wait(background)
            await room.inbox.close()
            await room.once.close()
            await room.handout.close()
