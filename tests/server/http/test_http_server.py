"""Requests to an HTTP listener and its responses, by real sockets."""

import asyncio
import logging
import re
import socket
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
from structlog.testing import capture_logs

from services.server import HttpResponse, router
from services.server.http import connection, request_parser
from services.server.http.connection import Connection
from services.server.http.request_parser import MAX_PIPELINED
from tests.server.http.raw_http import TIMEOUT_S, exchange, serving
from tests.support.deadline_timers import record_timers
from tests.support.event_loop import run_turns


class Handler:
    """Answers each request when `release` is set, and counts the requests that wait for it."""

    def __init__(self):
        self.waiting = asyncio.Semaphore(0)
        self.release = asyncio.Event()

    async def respond(self, _request):
        self.waiting.release()
        await self.release.wait()
        return HttpResponse(body="done")


@pytest.fixture
def handler():
    return Handler()


def served(handler, **limits):
    """The address of a listener that serves GET / with these limits."""
    return serving(router({("GET", "/"): handler.respond}), **limits)


def get(path="/", *headers):
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n", get() + b"GET / HTTP/1.1\r\nHo"],
    ids=["nothing", "half a line", "half a head", "half of a second head"],
)
async def test_a_connection_without_a_whole_request_is_closed(handler, sent):
    handler.release.set()
    async with served(handler, header_timeout_s=0.1, idle_timeout_s=0.1) as address:
        response = await exchange(address, sent)
    assert response.startswith(b"HTTP/1.1 200") == sent.startswith(get())
    assert not response or response.endswith(b"done")


async def test_a_closed_connection_leaves_no_timer(handler, monkeypatch):
    timers = record_timers(monkeypatch, connection)
    handler.release.set()
    async with served(handler) as address:
        assert (await exchange(address, get("/", "Connection: close"))).endswith(b"done")
    (timer,) = timers
    assert timer._timer is None


async def test_an_idle_connection_is_closed(handler):
    handler.release.set()
    async with served(handler, idle_timeout_s=0.1) as address:
        assert (await exchange(address, get())).endswith(b"done")


async def test_a_request_in_flight_is_not_idle(handler):
    limits = {"header_timeout_s": 0.05, "body_timeout_s": 0.05, "idle_timeout_s": 0.05}
    async with served(handler, **limits) as address:
        call = asyncio.create_task(exchange(address, get()))
        await asyncio.sleep(0.2)
        assert not call.done()
        handler.release.set()
        assert (await call).startswith(b"HTTP/1.1 200")


async def test_requests_above_the_limit_are_answered_503(handler):
    async with served(handler, max_concurrent_requests=2) as address:
        calls = [asyncio.create_task(exchange(address, get("/", "Connection: close"))) for _ in range(2)]
        for _ in calls:
            await asyncio.wait_for(handler.waiting.acquire(), TIMEOUT_S)
        rejected = await exchange(address, get())
        assert rejected.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: 1" in rejected
        handler.release.set()
        assert all(response.startswith(b"HTTP/1.1 200") for response in await asyncio.gather(*calls))
        assert (await exchange(address, get("/", "Connection: close"))).startswith(b"HTTP/1.1 200")


async def test_a_response_names_no_versions(handler):
    handler.release.set()
    async with served(handler) as address:
        for path in ("/", "/elsewhere"):
            response = await exchange(address, get(path, "Connection: close"))
            assert b"\r\nServer:" not in response


async def test_requests_are_not_logged(handler, caplog):
    caplog.set_level(logging.DEBUG)
    handler.release.set()
    async with served(handler) as address:
        await exchange(address, get("/secret", "Connection: close"))
    assert "secret" not in caplog.text


async def test_the_shutdown_lets_requests_finish_and_closes_idle_connections(handler):
    async with asyncio.timeout(TIMEOUT_S), asyncio.TaskGroup() as tasks:
        async with served(handler) as address:
            idle = tasks.create_task(exchange(address, b""))
            call = tasks.create_task(exchange(address, get()))
            await handler.waiting.acquire()
            asyncio.get_running_loop().call_later(0.05, handler.release.set)
        with pytest.raises(ConnectionRefusedError):
            await exchange(address, b"")
    assert idle.result() == b""
    assert call.result().startswith(b"HTTP/1.1 200")


