"""Opens a store and builds everything that works on it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field

import structlog

from services.background_tasks import background_tasks
from services.errors import StoreUnavailable
from services.store.backlog_metrics import BacklogMetrics
from services.store.coordination.notifier import Notifier
from services.store.database.engine import StoreLimits
from services.store.database.opening import open_store
from services.store.database.store import Clock, Store
from services.store.full_orders import FullOrders
from services.store.idempotency.executor import IdempotentExecutor
from services.store.idempotency.keys import IdempotencyKeys
from services.store.inbox.dead_letters import DeadLetters
from services.store.inbox.dispatcher import MessageDispatcher
from services.store.inbox.inbox import Inbox
from services.store.inbox.subscriptions import SubscriptionLimits, Subscriptions
from services.store.outbox.deliveries import Deliveries
from services.store.outbox.relay import Capacity, Relay, RelayConfig, SendFunction
from services.store.retention import Retention, RetentionPolicy

MAX_METRICS_SHARE = 0.01
"""Of the time, in which the backlog is counted for the metrics."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageConfig:
    """The limits, timeouts and intervals of a storage."""

    store: StoreLimits = field(default_factory=StoreLimits)
    subscriptions: SubscriptionLimits = field(default_factory=SubscriptionLimits)
    relay: RelayConfig = field(default_factory=RelayConfig)
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    backlog_metrics_interval_s: float = 15.0
    """Longer with a large backlog, because each update counts all of it: see `MAX_METRICS_SHARE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """A store, and everything that works on it."""

    store: Store
    notifier: Notifier
    config: StorageConfig
    inbox: Inbox
    subscriptions: Subscriptions
    dispatcher: MessageDispatcher
    dead_letters: DeadLetters
    deliveries: Deliveries
    idempotency_keys: IdempotencyKeys
    idempotent_executor: IdempotentExecutor
    full_orders: FullOrders
    retention: Retention
    backlog_metrics: BacklogMetrics

    def build_relay(
        self,
        send: SendFunction,
        capacities: Mapping[str, Callable[[], Capacity]],
        internal_error: bytes = b"",
    ) -> Relay:
        """Return a relay for a send function. It runs while `relay.lifespan()` is open."""
        return Relay(self.store, self.notifier, send, capacities, internal_error, self.config.relay)


@asynccontextmanager
async def storage_lifespan(
    url: str, config: StorageConfig | None = None, clock: Clock | None = None
) -> AsyncIterator[Storage]:
    """Open the storage at a URL. Retention and backlog metrics run in the background.

    Close `idempotent_executor` earlier: its calls use more than the storage.
    Raises StartupError.
    """
    config = config or StorageConfig()
    async with open_store(url, config.store, clock) as store, _notifier_lifespan(store) as notifier:
        subscriptions = Subscriptions(store, notifier, config.subscriptions)
        idempotency_keys = IdempotencyKeys(
            store, config.retention.idempotency_keys_s, config.retention.resource_ids_s
        )
        storage = Storage(
            store=store,
            notifier=notifier,
            config=config,
            inbox=Inbox(store, notifier),
            subscriptions=subscriptions,
            dispatcher=MessageDispatcher(store, notifier, subscriptions),
            dead_letters=DeadLetters(store, notifier, subscriptions),
            deliveries=Deliveries(store, notifier),
            idempotency_keys=idempotency_keys,
            idempotent_executor=IdempotentExecutor(idempotency_keys),
            full_orders=FullOrders(store, notifier),
            retention=Retention(store, config.retention),
            backlog_metrics=BacklogMetrics(
                store, idempotency_keys, config.subscriptions.max_delivery_attempts
            ),
        )
        retention = run_periodically("retention", storage.retention.sweep, config.retention.sweep_interval_s)
        backlog_metrics = run_periodically(
            "backlog_metrics",
            storage.backlog_metrics.update,
            config.backlog_metrics_interval_s,
            max_share=MAX_METRICS_SHARE,
        )
        try:
            async with background_tasks(retention, backlog_metrics):
                yield storage
        finally:
            await storage.inbox.close()
            await storage.deliveries.close()
            await storage.dispatcher.close()


def _notifier_lifespan(store: Store) -> AbstractAsyncContextManager[Notifier]:
    """Return the context of a store's notifier. With SQLite, notifications stay in this process."""
    if not store.is_postgresql:
        return nullcontext(Notifier())
    from services.store.coordination.pg_notify import notifier_lifespan  # noqa: PLC0415 # psycopg

    return notifier_lifespan(store)


async def run_periodically(
    name: str, run: Callable[[], Awaitable[object]], interval_s: float, *, max_share: float = 1.0
) -> None:
    """Run a background task every `interval_s` until cancelled, or less often: see `get_pause_s`.

    The shorter one of the last two runs counts. A single run can be slow for another reason than
    the size of the backlog: the first one after the start, or one that waited for a server that hangs.
    """
    clock = asyncio.get_running_loop().time
    duration_s = 0.0
    while True:
        previous_duration_s, duration_s = duration_s, 0.0
        started = clock()
        try:
            await run()
            duration_s = clock() - started
        except StoreUnavailable:
            _log.info("background_task_skipped", task=name)
        except Exception as error:
            _log.exception("background_task_failed", task=name, exc_info=error)  # a bug must not end the loop
        await asyncio.sleep(get_pause_s(min(previous_duration_s, duration_s), interval_s, max_share))


def get_pause_s(duration_s: float, interval_s: float, max_share: float) -> float:
    """Return how long to wait after a run, so that all runs take at most `max_share` of the time."""
    return max(interval_s, duration_s * (1 / max_share - 1))
