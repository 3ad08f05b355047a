"""A scripted HTTP server in place of 1688, gateway clients for it, and a Redis."""

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import uvloop
from redis.asyncio import Redis

from services.adapter.codec import parse
from services.adapter.gateway import (
    AppCredentials,
    GatewayClient,
    HttpTransport,
    Policies,
    RefreshingTokenProvider,
    RefreshToken,
    StaticTokenProvider,
    TokenFetcher,
    TokenProvider,
    UpstreamResponse,
)
from services.adapter.gateway.middleware.retry import RetryPolicy
from services.adapter.gateway.redis_client import RedisClient
from tests.support.redis_server import RedisServer, redis_server

API = "com.alibaba.product:alibaba.category.get-1"
LONG_S = 5.0
"""Timeout of each wait for something that must happen."""


class AdvanceableLoop(asyncio.SelectorEventLoop):
    """A loop whose time can be advanced, so that hours pass at once."""

    advanced_s = 0.0

    def time(self) -> float:
        return super().time() + self.advanced_s


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests of sockets run on both loops; the other tests choose the first."""
    return {"asyncio": AdvanceableLoop, "uvloop": uvloop.new_event_loop}


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, strict_parsing=True, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("ascii"), strict_parsing=True, keep_blank_values=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerResponse:
    """A whole response; a `body` that is not bytes is sent as JSON."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} Any", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + body


class PeerConnection:
    """The peer's end of a connection, for scripts that break it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        with suppress(ConnectionError):
            await self._writer.drain()

    async def wait_closed(self) -> None:
        """Wait until the client has closed the connection."""
        await self._reader.read()

    def hang_up(self) -> None:
        self._writer.close()

    def vanish(self) -> None:
        """Close at once, before the client's loop runs."""
        descriptor = self._writer.get_extra_info("socket").fileno()
        with socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM) as duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()


Script = Callable[[Received, PeerConnection], Awaitable[None]]


class Peer:
    """An HTTP server that follows scripts, and records the requests."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.accepted = 0
        self.open: set[PeerConnection] = set()
        self._scripts: dict[str, list[PeerResponse | Script]] = {}
        self._server: asyncio.Server | None = None

    def on(self, part: str, *responses: PeerResponse | Script) -> None:
        """Set the responses to requests whose path contains `part`, in order; the last is repeated."""
        self._scripts[part] = list(responses)

    def calls(self, part: str = "") -> list[Received]:
        return [received for received in self.received if part in received.path]

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self.open):
            connection.hang_up()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = PeerConnection(reader, writer)
        self.accepted += 1
        self.open.add(connection)
        try:
            while received := await _read(reader):
                self.received.append(received)
                await self._answer(received, connection)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left
        finally:
            self.open.remove(connection)
            writer.close()

    async def _answer(self, received: Received, connection: PeerConnection) -> None:
        scripts = next(
            (found for part, found in self._scripts.items() if part in received.path), [PeerResponse()]
        )
        script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        if isinstance(script, PeerResponse):
            await connection.write(script.encode())
        else:
            await script(received, connection)


async def _read(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    request, *lines = head.decode("ascii").rstrip().split("\r\n")
    method, target, _ = request.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert "transfer-encoding" not in headers, "1688 has never been seen to take chunks"
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method=method, target=target, headers=headers, body=body)


@pytest.fixture
def samples() -> Path:
    return Path(__file__).parents[2] / "samples"


@pytest.fixture
def response() -> type[PeerResponse]:
    """response(status=..., body=..., headers=...)."""
    return PeerResponse


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    await peer.start()
    yield peer
    await peer.stop()


@pytest.fixture
async def serve_raw() -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """await serve_raw(serve) is host and port of such a server. Request it before `make_gateway`."""
    async with AsyncExitStack() as stack:

        async def start(
            serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
        ) -> str:
            async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                with suppress(ConnectionError):
                    await serve(reader, writer)
                writer.close()

            server = await stack.enter_async_context(await asyncio.start_server(served, "127.0.0.1", 0))
            return f"127.0.0.1:{server.sockets[0].getsockname()[1]}"

        yield start


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """await wait_until(condition)."""

    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LONG_S):
            while not condition():  # noqa: ASYNC110 # any condition, none with an event
                await asyncio.sleep(0.001)

    return wait


@pytest.fixture
def advance_time() -> Callable[[float], None]:
    """advance_time(seconds) advances the loop's time; only on the asyncio loop."""

    def move(seconds: float) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, AdvanceableLoop)
        loop.advanced_s += seconds

    return move


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    """After the test no connection is in use and no task is left."""
    before = asyncio.all_tasks()
    transport = HttpTransport()
    yield transport
    assert not transport._pool.in_use
    await transport.close()
    async with asyncio.timeout(LONG_S):
        while asyncio.all_tasks() - before - {asyncio.current_task()}:  # noqa: ASYNC110 # tasks of any kind, none known here
            await asyncio.sleep(0.001)


