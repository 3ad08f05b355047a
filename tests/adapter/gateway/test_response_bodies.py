"""Every response body becomes a response or one of our errors."""

import gzip
import json
import zlib
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.adapter.gateway import transport as transport_module
from services.errors import ConnectionLost, NationalsiteError, UpstreamGateway, UpstreamUnreadable

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

UNREADABLE = {
    "empty": b"",
    "blank": b" ",
    "html": b"<html><body>Please wait</body></html>",
    "cut": b'{"success": tru',
    "two": b"{}{}",
    "too deep": b"[" * 100_000,
    "xml": b'<?xml version="1.0"?><error/>',
}
PACKED = {
    "not gzip": b'{"success": true}',
    "cut gzip": gzip.compress(json.dumps(list(range(1000))).encode())[:500],
    "gzip with a wrong sum": gzip.compress(b"{}")[:-8] + b"\0" * 8,
    "zlib": zlib.compress(b"{}"),
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
async def test_unreadable(body, peer, make_gateway, call, response):
    peer.on("param2", response(body=body, headers={"RequestId": "0a1b"}))

    with pytest.raises(UpstreamUnreadable) as caught:
        await call(make_gateway())
    assert (caught.value.upstream_request_id, caught.value.may_have_executed) == ("0a1b", True)


@pytest.mark.parametrize("body", PACKED.values(), ids=PACKED)
async def test_cannot_be_decompressed(body, peer, make_gateway, call, response):
    peer.on("param2", response(body=body, headers={"Content-Encoding": "gzip"}))

    with pytest.raises(UpstreamUnreadable):
        await call(make_gateway())


async def test_encoding_that_was_not_requested(peer, make_gateway, call, response):
    peer.on("param2", response(body=b"\x0b\x02\x80{}\x03", headers={"Content-Encoding": "br"}))

    with pytest.raises(UpstreamUnreadable):
        await call(make_gateway())


@pytest.mark.parametrize("packed", [False, True])
async def test_too_large(packed, peer, make_gateway, call, response):
    body = b" " * (transport_module.MAX_RESPONSE_BYTES + 1)
    headers = {"Content-Encoding": "gzip"} if packed else {}
    peer.on("param2", response(body=gzip.compress(body) if packed else body, headers=headers), response())
    gateway = make_gateway()

    with pytest.raises(UpstreamUnreadable, match="too large"):
        await call(gateway)
    assert (await call(gateway)).value == {}


async def test_large_is_fine(peer, make_gateway, call, response):
    peer.on("param2", response(body=b'"' + b"a" * 2**20 * 10 + b'"'))

    assert len((await call(make_gateway())).value) == 2**20 * 10


CHARSETS = {
    "gbk": ("application/json;charset=GBK", "gbk"),
    "gb2312 in quotes": ('text/html; charset="gb2312"', "gbk"),
    "gb18030": ("application/json; charset=gb18030", "gb18030"),
    "gbk, but none is named": ("application/json", "gbk"),
    "gbk, but UTF-8 is named": ("application/json;charset=UTF-8", "gbk"),
    "gbk, but ISO-8859-1 is named": ("text/plain;charset=ISO-8859-1", "gbk"),
    "UTF-8, but ISO-8859-1 is named": ("text/plain;charset=ISO-8859-1", "utf-8"),
    "UTF-8, but an unknown one is named": ("text/plain;charset=base64", "utf-8"),
}


@pytest.mark.parametrize(("content_type", "charset"), CHARSETS.values(), ids=CHARSETS)
async def test_charset(content_type, charset, peer, make_gateway, call, response):
    body = '{"subject": "红杯子", "note": "誠"}'.encode(charset)
    peer.on("param2", response(body=body, headers={"Content-Type": content_type}))

    assert (await call(make_gateway())).value == {"subject": "红杯子", "note": "誠"}


async def test_charset_of_an_error(peer, make_gateway, call, response):
    body = '{"error_code": "gw.X", "error_message": "系统繁忙"}'.encode("gbk")
    peer.on("param2", response(status=400, body=body, headers={"Content-Type": "text/json;charset=GBK"}))

    with pytest.raises(UpstreamGateway) as caught:
        await call(make_gateway())
    assert caught.value.upstream_message == "系统繁忙"


async def test_body_that_is_in_no_charset(peer, make_gateway, call, response):
    body = b'{"subject": "\xb1\xad\xff\xff"}'
    peer.on("param2", response(body=body, headers={"Content-Type": "text/json;charset=GBK"}))

    with pytest.raises(UpstreamUnreadable):
        await call(make_gateway())


async def test_chunked(peer, make_gateway, call):
    async def chunks(_, connection):
        await connection.write(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n"
        )

    peer.on("param2", chunks)

    assert (await call(make_gateway())).value == [1, 2]


async def test_body_that_ends_with_the_connection(peer, make_gateway, call):
    async def until_closed(_, connection):
        await connection.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[1]")
        connection.hang_up()

    peer.on("param2", until_closed)

    assert (await call(make_gateway())).value == [1]


SPELLINGS = ["error_code", "errorCode", "error"]
MEMBERS = [*SPELLINGS, "error_message", "errorMessage", "error_description", "exception", "request_id"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(MEMBERS) | st.text(max_size=5),
            inner
            | st.sampled_from(["401", "400", "gw.X", "gw.QosApp", "500", "5", "Request is expired.", 401]),
            max_size=5,
        )
    ),
    max_leaves=12,
)
BODIES = st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode())


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    body = bytearray(draw(BODIES))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(body)))
        body[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(body)


# The peer and the gateway serve all examples: each sets its own script and waits for its own response.
bounded = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@bounded
@given(
    status=st.integers(200, 599),
    body=mutated(),
    encoding=st.sampled_from(["", "", "", "gzip", "deflate", "identity", "gzip, deflate", "x"]),
)
async def test_any_body_is_a_response_or_one_of_our_errors(
    peer, make_gateway, call, response, status, body, encoding
):
    headers = {"Content-Encoding": encoding} if encoding else {}
    peer.on("param2", response(status=status, body=body, headers=headers))

    with suppress(NationalsiteError):
        await call(make_gateway(), anonymous=True)


@bounded
@given(
    head=st.binary(max_size=60)
    | st.sampled_from([b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 99999 \r\n", b"HTTP/1.1 101 Up\r\n\r\n"]),
    rest=st.binary(max_size=60)
    | st.sampled_from(
        [
            b"Content-Length: -1\r\n\r\n{}",
            b"Content-Length: 5\r\n\r\n{}",
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}",
            b"X: " + b"a" * 20_000 + b"\r\n\r\n",
            b"RequestId: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}",
            b"Content-Type: text/html; charset=nonsense\r\nContent-Length: 2\r\n\r\n{}",
        ]
    ),
)
async def test_any_bytes_are_a_response_or_one_of_our_errors(peer, make_gateway, call, head, rest):
    async def garbage(_, connection):
        await connection.write(head + rest)
        connection.hang_up()

    peer.on("param2", garbage)

    try:
        await call(make_gateway(), anonymous=True)
    except UpstreamGateway:
        pass  # there was a status
    except NationalsiteError as error:
        assert error.may_have_executed  # noqa: PT017 # it need not be raised


async def test_bytes_that_are_not_http_are_a_lost_connection(peer, make_gateway, call):
    async def garbage(_, connection):
        await connection.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    peer.on("param2", garbage)

    with pytest.raises(ConnectionLost):
        await call(make_gateway())
