"""Responses of the callback, by real sockets. tests/e2e has the forms that 1688 signs, and the store."""

import asyncio
import hashlib
import hmac
from contextlib import asynccontextmanager
from urllib.parse import quote, urlencode

import pytest

from services.errors import StoreUnavailable
from services.order_sync import callback
from services.server import open_listener, serve_http
from services.store import StoreResult

SECRET = b"test-app-secret"
TIMEOUT_S = 5


class Store:
    """Keeps the texts that it is given; `error` is raised instead, if it is set."""

    def __init__(self):
        self.texts = []
        self.error = None

    async def __call__(self, texts):
        if self.error:
            raise self.error
        self.texts += texts
        return StoreResult(new_ids=["1"] * len(texts), duplicate_count=0)


@pytest.fixture
def store():
    return Store()


@pytest.fixture
async def address(store):
    listener = open_listener("-", "127.0.0.1:0")
    async with serve_http(callback.callback_routes(SECRET, lambda text: text, store), listener):  # type: ignore[return-value] # the fake store takes the bytes
        yield listener.getsockname()


@asynccontextmanager
async def connected(address):
    reader, writer = await asyncio.open_connection(*address)
    try:
        yield reader, writer
    finally:
        writer.close()


async def status(address, request):
    """The status of the response to these bytes; 0 if the connection is closed without a response."""
    async with connected(address) as (reader, writer):
        writer.write(request)
        line = await asyncio.wait_for(reader.readline(), TIMEOUT_S)
        return int(line.split()[1]) if line else 0


def head(*headers, target=callback.PATH):
    return "\r\n".join([f"POST {target} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


def post(body, *headers, target=callback.PATH):
    return head(f"Content-Length: {len(body)}", *headers, target=target) + body


def signed(*parameters):
    texts = sorted(name.encode() + value for name, value in parameters)
    signature = hmac.new(SECRET, b"".join(texts), hashlib.sha1).hexdigest().upper()
    return urlencode([*parameters, ("_aop_signature", signature)]).encode()


TEXT = "红 + & =".encode()
SIGNED = signed(("message", TEXT))


async def test_a_signed_message_is_stored(address, store):
    assert await status(address, post(SIGNED)) == 200
    assert store.texts == [TEXT]


async def test_query_and_body_are_signed_together_as_they_were_sent(address, store):
    body = signed(("message", TEXT), ("\u00e9", b"%2f"))
    query, _, rest = body.decode().partition("&")
    assert await status(address, post(rest.encode(), target=f"{callback.PATH}?{query}")) == 200
    assert await status(address, post(rest.encode(), target=f"{callback.PATH}?{query}&a=1")) == 401
    long = signed(("message", TEXT * 500)).decode()
    assert await status(address, post(b"", target=f"{callback.PATH}?{long}")) == 200
    assert store.texts == [TEXT, TEXT * 500]


@pytest.mark.parametrize("form", [quote(TEXT), "%", "\udcff", "message"])
async def test_what_1688_did_not_sign_is_not_stored(address, store, form):
    assert await status(address, post(f"message={form}".encode(errors="surrogateescape"))) == 401
    assert store.texts == []


async def test_a_compressed_body_is_not_unpacked(address, store):
    assert await status(address, post(SIGNED, "Content-Encoding: gzip")) == 200
    assert store.texts == [TEXT]


async def test_a_signed_request_without_a_message_is_malformed(address):
    assert await status(address, post(signed(("messag", b"e" + TEXT)))) == 400


async def test_parameters_are_bounded(address):
    assert await status(address, post(b"&".join([b"a=1"] * callback.MAX_PARAMETERS))) == 401
    assert await status(address, post(b"&".join([b"a=1"] * (callback.MAX_PARAMETERS + 1)))) == 400


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_is_bounded(monkeypatch, address, store, chunked):
    monkeypatch.setattr(callback, "MAX_BODY_BYTES", len(SIGNED))
    for body, expected in ((SIGNED, 200), (SIGNED + b"&", 413)):
        if chunked:
            request = head("Transfer-Encoding: chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        else:
            request = post(body)
        assert await status(address, request) == expected
    assert store.texts == [TEXT]


async def test_a_slow_body_is_not_waited_for(monkeypatch, address):
    monkeypatch.setattr(callback, "READ_TIMEOUT_S", 0.05)
    assert await status(address, head("Content-Length: 500") + b"m") == 408


async def test_a_broken_body_is_malformed(address, store):
    chunk = b"%x\r\n%s\r\nZZ\r\n" % (len(SIGNED), SIGNED)
    assert await status(address, head("Transfer-Encoding: chunked") + chunk) == 400
    assert store.texts == []


async def test_a_body_that_ends_early_is_not_stored(address, store):
    async with connected(address) as (reader, writer):
        writer.write(head(f"Content-Length: {len(SIGNED) + 1}") + SIGNED)
        writer.write_eof()
        response = await asyncio.wait_for(reader.read(), TIMEOUT_S)
    assert b" 200 " not in response
    assert store.texts == []


@pytest.mark.parametrize("error", [StoreUnavailable("down"), TimeoutError()])
async def test_without_the_store_1688_is_asked_to_try_again(address, store, error):
    store.error = error
    assert await status(address, post(SIGNED)) == 503


@pytest.mark.parametrize(
    ("request_line", "expected"), [(f"GET {callback.PATH}", 405), ("POST /", 404), ("POST /callbacks", 404)]
)
async def test_there_is_nothing_else(address, request_line, expected):
    assert await status(address, f"{request_line} HTTP/1.1\r\nHost: x\r\n\r\n".encode()) == expected
