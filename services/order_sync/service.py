"""What is special to OrderSyncService: how its parts stand together."""

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
from services.order_sync.delivery_sender import FAULT, DeliverySender
from services.order_sync.full_order_merger import FullOrderMerger
from services.order_sync.messages import MessageHandlers
from services.order_sync.replay import SERVICE as REPLAY
from services.order_sync.replay import Replay
from services.order_sync.streaming import MessageStreams
from services.order_sync.sync_sender import ORDERING_KEYS, SyncSender
from services.server import (
    Address,
    Endpoint,
    ServerSettings,
    ServiceDefinition,
    ServiceRuntime,
    env_name,
    listening_socket,
    serve_http,
    with_port,
)
from services.store import Deliveries, Storage, StoreSettings, single_process_lock, storage_lifespan

DESCRIPTOR = protos.ORDER_SYNC_SERVICE

_log = structlog.get_logger()


class OrderSyncStore(ServerSettings, StoreSettings):
    """What the commands on the store need to know."""

    listen: str = "0.0.0.0:50052"  # a container's port is reached from outside
    http_listen: str = "0.0.0.0:9102"  # likewise
    database_url: SecretStr = SecretStr("sqlite+aiosqlite:///var/order_sync.db")


class OrderSyncSettings(OrderSyncStore, AdapterSettings):
    """The settings of OrderSyncService."""

    callback_listen: Address = "0.0.0.0:8052"  # 1688 comes from outside
    """host:port of the message callback, `POST /callbacks/1688`."""
    replay_s: float = Field(300, ge=0, le=86_400, validation_alias="NATIONALSITE_REPLAY_SECONDS")
    """Every so often 1688 is asked for the messages that it could not push; 0: never."""


def handlers(
    operations: OperationClient, room: Storage, syncs: SyncSender, replay: Replay
) -> dict[str, Handler]:
    """Return what answers the RPCs that are more than their operation."""
    own: dict[str, Handler] = {
        rpc: _not_overtaking(room.deliveries, key, partial(syncs.send, rpc))
        for rpc, key in ORDERING_KEYS.items()
    }
    own |= DeliveryHandlers(room.deliveries, syncs).functions()
    own |= MessageHandlers(room.handout, room.subscriptions, room.dead_letters).functions()
    own["StreamMessages"] = MessageStreams(room.handout).stream_messages
    own["ReplayMessages"] = replay.replay_messages
    return own


def _not_overtaking(
    deliveries: Deliveries, key: Callable[[Any], str], send: Callable[[Any, float], Awaitable[bytes]]
) -> Handler:
    """Return what sends a sync, unless a delivery that is to go before it is pending."""

    async def answered(request: Any, deadline: float) -> bytes:
        await deliveries.refuse_pending(key(request))
        return await send(request, deadline)

    return answered


@asynccontextmanager
async def open_order_sync(settings: OrderSyncSettings) -> AsyncIterator[ServiceRuntime]:
    """Open store, conversation with 1688, relay, sweep and callback; close them in the opposite order."""
    async with AsyncExitStack() as stack:
        url = settings.database_url.get_secret_value()
        await stack.enter_async_context(single_process_lock(url))
        room = await stack.enter_async_context(storage_lifespan(url))
        once = () if settings.repeat_syncs else ORDERING_KEYS.keys()
        operations = await stack.enter_async_context(
            operations_lifespan(DESCRIPTOR, settings, unserved=[REPLAY], once=once)
        )
        full_syncs = FullOrderMerger(
            room.full_orders,
            orders=operations["SyncOrderStatus"].local,
            logistics_orders=operations["SyncLogisticsStatus"].local,
        )
        syncs = SyncSender(operations, full_syncs)
        read = partial(message_codec.parse_message, now_ms=room.store.clock)
        replay = Replay(operations, room.inbox, room.store, read)
        await stack.enter_async_context(
            room.relay(DeliverySender(syncs, repeat=settings.repeat_syncs), FAULT).running()
        )
        if settings.replay_s:
            await stack.enter_async_context(_running(replay.sweep_for_ever(settings.replay_s)))
        await stack.enter_async_context(_callback(settings, room, read))
        bindings = operations.bindings(
            partial(Endpoint, remember=room.once.remember), handlers(operations, room, syncs, replay)
        )
        # A delivery is found again by its request id, for as long as it is kept.
        bindings["EnqueueSync"] = replace(bindings["EnqueueSync"], takes_request_ids=True)
        yield ServiceRuntime(bindings, ready=room.store.healthy)


@asynccontextmanager
async def _callback(
    settings: OrderSyncSettings, room: Storage, read: Callable[[bytes], Any]
) -> AsyncIterator[None]:
    listener = listening_socket(env_name(OrderSyncSettings, "callback_listen"), settings.callback_listen)
    secret = settings.app_secret.get_secret_value().encode()
    async with serve_http(callback_routes(secret, read, room.inbox.store), listener):
        _log.info("callback_listening", listen=with_port(settings.callback_listen, listener.getsockname()[1]))
        yield


@asynccontextmanager
async def _running(work: Any) -> AsyncIterator[None]:
    """Run a coroutine in the background while the context is open."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


ORDER_SYNC = ServiceDefinition(descriptor=DESCRIPTOR, settings=OrderSyncSettings, open=open_order_sync)
