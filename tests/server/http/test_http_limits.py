"""What clients of an HTTP listener can use up, by real sockets. Small limits make the tests fast."""

import asyncio
import socket
from collections import Counter
from contextlib import AsyncExitStack, ExitStack, suppress

import pytest
from prometheus_client import REGISTRY

from services.server import HttpLimits, HttpResponse, open_listener
from services.server.http.connection import Connection
from services.server.http.connections import Connections, to_address
from services.tracked_tasks import TrackedTasks
from tests.server.http.raw_http import serving

TIMEOUT_S = 5
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST_START = b"POST / HTTP/1.1\r\nHost: x\r\n"
HALF_HEAD = POST_START + b"X-A: "
BODY = b"x" * 50_000
STALLED_BODY = POST_START + b"Content-Length: 4000\r\n\r\n" + b"x" * 1000
KEPT = {"header_timeout_s": 60, "body_timeout_s": 60}
"""For connections that only another limit may close."""


class Server:
    """Answers with the length of the body. GET /wait waits until `release` is set."""

    def __init__(self):
        self.release = asyncio.Event()
        self.waiting = asyncio.Semaphore(0)

    async def respond(self, request):
        if request.path == "/wait":
            self.waiting.release()
            await self.release.wait()
        return HttpResponse(body=str(len(request.body)))

    def serve(self, **limits):
        return serving(self.respond, **{"linger_s": 0.05, "shutdown_timeout_s": 0.05} | limits)


@pytest.fixture
def server():
    return Server()


@pytest.fixture
async def connect():
    """Open connections, and close them at the end of the test."""
    async with AsyncExitStack() as stack:

        async def open_connection(address, sent=b""):
            reader, writer = await asyncio.open_connection(*address)
            stack.callback(writer.close)
            writer.write(sent)
            return reader, writer

        yield open_connection


