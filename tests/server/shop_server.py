"""A service with methods of every kind, unary and streaming. Its proto is compiled when the tests run."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message_factory import GetMessageClass
from grpc_tools import protoc

from services.errors import ErrorOrigin
from services.handler import Handler
from services.server import Endpoint, ServerSettings, ServiceDefinition, ServiceRuntime, serve
from services.server.server import BoundAddresses
from services.validation import buf_validate

CALL_EVENTS = frozenset(("access", "serving", "audit", "call", "draining", "stopped"))
"""All log events of a server that has handled calls and logged nothing unexpected."""
PROTO = """
syntax = "proto3";
package shop.v1;
import "buf/validate/validate.proto";
service Shop {
  rpc Ask(Line) returns (Line) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc Buy(Line) returns (Line);
  rpc List(Line) returns (stream Line);
  rpc Collect(stream Line) returns (Line);
  rpc Chat(stream Line) returns (stream Line);
}
message Line {
  string sku = 1 [(buf.validate.field).string.max_len = 8];
  bytes weight = 2;
  string order_id = 3;
  repeated int64 buyer_ids = 4 [debug_redact = true];
  repeated Line lines = 5;
}
"""
IMAGE = Path(__file__).parents[2] / "gen" / "descriptors" / "nationalsite.binpb"


def _compile() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "shop.proto"), Path(folder, "shop.binpb")
        source.write_text(PROTO)
        options = [f"--proto_path={folder}", f"--descriptor_set_in={IMAGE}", f"--descriptor_set_out={out}"]
        assert protoc.main(["protoc", *options, source.name]) == 0
        (file,) = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
    assert buf_validate.DESCRIPTOR.name in file.dependency  # the pool needs it
    descriptor_pool.Default().Add(file)
    return descriptor_pool.Default().FindServiceByName("shop.v1.Shop")


SHOP = _compile()
Line: Any = GetMessageClass(SHOP.methods_by_name["Ask"].input_type)


class Settings(ServerSettings):
    listen: str = "127.0.0.1:0"
    http_listen: str = "127.0.0.1:0"
    grace_s: float = 5


async def accept(_request: Any, _deadline: float) -> bytes:
    """Respond with an empty message."""
    return b""


def serialized_line(sku: str) -> bytes:
    return bytes(Line(sku=sku).SerializeToString())


class ShopClient:
    """Calls any method of the shop by its name."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel

    def __getattr__(self, rpc: str) -> Any:
        method = SHOP.methods_by_name[rpc]
        arity = (
            f"{'stream' if method.client_streaming else 'unary'}_"
            f"{'stream' if method.server_streaming else 'unary'}"
        )
        return getattr(self.channel, arity)(
            f"/{SHOP.full_name}/{rpc}",
            request_serializer=Line.SerializeToString,
            response_deserializer=Line.FromString,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningShop:
    client: ShopClient
    addresses: BoundAddresses
    stop: asyncio.Event
    """Set it to start the shutdown. The client stays connected."""
    stopped: asyncio.Event
    """Set when the server has stopped."""


def connect(target: str, credentials: grpc.ChannelCredentials | None) -> grpc.aio.Channel:
    """Return a channel that shares no connection with other channels."""
    options = (("grpc.use_local_subchannel_pool", 1),)
    if credentials:
        return grpc.aio.secure_channel(target, credentials, options)
    return grpc.aio.insecure_channel(target, options)


async def _unexpected(_request: Any, _deadline: float) -> bytes:
    raise AssertionError("no handler for this method")


@asynccontextmanager
async def running_shop(
    handlers: Mapping[str, Handler],
    on_close: Callable[[], None] = lambda: None,
    credentials: grpc.ChannelCredentials | None = None,
    **settings: Any,
) -> AsyncIterator[RunningShop]:
    """Run a shop with these handlers. `on_close` is called when its runtime is closed.

    With credentials the client uses TLS.
    """

    @asynccontextmanager
    async def lifespan(_: Settings) -> AsyncIterator[ServiceRuntime]:
        all_handlers = dict.fromkeys(SHOP.methods_by_name, _unexpected) | dict(handlers)
        yield ServiceRuntime(
            {rpc: Endpoint(handler=handler, origin=ErrorOrigin(rpc)) for rpc, handler in all_handlers.items()}
        )
        on_close()

    service = ServiceDefinition(descriptor=SHOP, settings=Settings, lifespan=lifespan)
    started: asyncio.Future[BoundAddresses] = asyncio.get_running_loop().create_future()
    stop, stopped = asyncio.Event(), asyncio.Event()

    async def run_server() -> None:
        async with serve(service, Settings(**settings)) as addresses:
            started.set_result(addresses)
            await stop.wait()
        stopped.set()

    server = asyncio.create_task(run_server())
    futures: set[asyncio.Future[Any]] = {server, started}
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    if not started.done():
        await server  # raises the error of the start
    addresses = started.result()
    try:
        async with connect(f"127.0.0.1:{addresses.port}", credentials) as channel:
            yield RunningShop(client=ShopClient(channel), addresses=addresses, stop=stop, stopped=stopped)
    finally:
        stop.set()
        await server
