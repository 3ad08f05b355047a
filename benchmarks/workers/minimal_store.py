"""The minimum in Python for callbacks and for EnqueueSync: it decodes each, and stores its row durably.

What arrives during one transaction shares the next one, as in the service. There are no limits, timeouts,
ordering keys, subscriptions, log or metrics. Arguments: `callbacks` or `enqueue`, and the URL of a store.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc.aio
import uvloop
from aiohttp import web
from nationalsite.ordersync import v1 as protos

from benchmarks.plain_inserts import PlainStore, plain_store
from services.adapter import is_push_signed
from services.order_sync.delivery_payloads import RPC_BY_FIELD
from services.order_sync.message_codec import parse_message
from services.store.outbox.delivery import NewDelivery
from tests.support.callbacks import SECRET
from tests.support.push_client import PATH

Store = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Returns when a row is stored."""


class _Batches:
    def __init__(self, store: PlainStore, table: str) -> None:
        self._store = store
        self._table = table
        self._waiting: list[tuple[Mapping[str, Any], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def add(self, row: Mapping[str, Any]) -> None:
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, stored))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await stored

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await asyncio.to_thread(self._store.insert_columns, self._table, [row for row, _ in batch])
            for _, stored in batch:
                stored.set_result(None)


async def serve_callbacks(store: Store) -> str:
    """Serve pushes; return the address."""

    async def receive(request: web.Request) -> web.Response:
        form = await request.post()
        message, signature = (str(form[name]).encode() for name in ("message", "_aop_signature"))
        if not is_push_signed(SECRET, message, signature):
            return web.Response(status=401)
        parsed = parse_message(message, _now_ms)
        await store(
            {
                "message_id": parsed.message_id,
                "topic": parsed.topic,
                "ordering_key": parsed.ordering_key,
                "event_time_ms": parsed.event_time_ms,
                "receive_time_ms": _now_ms(),
                "member_id": parsed.member_id,
                "raw": parsed.raw,
            }
        )
        return web.Response(text="SUCCESS")

    app = web.Application()
    app.router.add_post(PATH, receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return "{}:{}".format(*runner.addresses[0][:2])


async def serve_enqueue(store: Store) -> str:
    """Serve EnqueueSync; return the address."""

    async def enqueue(payload: bytes, _context: object) -> bytes:
        request = protos.EnqueueSyncRequest.FromString(payload)
        new = NewDelivery(
            caller="",
            request_id=request.request_id,
            content_hash=b"",
            rpc=RPC_BY_FIELD["relations"],
            payload=request.relations.SerializeToString(),
            ordering_key=request.relations.relations[0].national_order_id,
        )
        row = new.to_row(_now_ms())
        await store(row)
        delivery = protos.Delivery(delivery_id=row["delivery_id"], request_id=new.request_id)
        return protos.EnqueueSyncResponse(delivery=delivery).SerializeToString()

    server = grpc.aio.server()
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(enqueue)
    service = protos.ORDER_SYNC_SERVICE.full_name
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {"EnqueueSync": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    _servers.append(server)
    return f"127.0.0.1:{port}"


_servers: list[grpc.aio.Server] = []
"""A server ends when nothing refers to it."""


async def main(kind: str, url: str) -> None:
    """Serve until stopped."""
    serve, table = {"callbacks": (serve_callbacks, "messages"), "enqueue": (serve_enqueue, "deliveries")}[
        kind
    ]
    with plain_store(url) as store:
        print(await serve(_Batches(store, table).add), flush=True)
        await asyncio.Event().wait()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
