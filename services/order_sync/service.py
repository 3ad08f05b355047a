"""OrderSyncService: its settings, its handlers, and its composition root."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from nationalsite.ordersync import v1 as protos
from pydantic import Field, SecretStr

from services.adapter import (
    AdapterSettings,
    Dialect,
    DroppedFieldFinder,
    OperationClient,
    operations_lifespan,
)
from services.background_tasks import background_tasks
from services.handler import DialectReport, DialectReporter, Handler
from services.order_sync import message_codec
from services.order_sync.callback import callback_handler
from services.order_sync.deliveries import DeliveryHandlers
from services.order_sync.delivery_payloads import RPC_BY_FIELD
from services.order_sync.delivery_sender import INTERNAL_ERROR, DeliverySender
from services.order_sync.full_order_syncs import FullOrderSyncs
from services.order_sync.messages import MessageHandlers
from services.order_sync.purchase_orders import PurchaseOrderHandlers
from services.order_sync.purchase_search import PurchaseSearch, build_found_response
from services.order_sync.purchases import CREATE, PurchaseHandlers
from services.order_sync.refund_lists import RefundListHandlers
from services.order_sync.rejections import call_with_rejection
from services.order_sync.replay import REPLAY_SERVICE, Replay
from services.order_sync.streaming import MessageStreams
from services.order_sync.sync_sender import ORDERING_KEYS, SyncSender
from services.order_sync.vouchers import upload_refund_voucher
from services.server import (
    Address,
    Creation,
    Endpoint,
    HttpLimits,
    ServerSettings,
    ServiceDefinition,
    ServiceRuntime,
    env_name,
    open_listener,
    replace_port,
    serve_http,
)
from services.store import (
    MAX_RESOURCE_RETENTION_DAYS,
    CreationCommands,
    Deliveries,
    IncomingMessage,
    RelayConfig,
    RetentionPolicy,
    Storage,
    StorageConfig,
    StoreSettings,
    single_process_lock,
    storage_lifespan,
)

DESCRIPTOR = protos.ORDER_SYNC_SERVICE

MAX_RELAY_CALLS = 64
"""Deliveries that a replica sends at the same time. More do not make it faster: its CPU is the limit."""
RELAY_DIVISOR = 4
"""The relay makes at most this fraction of the calls in flight."""

_DAY_S = 86_400.0
_IDENTITY_MARGIN_DAYS = 30
"""How much longer than `message_max_age_days` identities of messages are retained, for clocks that differ."""

_log = structlog.get_logger()


class OrderSyncStoreSettings(ServerSettings, StoreSettings):
    """The settings of the commands `migrate`, `erase` and `creations`."""

    listen: str = "0.0.0.0:50052"  # all interfaces: a container publishes the port
    http_listen: str = "0.0.0.0:9102"  # all interfaces: a container publishes the port
    database_url: SecretStr = SecretStr("sqlite+aiosqlite:///var/order_sync.db")
    creation_retention_days: int = Field(90, ge=1, le=MAX_RESOURCE_RETENTION_DAYS)
    """How long the request ids and out_order_ids of CreatePurchaseOrders stay used."""

    @property
    def creation_retention_s(self) -> float:
        """`creation_retention_days` in seconds."""
        return self.creation_retention_days * _DAY_S


class OrderSyncSettings(OrderSyncStoreSettings, AdapterSettings):
    """The settings of OrderSyncService."""

    callback_listen: Address = "0.0.0.0:8052"  # all interfaces: a container publishes the port
    """host:port of the message callback, `POST /callbacks/1688`."""
    callback_max_connections_per_address: int = Field(0, ge=0)
    """Connections of one client to the callback; 0: no limit. Behind a proxy, clients have its address."""
    message_max_age_days: int = Field(120, ge=100, le=3650)
    """Older messages are not accepted by the callback, so that nobody can push recorded ones again. Longer
    than the three months for which 1688 keeps a message. Identities of messages are retained for longer."""
    replay_interval_s: float = Field(300, ge=0, le=86_400, validation_alias="NATIONALSITE_REPLAY_SECONDS")
    """Interval of the replay, which fetches the messages that 1688 could not push; 0: never."""


def build_creation_commands(settings: OrderSyncStoreSettings) -> CreationCommands:
    """Return what the command `creations` needs to know of CreatePurchaseOrders."""
    return CreationCommands(
        f"{DESCRIPTOR.full_name}/{CREATE}", build_found_response, settings.creation_retention_s
    )


def handlers(
    operations: OperationClient,
    storage: Storage,
    syncs: SyncSender,
    replay: Replay,
    purchase_search: PurchaseSearch,
) -> dict[str, Handler]:
    """Return the handlers of the RPCs that do more than call one operation."""
    handlers_by_rpc: dict[str, Handler] = {
        rpc: _guard_ordering(storage.deliveries, key, partial(syncs.send, rpc))
        for rpc, key in ORDERING_KEYS.items()
    }
    handlers_by_rpc |= DeliveryHandlers(storage.deliveries, syncs).handlers()
    handlers_by_rpc |= MessageHandlers(
        storage.dispatcher, storage.subscriptions, storage.dead_letters
    ).handlers()
    handlers_by_rpc["StreamMessages"] = MessageStreams(storage).stream_messages
    handlers_by_rpc["ReplayMessages"] = replay.replay_messages
    handlers_by_rpc["UploadRefundVoucher"] = partial(upload_refund_voucher, operations)
    handlers_by_rpc |= {
        method.name: partial(call_with_rejection, operations, method)
        for method in DESCRIPTOR.methods
        if operations[method.name].may_be_partial
    }
    handlers_by_rpc |= PurchaseHandlers(operations, purchase_search, storage.store.clock).handlers()
    handlers_by_rpc |= PurchaseOrderHandlers(operations).handlers()
    handlers_by_rpc |= RefundListHandlers(operations).handlers()
    return handlers_by_rpc


def _guard_ordering(
    deliveries: Deliveries, key: Callable[[Any], str], send: Callable[[Any, float], Awaitable[bytes]]
) -> Handler:
    """Return a handler that sends a sync. It raises DeliveryPending if a delivery with its key is pending.

    The key is the one that EnqueueSync uses if its caller gives none.
    """

    async def handle(request: Any, deadline: float) -> bytes:
        await deliveries.ensure_none_pending(key(request))
        return await send(request, deadline)

    return handle


def _storage_config(settings: OrderSyncSettings) -> StorageConfig:
    """Return the configuration of the store. The relay leaves most calls of 1688 to callers."""
    max_in_flight = min(MAX_RELAY_CALLS, max(1, settings.max_upstream_calls // RELAY_DIVISOR))
    return StorageConfig(
        relay=RelayConfig(max_in_flight=max_in_flight),
        retention=RetentionPolicy(
            message_identities_s=(settings.message_max_age_days + _IDENTITY_MARGIN_DAYS) * _DAY_S,
            resource_ids_s=settings.creation_retention_s,
        ),
    )


@asynccontextmanager
async def order_sync_lifespan(settings: OrderSyncSettings) -> AsyncIterator[ServiceRuntime]:
    """Open the store, the gateway client, relay, replay and callback; close them in reverse order."""
    async with AsyncExitStack() as stack:
        url = settings.database_url.get_secret_value()
        await stack.enter_async_context(single_process_lock(url))
        storage = await stack.enter_async_context(storage_lifespan(url, _storage_config(settings)))
        non_idempotent = () if settings.retry_syncs else ORDERING_KEYS.keys()
        operations = await stack.enter_async_context(
            operations_lifespan(
                DESCRIPTOR, settings, internal=[REPLAY_SERVICE], non_idempotent=non_idempotent
            )
        )
        full_orders = FullOrderSyncs(storage.full_orders, storage.notifier)
        # At a shutdown, syncs in flight and calls with a request id are finished before the gateway client
        # is closed.
        stack.push_async_callback(full_orders.close)
        stack.push_async_callback(storage.idempotent_executor.close)
        syncs = SyncSender(operations, full_orders)
        parse_message = partial(message_codec.parse_message, now_ms=storage.store.clock)
        replay = Replay(operations, storage.inbox, storage.store, parse_message)
        await stack.enter_async_context(
            storage.build_relay(
                DeliverySender(syncs, retry_unknown=settings.retry_syncs),
                {rpc: partial(syncs.get_capacity, rpc) for rpc in ORDERING_KEYS},
                INTERNAL_ERROR,
            ).lifespan()
        )
        if settings.replay_interval_s:
            await stack.enter_async_context(background_tasks(replay.run(settings.replay_interval_s)))
        await stack.enter_async_context(_callback_server(settings, storage, parse_message))
        purchase_search = PurchaseSearch(operations)
        endpoints = operations.build_endpoints(
            partial(Endpoint, idempotency_guard=storage.idempotent_executor.execute),
            handlers(operations, storage, syncs, replay, purchase_search),
            local_fields=("request_id",),
        )
        endpoints["EnqueueSync"] = replace(
            endpoints["EnqueueSync"],
            report_dialect=_enqueue_reporter(operations),
            # The stored delivery has the request id: a retry is recognized without an idempotency guard.
            handles_idempotency=True,
        )
        endpoints[CREATE] = replace(
            endpoints[CREATE], creation=Creation("out_order_id", purchase_search.search)
        )
        yield ServiceRuntime(endpoints, is_ready=storage.store.is_healthy)


def _enqueue_reporter(operations: OperationClient) -> DialectReporter:
    """Return the reporter of EnqueueSync: the dialect is that of the RPC that will send the sync."""
    request_type = protos.EnqueueSyncRequest.DESCRIPTOR
    finders = {dialect: DroppedFieldFinder(request_type, dialect) for dialect in Dialect}

    def report(request: protos.EnqueueSyncRequest) -> DialectReport:
        dialect = operations[RPC_BY_FIELD[request.WhichOneof("sync") or ""]].dialect
        return DialectReport(dialect, finders[dialect](request))

    return report


@asynccontextmanager
async def _callback_server(
    settings: OrderSyncSettings, storage: Storage, parse_message: Callable[[bytes], IncomingMessage]
) -> AsyncIterator[None]:
    listener = open_listener(env_name(OrderSyncSettings, "callback_listen"), settings.callback_listen)
    secret = settings.app_secret.get_secret_value().encode()
    limits = HttpLimits(max_connections_per_address=settings.callback_max_connections_per_address)
    max_age_ms = round(settings.message_max_age_days * _DAY_S * 1000)
    handle = callback_handler(
        secret, parse_message, storage.inbox.store, lambda: storage.store.clock() - max_age_ms
    )
    async with serve_http(handle, listener, limits):
        _log.info(
            "callback_listening", listen=replace_port(settings.callback_listen, listener.getsockname()[1])
        )
        yield


ORDER_SYNC = ServiceDefinition(
    descriptor=DESCRIPTOR,
    settings=OrderSyncSettings,
    lifespan=order_sync_lifespan,
    describe=lambda settings: {"store": settings.describe_store(), **settings.describe()},
)
