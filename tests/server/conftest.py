"""A real server in the test's loop, real channels to it, and the lines that it logs."""

import asyncio
import io
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc.aio
import httpx
import pytest
import structlog
from google.protobuf.message import Message
from nationalsite.account import v1 as account_v1

from services.handler import Handler
from services.server import Endpoint, ServerSettings, ServiceDefinition, ServiceRuntime, serve
from services.server.server import BoundAddresses
from services.server.telemetry.logging_config import configure_logging

ACCOUNT = account_v1.ACCOUNT_SERVICE


class Settings(ServerSettings):
    listen: str = "127.0.0.1:0"
    http_listen: str = "127.0.0.1:0"
    grace_s: float = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    stub: account_v1.AccountServiceStub
    channel: grpc.aio.Channel
    http: httpx.AsyncClient


Start = Callable[..., AbstractAsyncContextManager[Running]]


async def accept(_request: Message, _deadline: float) -> bytes:
    return b""


@asynccontextmanager
async def clients(listening: BoundAddresses) -> AsyncIterator[Running]:
    async with (
        grpc.aio.insecure_channel(f"127.0.0.1:{listening.port}") as channel,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{listening.http_port}") as http,
    ):
        stub = account_v1.AccountServiceStub(channel)
        yield Running(stub=stub, channel=channel, http=http)


@pytest.fixture
def service() -> Callable[..., ServiceDefinition[Settings]]:
    """service(handler) binds it to RegisterUser; service(bindings=...) binds just those."""

    def make(
        handler: Handler = accept,
        bindings: Mapping[str, Endpoint] | None = None,
        closed: Callable[[], None] = lambda: None,
    ) -> ServiceDefinition[Settings]:
        @asynccontextmanager
        async def open_parts(_: Settings) -> AsyncIterator[ServiceRuntime]:
            bound = {"RegisterUser": Endpoint(handler=handler, operation="1688:account.user.register")}
            yield ServiceRuntime(bound if bindings is None else bindings)
            closed()

        return ServiceDefinition(descriptor=ACCOUNT, settings=Settings, lifespan=open_parts)

    return make


@pytest.fixture
def start(service: Callable[..., ServiceDefinition[Settings]], logged: Any) -> Start:
    """async with start(handler) as running: a server, a stub and an HTTP client to it."""

    @asynccontextmanager
    async def started(handler: Handler = accept, **settings: Any) -> AsyncIterator[Running]:
        async with serve(service(handler), Settings(**settings)) as listening, clients(listening) as running:
            yield running

    return started


@pytest.fixture
def drained(service: Callable[..., ServiceDefinition[Settings]], logged: Any) -> Callable[..., Any]:
    """async with drained(handler) as (running, drain): drain.set() begins the drain, the clients stay."""

    @asynccontextmanager
    async def started(
        handler: Handler, closed: Callable[[], None] = lambda: None, **settings: Any
    ) -> AsyncIterator[tuple[Running, asyncio.Event]]:
        listening: asyncio.Future[BoundAddresses] = asyncio.get_running_loop().create_future()
        drain = asyncio.Event()

        async def server() -> None:
            async with serve(service(handler, closed=closed), Settings(**settings)) as found:
                listening.set_result(found)
                await drain.wait()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server())
            async with clients(await listening) as running:
                yield running, drain

    return started


@pytest.fixture
def logged() -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """logged() are the lines so far, logged("call") those of one event."""
    stream = io.BytesIO()
    configure_logging("test", "info", stream)

    def lines(event: str | None = None) -> list[dict[str, Any]]:
        parsed = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [line for line in parsed if event in (None, line["event"])]

    yield lines
    structlog.reset_defaults()


@pytest.fixture
def buyer() -> account_v1.RegisterUserRequest:
    """A request without a fault."""
    return account_v1.RegisterUserRequest(
        country_account=account_v1.CountryAccount(
            country="japan",
            site="sniff",
            out_login_name="hanako",
            out_member_id="member-4711",
            email="hanako@example.jp",
            ip="203.0.113.9",
        )
    )


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]