async def read_status(reader):
    """Read one response; return its status, 0 if the connection was closed without one."""
    async with asyncio.timeout(TIMEOUT_S):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0
        lengths = [int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")]
        await reader.readexactly(sum(lengths))  # 100 Continue has none
        return int(head.split()[1])


async def request(connection, sent=GET):
    reader, writer = connection
    writer.write(sent)
    return await read_status(reader)


async def is_closed(connection):
    """Wait until the connection is closed."""
    async with asyncio.timeout(TIMEOUT_S):
        try:
            return await connection[0].read() is not None
        except ConnectionError:
            return True


async def drip(connection, data):
    """Send byte by byte until the server closes the connection; return its response."""
    reader, writer = connection

    async def receive():
        received = b""
        with suppress(ConnectionError):
            while data := await reader.read(1000):
                received += data
        return received

    response = asyncio.create_task(receive())
    async with asyncio.timeout(TIMEOUT_S):
        for byte in data:
            writer.write(bytes([byte]))
            await asyncio.wait([response], timeout=0.01)
            if response.done():
                break
        return await response


def count_rejected():
    samples = next(metric for metric in REGISTRY.collect() if metric.name == "nationalsite_http_rejected")
    return Counter(
        {
            sample.labels["reason"]: sample.value
            for sample in samples.samples
            if sample.name.endswith("_total")
        }
    )


@pytest.fixture
def rejections():
    """Return what was rejected since the start of the test."""
    before = count_rejected()
    return lambda: dict(count_rejected() - before)


async def test_headers_that_trickle_are_not_waited_for(server, connect, rejections):
    async with server.serve(header_timeout_s=0.15) as address:
        assert await drip(await connect(address), HALF_HEAD * 20) == b""
        second = await connect(address)
        assert await request(second) == 200
        assert await drip(second, HALF_HEAD * 20) == b""
    assert rejections() == {"header_timeout": 2}


@pytest.mark.parametrize("kind", ["stalled", "trickling", "chunked"])
async def test_a_slow_body_is_not_waited_for(server, connect, rejections, kind):
    async with server.serve(body_timeout_s=0.1) as address:
        if kind == "stalled":
            connection = await connect(address, STALLED_BODY)
            response = await asyncio.wait_for(connection[0].read(), TIMEOUT_S)
        elif kind == "trickling":
            response = await drip(await connect(address, STALLED_BODY), b"x" * 1000)
        else:
            head = POST_START + b"Transfer-Encoding: chunked\r\n\r\n"
            response = await drip(await connect(address, head), b"1\r\nx\r\n" * 200)
    assert response.startswith(b"HTTP/1.1 408")
    assert rejections() == {"body_timeout": 1}


async def test_a_chunked_body_without_end_is_bounded(server, connect, rejections):
    async with server.serve(max_body_bytes=1000) as address:
        head = POST_START + b"Transfer-Encoding: chunked\r\n\r\n"
        reader, writer = await connect(address, head + b"3e8\r\n" + b"x" * 1000 + b"\r\n")
        writer.write(b"1\r\nx\r\n")
        assert await read_status(reader) == 413
        assert await is_closed((reader, writer))
    assert rejections() == {"body_too_large": 1}


async def test_a_large_body_is_answered_without_being_read(server, connect, rejections):
    async with server.serve() as address:
        size = 2**20
        reader, writer = await connect(address, POST_START + b"Content-Length: %d\r\n\r\n" % size)
        assert await read_status(reader) == 413
        writer.write(b"x" * size)
        await writer.drain()
        assert await is_closed((reader, writer))
    assert rejections() == {"body_too_large": 1}


async def test_a_body_at_the_limit_is_accepted(server, connect):
    async with server.serve(max_body_bytes=1000) as address:
        for size, status in ((1000, 200), (1001, 413)):
            body = POST_START + b"Content-Length: %d\r\n\r\n" % size + b"x" * size
            assert await request(await connect(address), body) == status


HEADER = b"X-A: " + b"x" * 4000 + b"\r\n"
LONG_HEADERS = {
    "a long target": b"GET /" + b"x" * 70_000,
    "a long header": HALF_HEAD + b"x" * 140_000,
    "headers that are long together": GET[:-2] + HEADER * 20,
    "a long target, complete": b"GET /?" + b"x" * 65_530 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "long headers, complete": GET[:-2] + HEADER * 17 + b"\r\n",
    "long trailers": POST_START + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + HEADER * 17 + b"\r\n",
}


@pytest.mark.parametrize("sent", LONG_HEADERS.values(), ids=LONG_HEADERS)
async def test_headers_are_bounded(server, connect, rejections, caplog, sent):
    async with server.serve(**KEPT) as address:
        connection = await connect(address, sent)
        assert await read_status(connection[0]) == 431
        assert await is_closed(connection)
    assert rejections() == {"headers_too_large": 1}
    assert not caplog.records


async def test_what_is_read_with_the_end_of_a_large_request_is_not_taken_for_a_part_of_the_next(
    server, connect
):
    async with server.serve() as address:
        reader, writer = await connect(address, POST_START + b"Content-Length: 60000\r\n\r\n")
        writer.write(b"x" * 60_000 + GET[:10])
        assert await read_status(reader) == 200
        writer.write(GET[10:-2] + HEADER)
        await asyncio.sleep(0)
        writer.write(b"\r\n")
        assert await read_status(reader) == 200


async def test_what_surrounds_chunks_is_bounded(server, connect, rejections):
    async with server.serve(**KEPT) as address:
        extension = b"1;" + b"x" * 10_000 + b"\r\nx\r\n"
        sent = POST_START + b"Transfer-Encoding: chunked\r\n\r\n" + extension * 20
        connection = await connect(address, sent)
        assert await read_status(connection[0]) == 413
        assert await is_closed(connection)
    assert rejections() == {"request_too_large": 1}


async def test_an_idle_connection_is_kept_longer_than_silent_ones(server, connect):
    async with server.serve(header_timeout_s=0.05) as address:
        connection = await connect(address)
        assert await request(connection) == 200
        assert await is_closed(await connect(address))  # a silent one, opened later
        assert await request(connection) == 200


async def test_pipelined_requests_are_answered(server, connect):
    async with server.serve() as address:
        reader, _ = await connect(address, GET * 100)
        assert [await read_status(reader) for _ in range(100)] == [200] * 100


async def test_the_connection_that_is_idle_longest_makes_room(server, connect, rejections):
    async with server.serve(max_connections=3, max_concurrent_requests=2) as address:
        first, second, third = [await connect(address) for _ in range(3)]
        for connection in (first, third, second):
            assert await request(connection) == 200
        busy = asyncio.create_task(request(first, GET.replace(b"/ ", b"/wait ", 1)))
        await server.waiting.acquire()

        fourth = await connect(address)
        assert await request(fourth) == 200
        assert await is_closed(third)
        assert await request(second) == 200
        assert await request(fourth) == 200
        server.release.set()
        assert await busy == 200
    assert rejections() == {"connection_limit": 1}


@pytest.mark.parametrize(
    "sent", [b"", HALF_HEAD, STALLED_BODY], ids=["silent", "half headers", "stalled body"]
)
async def test_connections_that_wait_do_not_keep_others_out(server, connect, rejections, sent):
    async with server.serve(**KEPT, max_connections=20, max_concurrent_requests=5) as address:
        waiting = [await connect(address, sent) for _ in range(30)]
        assert await request(await connect(address)) == 200
        for connection in waiting[:11]:
            assert await is_closed(connection)
        assert not waiting[-1][0].at_eof()
    assert rejections()["connection_limit"] == 11


@pytest.mark.parametrize(
    "limits", [{"max_connections": 4, "max_concurrent_requests": 2}, {"max_buffered_bytes": 4000}]
)
async def test_a_connection_whose_body_arrives_is_not_the_one_that_is_idle_longest(server, connect, limits):
    stalled = POST_START + b"Content-Length: 5000\r\n\r\n" + b"x" * 1000
    async with server.serve(**KEPT, **limits) as address:
        old = await connect(address)
        assert await request(old) == 200
        others = [await connect(address, stalled) for _ in range(2)]
        old[1].write(POST_START + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n")
        assert await read_status(old[0]) == 100
        others += [await connect(address, stalled) for _ in range(2)]
        assert await is_closed(others[0])
        assert await request(old, b"x" * 100) == 200


async def test_requests_of_clients_that_are_gone_count(server, connect):
    async with server.serve(max_concurrent_requests=2) as address:
        for _ in range(2):
            _, writer = await connect(address, GET.replace(b"/ ", b"/wait ", 1))
            await server.waiting.acquire()
            writer.transport.abort()
        assert await request(await connect(address)) == 503
        server.release.set()


async def test_without_an_idle_connection_a_new_one_is_closed(server, connect, rejections):
    async with server.serve(max_connections=1) as address:
        busy = asyncio.create_task(request(await connect(address), GET.replace(b"/ ", b"/wait ", 1)))
        await server.waiting.acquire()
        assert await request(await connect(address)) == 0
        server.release.set()
        assert await busy == 200
    assert rejections() == {"connection_limit": 1}


async def test_connections_of_an_address_are_bounded_if_asked_for(server, connect, rejections):
    async with server.serve(max_connections_per_address=2) as address:
        first, second = [await connect(address) for _ in range(2)]
        assert await request(await connect(address)) == 0
        first[1].write(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert await is_closed(first)
        assert await request(second) == 200
        assert await request(await connect(address)) == 200
    assert rejections() == {"address_limit": 1}


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 1, 0, 0), "2001:db8:1:2::"),
        (("fe80::7%lo", 1, 0, 1), "fe80::"),
        (("::ffff:192.0.2.7", 1, 0, 0), "192.0.2.7"),
        (None, ""),
    ],
)
def test_an_ipv6_network_is_one_address(peer, address):
    assert to_address(peer) == address