async def test_the_shutdown_does_not_wait_for_a_stuck_request(handler):
    async with served(handler, shutdown_timeout_s=0.05) as address:
        call = asyncio.create_task(exchange(address, get()))
        await handler.waiting.acquire()
    assert await call == b""


FAULTS = {
    "/error": ValueError("secret"),
    "/cancelled": asyncio.CancelledError(),
    "/no-status": HttpResponse(status=299),
    "/no-header": HttpResponse(headers={"X": "饼"}),
}


async def echo(request):
    """Answer with what was requested, unless the path is one of FAULTS."""
    fault = FAULTS.get(request.path)
    if isinstance(fault, BaseException):
        raise fault
    if fault is not None:
        return fault
    return HttpResponse(body=f"{request.method} {request.path} {request.query} {request.body.decode()}")


def echo_server(**limits):
    return serving(echo, **limits)


def split_head(response):
    head, _, body = response.partition(b"\r\n\r\n")
    return head.split(b"\r\n"), body


async def test_a_request_is_passed_on_and_its_response_sent():
    sent = b"PUT /a%20b?c=%26 HTTP/1.1\r\nhost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
    async with echo_server() as address:
        head, body = split_head(await exchange(address, sent))
    assert body == b"PUT /a%20b c=%26 hello"
    assert head[:3] == [
        b"HTTP/1.1 200 OK",
        b"Content-Type: text/plain; charset=utf-8",
        b"Content-Length: %d" % len(body),
    ]
    assert parsedate_to_datetime(head[3].removeprefix(b"Date: ").decode()) <= datetime.now(UTC)
    assert head[4:] == [b"Connection: close"]


async def test_a_request_may_arrive_byte_by_byte():
    sent = b"POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    async with echo_server() as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in sent:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        assert (await asyncio.wait_for(reader.read(), TIMEOUT_S)).endswith(b"\r\n\r\nPOST /a b ok")
        writer.close()


@pytest.mark.parametrize(
    ("sent", "status", "allow"),
    [
        ("HEAD /", b"200", None),
        ("POST /", b"405", b"Allow: GET, HEAD"),
        ("GET /elsewhere", b"404", None),
        ("OPTIONS *", b"404", None),
        ("GET http://x/", b"200", None),
    ],
)
async def test_a_path_has_methods(handler, sent, status, allow):
    handler.release.set()
    request = f"{sent} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    async with served(handler) as address:
        head, body = split_head(await exchange(address, request))
    assert head[0].split()[1] == status
    assert (allow in head) == (allow is not None)
    if sent.startswith("HEAD"):
        assert b"Content-Length: 4" in head
        assert not body


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", b"505"),
        (b"GET /\r\n\r\n", b"505"),
        (b"GET x:y:z HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00", b"400"),
        (b"NONSENSE / HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
    ],
    ids=["no Host", "HTTP/2", "HTTP/0.9", "no path", "TLS", "an unknown method"],
)
async def test_what_is_no_request_is_rejected(sent, status, caplog):
    async with echo_server() as address:
        response = await exchange(address, sent)
    assert response.split()[1] == status
    assert b"Connection: close\r\n" in response
    assert not caplog.records


async def test_requests_in_http_1_0_may_keep_the_connection():
    kept = b"GET /first HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    last = b"GET /last HTTP/1.0\r\n\r\n"
    async with echo_server() as address:
        response = await exchange(address, kept + last)
    first, _, second = response.partition(b"GET /first  ")
    assert b"Connection: keep-alive" in first
    assert b"Connection: close" in second
    assert second.endswith(b"GET /last  ")


async def test_a_client_that_waits_before_its_body_gets_100_continue():
    head = (
        b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n"
    )
    async with echo_server(max_body_bytes=10) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(head % 5)
        async with asyncio.timeout(TIMEOUT_S):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"hello")
            assert (await reader.read()).endswith(b"hello")
        writer.close()
        assert (await exchange(address, head % 11)).startswith(b"HTTP/1.1 413")


async def test_a_client_that_sends_no_more_gets_its_responses(handler):
    async with served(handler) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(get() * 2)
        writer.write_eof()
        await asyncio.wait_for(handler.waiting.acquire(), TIMEOUT_S)
        handler.release.set()
        assert (await asyncio.wait_for(reader.read(), TIMEOUT_S)).count(b"HTTP/1.1 200") == 2
        writer.close()