@pytest.fixture
async def make_gateway(peer: Peer, transport: HttpTransport) -> AsyncIterator[Callable[..., GatewayClient]]:
    """make_gateway(...) is a client of the peer; by default with a static token and without retries."""
    async with AsyncExitStack() as stack:

        def static_token(_: TokenFetcher) -> TokenProvider:
            return StaticTokenProvider("test-access-token")

        def make(
            url: str = peer.url,
            build_token_provider: Callable[[TokenFetcher], TokenProvider] = static_token,
            transport: HttpTransport = transport,
            **options: Any,
        ) -> GatewayClient:
            credentials = AppCredentials(key="1000000", secret="test-app-secret")
            options.setdefault("policies", Policies(retry=RetryPolicy(max_attempts=1)))
            gateway = GatewayClient(
                url=url,
                credentials=credentials,
                transport=transport,
                build_token_provider=build_token_provider,
                parse=parse,
                **options,
            )
            stack.push_async_callback(gateway.close)
            return gateway

        yield make


@pytest.fixture
def make_refreshing_gateway(make_gateway: Callable[..., GatewayClient]) -> Callable[..., GatewayClient]:
    """make_refreshing_gateway(path) fetches its tokens; the file contains the refresh token.

    `uniform` chooses the pauses between failed refreshes; by default there are none.
    """

    def make(
        path: Path | None = None,
        uniform: Callable[[float, float], float] = lambda _shortest, _longest: 0.0,
        **options: Any,
    ) -> GatewayClient:
        refresh_token = RefreshToken("test-refresh-token", path)
        return make_gateway(
            build_token_provider=lambda fetch: RefreshingTokenProvider(refresh_token, fetch, uniform=uniform),
            **options,
        )

    return make


@pytest.fixture
def call() -> Callable[..., Awaitable[UpstreamResponse]]:
    """await call(gateway, form)."""

    async def make(
        gateway: GatewayClient,
        form: Mapping[str, str] | None = None,
        *,
        api_id: str = API,
        files: Mapping[str, bytes] | None = None,
        anonymous: bool = False,
        idempotent: bool = False,
        timeout_s: float = LONG_S,
    ) -> UpstreamResponse:
        deadline = asyncio.get_running_loop().time() + timeout_s
        return await gateway.call(
            api_id,
            form or {},
            files=files or {},
            anonymous=anonymous,
            idempotent=idempotent,
            deadline=deadline,
        )

    return make


@pytest.fixture(scope="module")
def redis_process() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.fixture
async def redis(redis_process: RedisServer) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_process.url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
async def redis_client(redis_process: RedisServer, redis: Redis) -> AsyncIterator[RedisClient]:
    redis_client = RedisClient(redis_process.url, "1000000")
    yield redis_client
    await redis_client.close()


@pytest.fixture
async def other_redis_client(redis_process: RedisServer) -> AsyncIterator[RedisClient]:
    redis_client = RedisClient(redis_process.url, "1000000")
    yield redis_client
    await redis_client.close()


@pytest.fixture
async def unreachable_redis_client(tmp_path: Path) -> AsyncIterator[RedisClient]:
    redis_client = RedisClient(f"unix://{tmp_path}/missing.sock", "1000000")
    yield redis_client
    await redis_client.close()
