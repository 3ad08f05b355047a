"""A server whose StreamMessages a test implements."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import ORDER_SYNC_SERVICE


@asynccontextmanager
async def connect(
    stream_messages: Callable[[Any, Any], AsyncIterator[Any] | Awaitable[None]],
) -> AsyncIterator[grpc.aio.Channel]:
    """Start the server, and yield a channel to it."""
    server = grpc.aio.server()
    handler = grpc.stream_stream_rpc_method_handler(
        stream_messages,
        protos.StreamMessagesRequest.FromString,
        protos.StreamMessagesResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(ORDER_SYNC_SERVICE.full_name, {"StreamMessages": handler})]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(grace=None)
