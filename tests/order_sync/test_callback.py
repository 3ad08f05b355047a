"""Responses of the callback, by real sockets. tests/e2e has the forms that 1688 signs, and the store."""

import asyncio
import hashlib
import hmac
import json
from contextlib import asynccontextmanager
from urllib.parse import quote, urlencode

import pytest

from services.errors import StoreUnavailable
from services.order_sync import callback
from services.order_sync.message_codec import parse_message
from services.store import StoreResult
from tests.server.http.raw_http import serving

SECRET = b"test-app-secret"
TIMEOUT_S = 5
NOW_MS = 1_790_000_000_000
MAX_AGE_MS = 120 * 86_400_000


class Store:
    """Keeps the texts that it is given; `error` is raised instead, if it is set."""

    def __init__(self):
        self.texts = []
        self.error = None
        self.parse_error = None

    def parse(self, text):
        if self.parse_error:
            raise self.parse_error
        return parse_message(text, lambda: NOW_MS)

    async def __call__(self, messages):
        if self.error:
            raise self.error
        self.texts += [message.raw for message in messages]
        return StoreResult(new_ids=["1"] * len(messages), duplicate_count=0)


@pytest.fixture
def store():
    return Store()


@pytest.fixture
async def address(store):
    handle = callback.callback_handler(SECRET, store.parse, store, lambda: NOW_MS - MAX_AGE_MS)
    async with serving(handle) as address:
        yield address


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
    texts = sorted(name + value for name, value in parameters)
    signature = hmac.new(SECRET, b"".join(texts), hashlib.sha1).hexdigest().upper()
    return urlencode([*parameters, ("_aop_signature", signature)]).encode()


TEXT = "红 + & =".encode()
SIGNED = signed((b"message", TEXT))
SIGNATURE = SIGNED.rpartition(b"=")[2]


def form(*parameters):
    """A form with these parameters, and the signature that 1688 gave to the message."""
    return urlencode([*parameters, ("_aop_signature", SIGNATURE)]).encode()


async def test_a_signed_message_is_stored(address, store):
    assert await status(address, post(SIGNED)) == 200
    message, signature = SIGNED.lower().split(b"&")
    assert await status(address, post(signature + b"&" + message)) == 200
    assert store.texts == [TEXT, TEXT]


async def test_a_signed_push_split_into_other_parameters_is_not_stored(address, store):
    """The signature covers names and values without separators, so it is valid for all of these."""
    whole = b"message" + TEXT
    parts = [[(whole[:cut], whole[cut:])] for cut in range(len(whole) + 1) if cut != len(b"message")]
    parts += [
        [(b"message", TEXT[:cut]), (TEXT[cut:end], TEXT[end:])]
        for cut in range(len(TEXT))
        for end in range(cut, len(TEXT) + 1)
        if TEXT[cut:] >= b"message" + TEXT[:cut]
    ]
    parts += [[(b"message", TEXT), (b"", b"")], [(b"", b"message" + TEXT)]]
    for parameters in parts:
        assert await status(address, post(form(*parameters))) == 400
    assert store.texts == []


@pytest.mark.parametrize(
    "parameters",
    [
        [(b"message", TEXT), (b"site", b"1")],
        [(b"message", TEXT), (b"message", TEXT)],
        [(b"message", TEXT), (b"_aop_signature", b"0" * 40)],
        [(b"Message", TEXT)],
        [(b"site", b"1")],
        [],
    ],
)
async def test_other_parameters_than_a_push_has_are_rejected_even_if_signed(address, store, parameters):
    assert await status(address, post(signed(*parameters))) == 400
    assert store.texts == []


@pytest.mark.parametrize("target", [f"?{SIGNED.decode()}", "?a=1", f"?{SIGNED.decode().partition('&')[0]}"])
async def test_a_query_string_is_rejected(address, store, target):
    for body in (SIGNED, SIGNED.partition(b"&")[2], b""):
        assert await status(address, post(body, target=callback.PATH + target)) == 400
    assert store.texts == []


@pytest.mark.parametrize("text", [quote(TEXT), "%", "\udcff", "message"])
async def test_what_1688_did_not_sign_is_not_stored(address, store, text):
    body = f"message={text}&_aop_signature={'0' * 40}".encode(errors="surrogateescape")
    assert await status(address, post(body)) == 401
    assert await status(address, post(body.partition(b"&")[0])) == 400
    assert store.texts == []


async def test_nothing_is_parsed_before_the_signature_is_verified(address, store):
    forged = SIGNED.replace(b"message=", b"message=%7B")
    store.parse_error = AssertionError("parsed")
    assert await status(address, post(forged)) == 401


def build_text(**members):
    return json.dumps({"msgId": 1, "type": "ORDER_BUYER_VIEW_ORDER_PAY"} | members).encode()


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"gmtBorn": NOW_MS - MAX_AGE_MS}, 200),
        ({"gmtBorn": NOW_MS - MAX_AGE_MS - 1}, 400),
        ({"gmtBorn": str(NOW_MS - MAX_AGE_MS - 1)}, 400),
        ({"gmtBorn": NOW_MS + MAX_AGE_MS}, 200),
        ({"gmtBorn": "soon"}, 200),
        ({}, 200),
        ({"data": {"msgSendTime": "2026-09-03 09:30:00"}}, 200),
        ({"data": {"msgSendTime": "2026-01-03 09:30:00"}}, 400),
        ({"data": {"msgSendTime": "2026-01-03 09:30:00"}, "gmtBorn": NOW_MS}, 200),
        ({"data": {"msgSendTime": "2026-09-03 09:30:00"}, "gmtBorn": 1}, 200),
    ],
)
async def test_a_message_is_too_old_if_all_its_times_are(address, store, members, expected):
    text = build_text(**members)
    assert await status(address, post(signed((b"message", text)))) == expected
    assert store.texts == [text] * (expected == 200)


async def test_a_compressed_body_is_not_unpacked(address, store):
    assert await status(address, post(SIGNED, "Content-Encoding: gzip")) == 200
    assert store.texts == [TEXT]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_form_has_at_most_64_kib(address, store, chunked):
    text = b"x" * (64 * 2**10 - len(signed((b"message", b""))))
    for size, expected in ((0, 200), (1, 413)):
        body = signed((b"message", text + b"x" * size))
        if chunked:
            request = head("Transfer-Encoding: chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        else:
            request = post(body)
        assert await status(address, request) == expected
    assert store.texts == [text]


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


async def test_without_the_store_1688_is_asked_to_try_again(address, store):
    store.error = StoreUnavailable("down")
    assert await status(address, post(SIGNED)) == 503


@pytest.mark.parametrize(
    ("request_line", "expected"), [(f"GET {callback.PATH}", 405), ("POST /", 404), ("POST /callbacks", 404)]
)
async def test_there_is_nothing_else(address, request_line, expected):
    assert await status(address, f"{request_line} HTTP/1.1\r\nHost: x\r\n\r\n".encode()) == expected
