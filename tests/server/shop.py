"""A service of every kind of RPC, compiled when the tests run: what no served proto has, or not yet."""

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

from services.handler import Handler
from services.server import Endpoint, ServerSettings, ServiceDefinition, ServiceRuntime, serve
from services.server.server import BoundAddresses
from tools import buf_validate

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


def _compiled() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "shop.proto"), Path(folder, "shop.binpb")
        source.write_text(PROTO)
        options = [f"--proto_path={folder}", f"--descriptor_set_in={IMAGE}", f"--descriptor_set_out={out}"]
        assert protoc.main(["protoc", *options, source.name]) == 0
        (file,) = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
    assert buf_validate.DESCRIPTOR.name in file.dependency  # and so it has to be in the pool
    descriptor_pool.Default().Add(file)
    return descriptor_pool.Default().FindServiceByName("shop.v1.Shop")


SHOP = _compiled()
Line: Any = GetMessageClass(SHOP.methods_by_name["Ask"].input_type)


class Settings(ServerSettings):
    listen: str = "127.0.0.1:0"
    http_listen: str = "127.0.0.1:0"
    grace_s: float = 5


class Customer:
    """Calls any RPC of the shop by its name."""

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
class Open:
    customer: Customer
    listening: BoundAddresses
    drain: asyncio.Event
    """Set, it begins the drain; the customer stays."""
    stopped: asyncio.Event
    """Set when the server has stopped."""


def dial(target: str, credentials: grpc.ChannelCredentials | None) -> grpc.aio.Channel:
    """A channel with connections of its own."""
    own = (("grpc.use_local_subchannel_pool", 1),)
    if credentials:
        return grpc.aio.secure_channel(target, credentials, own)
    return grpc.aio.insecure_channel(target, own)


async def _closed(_request: Any, _deadline: float) -> bytes:
    raise AssertionError("no handler for this RPC")


@asynccontextmanager
async def open_shop(
    handlers: Mapping[str, Handler],
    closed: Callable[[], None] = lambda: None,
    credentials: grpc.ChannelCredentials | None = None,
    **settings: Any,
) -> AsyncIterator[Open]:
    """A running shop with these handlers; `closed` is called when its parts are closed.

    With credentials the customer comes by TLS.
    """

    @asynccontextmanager
    async def open_parts(_: Settings) -> AsyncIterator[ServiceRuntime]:
        bound = dict.fromkeys(SHOP.methods_by_name, _closed) | dict(handlers)
        yield ServiceRuntime(
            {rpc: Endpoint(handler=handler, operation=rpc) for rpc, handler in bound.items()}
        )
        closed()

    service = ServiceDefinition(descriptor=SHOP, settings=Settings, lifespan=open_parts)
    listening: asyncio.Future[BoundAddresses] = asyncio.get_running_loop().create_future()
    drain, stopped = asyncio.Event(), asyncio.Event()

    async def server() -> None:
        async with serve(service, Settings(**settings)) as found:
            listening.set_result(found)
            await drain.wait()
        stopped.set()

    serving = asyncio.create_task(server())
    await asyncio.wait({serving, listening}, return_when=asyncio.FIRST_COMPLETED)  # type: ignore[type-var] # a task and a future are waited for together
    if not listening.done():
        await serving  # it could not start
    target = f"127.0.0.1:{listening.result().port}"
    try:
        async with dial(target, credentials) as channel:
            yield Open(customer=Customer(channel), listening=listening.result(), drain=drain, stopped=stopped)
    finally:
        drain.set()
        await serving
