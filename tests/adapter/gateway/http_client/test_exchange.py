"""A connection serves another request only after a response that is complete and has nothing behind it.

The cases are the files in responses/: each is what the server sends. `kept`: the connection is used again;
`closed`: the response counts, but the connection is not used again; `broken`: there is no response.
"""

import asyncio
import gzip
import math
from pathlib import Path

import pytest

from services.adapter.gateway.http_client import connection as connection_module
from services.adapter.gateway.http_client.connection import ConnectionBroken, HttpConnection
from services.errors import ConnectionLost, UpstreamUnreadable
from tests.support.deadline_timers import record_timers

TIMEOUT_S = 10
CASES = Path(__file__).parent / "responses"


def cases(folder):
    files = sorted((CASES / folder).glob("*.http"))
    assert files
    return pytest.mark.parametrize(
        "data", [file.read_bytes() for file in files], ids=[file.stem for file in files]
    )


def sends(data):
    async def script(_received, connection):
        await connection.write(data)

    return script


@cases("kept")
async def test_connection_is_kept(data, peer, make_gateway, call):
    peer.on("param2", sends(data))
    gateway = make_gateway()
    for _ in range(3):
        assert (await call(gateway)).value == {"a": 1}
    assert peer.accepted == 1


@cases("kept")
async def test_response_that_arrives_byte_by_byte(data, peer, make_gateway, call):
    async def dribble(_received, connection):
        for byte in data:
            await connection.write(bytes((byte,)))
            await asyncio.sleep(0)

    peer.on("param2", dribble)
    gateway = make_gateway()
    for _ in range(2):
        assert (await call(gateway)).value == {"a": 1}
    assert peer.accepted == 1


@cases("closed")
async def test_connection_is_closed_after_the_response(data, peer, make_gateway, call, response, wait_until):
    peer.on("param2", sends(data), response(body={"next": True}))
    gateway = make_gateway()
    assert (await call(gateway)).value == {"a": 1}
    await wait_until(lambda: not peer.open)
    assert (await call(gateway)).value == {"next": True}, "not what followed the first response"
    assert peer.accepted == 2


@cases("broken")
async def test_no_response(data, peer, make_gateway, call, response, wait_until):
    peer.on("param2", sends(data), response(body={"next": True}))
    gateway = make_gateway()
    with pytest.raises(ConnectionLost) as caught:
        await call(gateway)
    assert caught.value.may_have_executed
    await wait_until(lambda: not peer.open)
    assert (await call(gateway)).value == {"next": True}
    assert (len(peer.received), peer.accepted) == (2, 2), "no request is sent twice"


async def test_a_connection_has_a_deadline_only_during_an_exchange(
    peer, make_gateway, call, response, wait_until, monkeypatch
):
    timers = record_timers(monkeypatch, connection_module)
    peer.on("param2", response(body={"n": 1}), response(body={"n": 2}))
    gateway = make_gateway()
    await call(gateway)
    (timer,) = timers
    assert (timer._deadline, timer._timer is None) == (math.inf, False)
    await call(gateway)
    (idle,) = peer.open
    idle.hang_up()
    await wait_until(lambda: timer._timer_end == -math.inf)  # it was closed, and did not just fire
    assert len(timers) == 1


async def test_an_exchange_on_a_closed_connection_fails_at_once(peer):
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: HttpConnection(loop), "127.0.0.1", peer.port)
    connection.close()
    await asyncio.sleep(0)
    async with asyncio.timeout(TIMEOUT_S):
        with pytest.raises(ConnectionBroken):
            await connection.exchange([b"POST / HTTP/1.1\r\n\r\n"], loop.time() + 2 * TIMEOUT_S)


async def test_response_that_nobody_asked_for(peer, make_gateway, call, response, wait_until):
    peer.on("param2", response(body={"n": 1}), response(body={"n": 2}))
    gateway = make_gateway()
    assert (await call(gateway)).value == {"n": 1}
    (idle,) = peer.open
    await idle.write(response(body={"n": "forged"}).encode())
    await wait_until(lambda: not peer.open)
    assert (await call(gateway)).value == {"n": 2}


async def test_response_of_a_cancelled_call_is_nobody_elses(peer, make_gateway, call, response, wait_until):
    """Also if it has already arrived when the call is cancelled."""
    arrived = asyncio.Event()

    async def respond(_received, connection):
        await connection.write(response(body={"of": "the cancelled call"}).encode())
        arrived.set()

    peer.on("param2", respond, response(body={"of": "the next call"}))
    gateway = make_gateway()
    cancelled = asyncio.create_task(call(gateway))
    await arrived.wait()
    cancelled.cancel()
    await asyncio.wait([cancelled])
    assert (await call(gateway)).value == {"of": "the next call"}


@pytest.mark.parametrize(
    ("first", "repeated"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Header: 0123456789\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"0123456789"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: 0123456789\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1;extension=0123456789\r\na\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"0123456789"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["headers", "a header", "trailers", "chunks", "a body without a length", "interim responses"],
)
async def test_response_without_an_end(first, repeated, peer, make_gateway, call, monkeypatch, wait_until):
    monkeypatch.setattr(connection_module, "MAX_HEAD_BYTES", 2**16)
    monkeypatch.setattr(connection_module, "MAX_RECEIVED_BYTES", 2**18)

    async def flood(_received, connection):
        await connection.write(first)
        for _ in range(2**20 // len(repeated * 1000)):
            await connection.write(repeated * 1000)
        await connection.wait_closed()

    peer.on("param2", flood)
    with pytest.raises(UpstreamUnreadable, match="too large"):
        await call(make_gateway())
    await wait_until(lambda: not peer.open)


async def test_space_behind_a_header(peer, make_gateway, call):
    """It is no part of the value (RFC 9110, 5.5)."""
    body = gzip.compress(b'{"a": 1}')
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding:  gzip \t\r\nContent-Length: %d \r\n\r\n" % len(body)
    peer.on("param2", sends(head + body))
    assert (await call(make_gateway())).value == {"a": 1}


async def test_body_without_a_length_that_is_reset(peer, make_gateway, call):
    """Only an orderly end of the connection is the end of the body."""

    async def cut(_received, connection):
        await connection.write(b"HTTP/1.1 200 OK\r\n\r\n{}")
        connection.reset()

    peer.on("param2", cut)
    with pytest.raises(ConnectionLost):
        await call(make_gateway())