@pytest.mark.parametrize("path", ["/error", "/no-status", "/no-header"])
async def test_a_fault_of_a_handler_is_logged_and_ends_the_connection(path):
    with capture_logs() as logs:
        async with echo_server() as address:
            response = await exchange(address, get(path) + get("/next"))
    assert response.startswith(b"HTTP/1.1 500")
    assert b"secret" not in response
    assert b"/next" not in response
    assert [log["event"] for log in logs] == ["http_request_failed"]


async def test_a_handler_that_is_cancelled_ends_the_connection():
    async with echo_server(max_concurrent_requests=1) as address:
        for _ in range(3):
            assert await exchange(address, get("/cancelled")) == b""
        assert (await exchange(address, get("/", "Connection: close"))).startswith(b"HTTP/1.1 200")


async def test_a_fault_of_the_server_is_logged_and_ends_the_connection(monkeypatch):
    def parse_target(_):
        raise TypeError("secret")

    monkeypatch.setattr(request_parser, "parse_target", parse_target)
    with capture_logs() as logs:
        async with echo_server() as address:
            response = await exchange(address, get())
    assert response.startswith(b"HTTP/1.1 500")
    assert [log["event"] for log in logs] == ["http_request_failed"]


@pytest.mark.parametrize("is_handled_before", [True, False])
async def test_the_shutdown_lets_clients_read_their_responses(is_handled_before):
    size = 2**24  # more than the sockets hold
    begun, release = asyncio.Event(), asyncio.Event()

    async def respond(_):
        begun.set()
        await release.wait()
        return HttpResponse(body=bytes(size))

    async with serving(respond, shutdown_timeout_s=TIMEOUT_S) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(get())
        await asyncio.wait_for(begun.wait(), TIMEOUT_S)
        if is_handled_before:
            release.set()
            await run_turns()
        response = asyncio.create_task(reader.read())
        asyncio.get_running_loop().call_soon(release.set)
    assert len(split_head(await asyncio.wait_for(response, TIMEOUT_S))[1]) == size
    writer.close()


async def test_a_request_behind_another_one_gets_100_continue_too(handler):
    async with served(handler) as address:
        reader, writer = await asyncio.open_connection(*address)
        head = b"GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        writer.write(get() + head)
        await asyncio.wait_for(handler.waiting.acquire(), TIMEOUT_S)
        handler.release.set()
        async with asyncio.timeout(TIMEOUT_S):
            assert (await reader.readuntil(b"done")).count(b"HTTP/1.1 ") == 1
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"ok")
            assert (await reader.readuntil(b"done")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_rejected_request_ends_the_connection_after_the_responses_to_those_before():
    async with echo_server() as address:
        response = await exchange(address, get("/first") + get("/second") + b"nonsense\r\n\r\n" + get())
    assert re.findall(rb"HTTP/1.1 (\d+)", response) == [b"200", b"200", b"400"]


async def test_pipelined_requests_are_bounded():
    async with echo_server() as address:
        response = await exchange(address, get() * (MAX_PIPELINED + 10))
    assert response.count(b"HTTP/1.1 200") == MAX_PIPELINED
    assert response.count(b"HTTP/1.1 400") == 1


async def test_a_client_that_pipelines_is_not_read_meanwhile(handler):
    """What it sends stays in the sockets, and the client has to wait. Then it resets the connection."""
    with capture_logs() as logs:
        await send_without_being_read(handler)
    assert not logs


async def send_without_being_read(handler):
    async with served(handler) as address:
        _, writer = await asyncio.open_connection(*address)
        writer.write(get() * 2)
        await asyncio.wait_for(handler.waiting.acquire(), TIMEOUT_S)
        writer.write(bytes(2**24))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.drain(), 0.2)
        writer.transport.abort()
        handler.release.set()


async def test_a_client_that_does_not_read_is_answered_no_further(monkeypatch):
    """Its requests wait, and the idle timeout closes the connection."""
    answered = 0
    closed = asyncio.Event()
    close = Connection.close

    async def respond(_):
        nonlocal answered
        answered += 1
        return HttpResponse(body=b"x" * 2**20)

    def close_and_tell(each):
        close(each)
        closed.set()

    monkeypatch.setattr(Connection, "close", close_and_tell)
    async with serving(respond, idle_timeout_s=0.1) as address:
        with socket.create_connection(address) as client:
            client.sendall(get() * 50)
            await asyncio.wait_for(closed.wait(), TIMEOUT_S)
    assert 1 <= answered < 20