async def test_bytes_of_all_requests_are_bounded(server, connect, rejections):
    async with server.serve(**KEPT, max_buffered_bytes=10_000) as address:
        stalled = [await connect(address, STALLED_BODY) for _ in range(20)]
        for connection in stalled[:11]:
            assert await is_closed(connection)
        body = POST_START + b"Content-Length: 5000\r\n\r\n" + b"x" * 5000
        assert await request(await connect(address), body) == 200
        assert [await request(connection, b"x" * 3000) for connection in stalled[-4:]] == [200] * 4
    assert rejections()["buffer_limit"] >= 11


class WatchedConnections:
    """Connections of a listener; records what their requests have in memory. Each gets BODY, or is closed."""

    def __init__(self, limits, count):
        self.peak = 0
        self.all_settled = asyncio.Event()
        self._limits = limits
        self._connections = Connections(limits)
        self._unsettled = set(range(count))
        self._built = []

    def build(self):
        connection = WatchedConnection(self, self._connections, self._limits, None, TrackedTasks())
        self._built.append(connection)
        return connection

    def on_change(self, connection):
        held = [len(each._requests._body) for each in self._built]
        self.peak = max(self.peak, sum(held))
        if connection._requests.is_stopped or len(connection._requests._body) == len(BODY):
            self._unsettled.discard(self._built.index(connection))
        if not self._unsettled:
            self.all_settled.set()


class WatchedConnection(Connection):
    def __init__(self, watch, *arguments):
        super().__init__(*arguments)
        self._watch = watch

    def buffer_updated(self, nbytes):
        super().buffer_updated(nbytes)
        self._watch.on_change(self)

    def close(self):
        super().close()
        self._watch.on_change(self)


async def test_what_arrives_in_one_turn_of_the_event_loop_is_bounded(rejections):
    limit, count = 10 * len(BODY), 60
    watched = WatchedConnections(HttpLimits(**KEPT, max_buffered_bytes=limit), count)
    listener = open_listener("-", "127.0.0.1:0")
    async with await asyncio.get_running_loop().create_server(watched.build, sock=listener):
        with ExitStack() as stack:
            for _ in range(count):  # the event loop does not run meanwhile
                client = stack.enter_context(socket.create_connection(listener.getsockname(), TIMEOUT_S))
                client.sendall(POST_START + b"Content-Length: %d\r\n\r\n" % (len(BODY) + 1) + BODY)
            async with asyncio.timeout(TIMEOUT_S):
                await watched.all_settled.wait()
    assert limit / 2 <= watched.peak <= limit
    assert rejections()["buffer_limit"] >= count - 10
