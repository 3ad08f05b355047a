"""The bounds of an HTTP listener, by real sockets."""

import asyncio
import logging
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from services.server import HttpLimits, serve_http
from services.server.sockets import open_listener
from tests.server.raw_http import TIMEOUT_S, exchange


class Handler:
    """Answers each request when `release` is set, and counts the requests that wait for it."""

    def __init__(self):
        self.waiting = asyncio.Semaphore(0)
        self.release = asyncio.Event()

    async def respond(self, _request):
        self.waiting.release()
        await self.release.wait()
        return web.Response(text="done")


@pytest.fixture
def handler():
    return Handler()


@asynccontextmanager
async def served(*routes, **limits):
    """The address of a listener with these routes and limits."""
    listener = open_listener("-", "127.0.0.1:0")
    async with serve_http(routes, listener, HttpLimits(**limits)):
        yield listener.getsockname()


def get(path="/", *headers):
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n", get() + b"GET / HTTP/1.1\r\nHo"],
    ids=["nothing", "half a line", "half a head", "half of a second head"],
)
async def test_a_connection_without_a_whole_request_is_closed(handler, sent):
    handler.release.set()
    async with served(web.get("/", handler.respond), header_timeout_s=0.1, idle_timeout_s=0.1) as address:
        response = await exchange(address, sent)
    assert response.startswith(b"HTTP/1.1 200") == sent.startswith(get())
    assert not response or response.endswith(b"done")


async def test_an_idle_connection_is_closed(handler):
    handler.release.set()
    async with served(web.get("/", handler.respond), idle_timeout_s=0.1) as address:
        assert (await exchange(address, get())).endswith(b"done")


async def test_a_request_in_flight_is_not_idle(handler):
    limits = {"header_timeout_s": 0.05, "body_timeout_s": 0.05, "idle_timeout_s": 0.05}
    async with served(web.get("/", handler.respond), **limits) as address:
        call = asyncio.create_task(exchange(address, get()))
        await asyncio.sleep(0.2)
        assert not call.done()
        handler.release.set()
        assert (await call).startswith(b"HTTP/1.1 200")


async def test_requests_above_the_limit_are_answered_503(handler):
    async with served(web.get("/", handler.respond), max_concurrent_requests=2) as address:
        calls = [asyncio.create_task(exchange(address, get("/", "Connection: close"))) for _ in range(2)]
        for _ in calls:
            await asyncio.wait_for(handler.waiting.acquire(), TIMEOUT_S)
        rejected = await exchange(address, get())
        assert rejected.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: 1" in rejected
        handler.release.set()
        assert all(response.startswith(b"HTTP/1.1 200") for response in await asyncio.gather(*calls))
        assert (await exchange(address, get("/", "Connection: close"))).startswith(b"HTTP/1.1 200")


async def test_long_heads_are_rejected_and_logged_without_a_stack(handler, caplog):
    handler.release.set()
    async with served(web.get("/", handler.respond)) as address:
        for request in (get(f"/?{'x' * 9000}"), get("/", f"X: {'x' * 9000}")):
            assert (await exchange(address, request)).startswith(b"HTTP/1.0 400")
    assert [(record.levelname, record.exc_info) for record in caplog.records] == [("WARNING", None)] * 2
    assert "xxx" not in caplog.text


async def test_a_response_names_no_versions(handler):
    handler.release.set()
    async with served(web.get("/", handler.respond)) as address:
        for path in ("/", "/elsewhere"):
            response = await exchange(address, get(path, "Connection: close"))
            assert b"aiohttp" not in response


async def test_requests_are_not_logged(handler, caplog):
    caplog.set_level(logging.DEBUG)
    handler.release.set()
    async with served(web.get("/", handler.respond)) as address:
        await exchange(address, get("/secret", "Connection: close"))
    assert "secret" not in caplog.text


async def test_the_end_lets_requests_finish_and_closes_idle_connections(handler):
    async with asyncio.timeout(TIMEOUT_S), asyncio.TaskGroup() as tasks:
        async with served(web.get("/", handler.respond)) as address:
            idle = tasks.create_task(exchange(address, b""))
            call = tasks.create_task(exchange(address, get()))
            await handler.waiting.acquire()
            asyncio.get_running_loop().call_later(0.05, handler.release.set)
        with pytest.raises(ConnectionRefusedError):
            await exchange(address, b"")
    assert idle.result() == b""
    assert call.result().startswith(b"HTTP/1.1 200")


async def test_the_end_does_not_wait_for_a_stuck_request(handler):
    async with served(web.get("/", handler.respond), shutdown_timeout_s=0.05) as address:
        call = asyncio.create_task(exchange(address, get()))
        await handler.waiting.acquire()
    assert await call == b""
