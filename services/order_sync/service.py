"""OrderSyncService: its settings, its handlers, and its composition root."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from nationalsite.ordersync import v1 as protos
from pydantic import Field, SecretStr

from services.adapter import AdapterSettings, OperationClient, operations_lifespan
from services.handler import Handler
from services.order_sync import message_codec
from services.order_sync.callback import callback_routes
from services.order_sync.deliveries import DeliveryHandlers
from services.order_sync.delivery_sender import INTERNAL_ERROR, DeliverySender
from services.order_sync.full_order_merger import FullOrderMerger
from services.order_sync.messages import MessageHandlers
from services.order_sync.replay import REPLAY_SERVICE, Replay
from services.order_sync.streaming import MessageStreams
from services.order_sync.sync_sender import ORDERING_KEYS, SyncSender
from services.server import (
    Address,
    Endpoint,
    ServerSettings,
    ServiceDefinition,
    ServiceRuntime,
    env_name,
    open_listener,
    replace_port,
    serve_http,
)
from services.store import (
    Deliveries,
    IncomingMessage,
    Storage,
    StoreSettings,
    single_process_lock,
    storage_lifespan,
)

DESCRIPTOR = protos.ORDER_SYNC_SERVICE

_log = structlog.get_logger()


class OrderSyncStoreSettings(ServerSettings, StoreSettings):
    """The settings of the commands `migrate` and `erase`."""

    listen: str = "0.0.0.0:50052"  # all interfaces: a container publishes the port
    http_listen: str = "0.0.0.0:9102"  # all interfaces: a container publishes the port
    database_url: SecretStr = SecretStr("sqlite+aiosqlite:///var/order_sync.db")


class OrderSyncSettings(OrderSyncStoreSettings, AdapterSettings):
    """The settings of OrderSyncService."""

    callback_listen: Address = "0.0.0.0:8052"  # all interfaces: a container publishes the port
    """host:port of the message callback, `POST /callbacks/1688`."""
    replay_interval_s: float = Field(300, ge=0, le=86_400, validation_alias="NATIONALSITE_REPLAY_SECONDS")
    """Interval of the replay, which fetches the messages that 1688 could not push; 0: never."""


def handlers(
    operations: OperationClient, storage: Storage, syncs: SyncSender, replay: Replay
) -> dict[str, Handler]:
    """Return the handlers of the RPCs that are not just one call of an operation."""
    handlers_by_rpc: dict[str, Handler] = {
        rpc: _guard_ordering(storage.deliveries, key, partial(syncs.send, rpc))
        for rpc, key in ORDERING_KEYS.items()
    }
    handlers_by_rpc |= DeliveryHandlers(storage.deliveries, syncs).handlers()
    handlers_by_rpc |= MessageHandlers(
        storage.dispatcher, storage.subscriptions, storage.dead_letters
    ).handlers()
    handlers_by_rpc["StreamMessages"] = MessageStreams(storage.dispatcher).stream_messages
    handlers_by_rpc["ReplayMessages"] = replay.replay_messages
    return handlers_by_rpc


def _guard_ordering(
    deliveries: Deliveries, key: Callable[[Any], str], send: Callable[[Any, float], Awaitable[bytes]]
) -> Handler:
    """Return a handler that sends a sync if no delivery with its default ordering key is pending."""

    async def handle(request: Any, deadline: float) -> bytes:
        await deliveries.ensure_none_pending(key(request))
        return await send(request, deadline)

    return handle


@asynccontextmanager
async def order_sync_lifespan(settings: OrderSyncSettings) -> AsyncIterator[ServiceRuntime]:
    """Open the store, the gateway client, relay, replay and callback; close them in reverse order."""
    async with AsyncExitStack() as stack:
        url = settings.database_url.get_secret_value()
        await stack.enter_async_context(single_process_lock(url))
        storage = await stack.enter_async_context(storage_lifespan(url))
        non_idempotent = () if settings.retry_syncs else ORDERING_KEYS.keys()
        operations = await stack.enter_async_context(
            operations_lifespan(
                DESCRIPTOR, settings, internal=[REPLAY_SERVICE], non_idempotent=non_idempotent
            )
        )
        full_orders = FullOrderMerger(
            storage.full_orders,
            orders=operations["SyncOrderStatus"].local,
            logistics_orders=operations["SyncLogisticsStatus"].local,
        )
        syncs = SyncSender(operations, full_orders)
        parse_message = partial(message_codec.parse_message, now_ms=storage.store.clock)
        replay = Replay(operations, storage.inbox, storage.store, parse_message)
        await stack.enter_async_context(
            storage.build_relay(
                DeliverySender(syncs, retry_unknown=settings.retry_syncs), INTERNAL_ERROR
            ).lifespan()
        )
        if settings.replay_interval_s:
            await stack.enter_async_context(_background_task(replay.run(settings.replay_interval_s)))
        await stack.enter_async_context(_callback_server(settings, storage, parse_message))
        endpoints = operations.build_endpoints(
            partial(Endpoint, idempotency_guard=storage.idempotent_executor.execute),
            handlers(operations, storage, syncs, replay),
            local_fields=("request_id",),
        )
        # A delivery stores the request id itself.
        endpoints["EnqueueSync"] = replace(endpoints["EnqueueSync"], handles_idempotency=True)
        yield ServiceRuntime(endpoints, is_ready=storage.store.is_healthy)


@asynccontextmanager
async def _callback_server(
    settings: OrderSyncSettings, storage: Storage, parse_message: Callable[[bytes], IncomingMessage]
) -> AsyncIterator[None]:
    listener = open_listener(env_name(OrderSyncSettings, "callback_listen"), settings.callback_listen)
    secret = settings.app_secret.get_secret_value().encode()
    async with serve_http(callback_routes(secret, parse_message, storage.inbox.store), listener):
        _log.info(
            "callback_listening", listen=replace_port(settings.callback_listen, listener.getsockname()[1])
        )
        yield


@asynccontextmanager
async def _background_task(work: Any) -> AsyncIterator[None]:
    """Run a coroutine in the background while the context is open."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


ORDER_SYNC = ServiceDefinition(
    descriptor=DESCRIPTOR, settings=OrderSyncSettings, lifespan=order_sync_lifespan
)
