"""A real server in the test's loop, real channels to it, and its log lines."""

import asyncio
import io
import json
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc.aio
import httpx
import pytest
import structlog
from nationalsite.account import v1 as account_v1

from services.errors import ErrorOrigin
from services.handler import Handler
from services.server import Endpoint, ServerSettings, ServiceDefinition, ServiceRuntime, serve
from services.server.security import file_watcher
from services.server.server import BoundAddresses
from services.server.telemetry.logging_config import configure_logging
from tests.server.shop_server import accept, serialized_line

ACCOUNT = account_v1.ACCOUNT_SERVICE


class Settings(ServerSettings):
    listen: str = "127.0.0.1:0"
    http_listen: str = "127.0.0.1:0"
    grace_s: float = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    stub: account_v1.AccountServiceStub
    channel: grpc.aio.Channel
    http: httpx.AsyncClient


StartServer = Callable[..., AbstractAsyncContextManager[RunningServer]]


@asynccontextmanager
async def connect(addresses: BoundAddresses) -> AsyncIterator[RunningServer]:
    async with (
        grpc.aio.insecure_channel(f"127.0.0.1:{addresses.port}") as channel,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{addresses.http_port}") as http,
    ):
        yield RunningServer(stub=account_v1.AccountServiceStub(channel), channel=channel, http=http)


@pytest.fixture
def build_service() -> Callable[..., ServiceDefinition[Settings]]:
    """build_service(handler) binds it to RegisterUser; build_service(endpoints=...) binds these."""

    def build(
        handler: Handler = accept,
        endpoints: Mapping[str, Endpoint] | None = None,
        on_close: Callable[[], None] = lambda: None,
    ) -> ServiceDefinition[Settings]:
        @asynccontextmanager
        async def lifespan(_: Settings) -> AsyncIterator[ServiceRuntime]:
            endpoint = Endpoint(
                handler=handler,
                origin=ErrorOrigin("1688:account.user.register", "open-platform"),
                handles_idempotency=True,
            )
            default = {"RegisterUser": endpoint}
            yield ServiceRuntime(default if endpoints is None else endpoints)
            on_close()

        return ServiceDefinition(descriptor=ACCOUNT, settings=Settings, lifespan=lifespan)

    return build


@pytest.fixture
def start_server(build_service: Callable[..., ServiceDefinition[Settings]], logged: Any) -> StartServer:
    """async with start_server(handler) as running: a server, with a stub and an HTTP client."""

    @asynccontextmanager
    async def start(handler: Handler = accept, **settings: Any) -> AsyncIterator[RunningServer]:
        async with (
            serve(build_service(handler), Settings(**settings)) as addresses,
            connect(addresses) as running,
        ):
            yield running

    return start


@pytest.fixture
def start_stoppable_server(
    build_service: Callable[..., ServiceDefinition[Settings]], logged: Any
) -> Callable[..., Any]:
    """async with start_stoppable_server(handler) as (running, stop): stop.set() starts the shutdown.

    The clients stay connected.
    """

    @asynccontextmanager
    async def start(
        handler: Handler, on_close: Callable[[], None] = lambda: None, **settings: Any
    ) -> AsyncIterator[tuple[RunningServer, asyncio.Event]]:
        started: asyncio.Future[BoundAddresses] = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()

        async def run_server() -> None:
            async with serve(build_service(handler, on_close=on_close), Settings(**settings)) as addresses:
                started.set_result(addresses)
                await stop.wait()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run_server())
            async with connect(await started) as running:
                yield running, stop

    return start


@pytest.fixture(autouse=True)
def _restore_structlog() -> Iterator[None]:
    """The tests of other packages share this process."""
    config = structlog.get_config()
    yield
    structlog.configure(**config)


@pytest.fixture
def logged() -> Callable[..., list[dict[str, Any]]]:
    """logged() are the log lines so far, logged("call") those of one event."""
    stream = io.BytesIO()
    configure_logging("test", "info", stream)

    def lines(event: str | None = None) -> list[dict[str, Any]]:
        parsed = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [line for line in parsed if event in (None, line["event"])]

    return lines


@pytest.fixture
def registration() -> account_v1.RegisterUserRequest:
    """A valid request."""
    return account_v1.RegisterUserRequest(
        request_id=str(uuid.uuid4()),
        country_account=account_v1.CountryAccount(
            country="japan",
            site="sniff",
            out_login_name="hanako",
            out_member_id="member-4711",
            email="hanako@example.jp",
            ip="203.0.113.9",
        ),
    )


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def policy(tmp_path, monkeypatch):
    """policy(rules) writes policy.path, which the server checks at every call."""
    monkeypatch.setattr(file_watcher.FileWatcher.__init__, "__defaults__", (0,))

    def write(*rules, text=None):
        replacement = tmp_path / "replacement"
        replacement.write_text(json.dumps({"rules": rules}) if text is None else text)
        replacement.rename(write.path)

    write.path = tmp_path / "policy.json"
    return write


class StreamHandler:
    """Sends one response, waits until it is cancelled, and takes some time to clean up."""

    def __init__(self):
        self.started, self.closed = asyncio.Event(), asyncio.Event()
        self.closing_order = []

    async def __call__(self, _requests, _deadline):
        try:
            self.started.set()
            yield serialized_line("a")
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.closing_order.append("stream")
            self.closed.set()

    def on_close(self):
        self.closing_order.append("runtime")


@pytest.fixture
def stream_handler():
    return StreamHandler()
