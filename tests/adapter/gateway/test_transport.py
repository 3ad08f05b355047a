"""Connections that fail, break, or take too long: may 1688 have executed the call?"""

import asyncio
import socket
from contextlib import ExitStack

import pytest

from services.errors import ConnectError, ConnectionLost, DeadlineExceeded, DeadlineExceededInFlight


async def silent(_received, connection):
    await connection.wait_closed()


async def hang_up(_received, connection):
    connection.hang_up()


async def reset(_received, connection):
    connection.reset()


async def cut_head(_received, connection):
    await connection.write(b"HTTP/1.1 200 O")
    connection.hang_up()


async def cut_body(_received, connection):
    await connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    connection.hang_up()


async def cut_chunks(_received, connection):
    await connection.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")
    connection.hang_up()


async def reset_in_body(_received, connection):
    await connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    await asyncio.sleep(0)
    connection.reset()


async def half_a_body(_received, connection):
    await connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    await connection.wait_closed()


async def test_deadline_passed_before_sending(peer, make_gateway, call):
    with pytest.raises(DeadlineExceeded) as caught:
        await call(make_gateway(), timeout_s=0)

    assert not caught.value.may_have_executed
    assert peer.accepted == 0


@pytest.mark.parametrize("script", [silent, half_a_body])
async def test_deadline_passes_while_1688_works(script, peer, make_gateway, call, wait_until):
    gateway = make_gateway()
    await call(gateway)  # so that the next request needs no new connection, and is sent at once
    peer.on("param2", script)

    with pytest.raises(DeadlineExceededInFlight) as caught:
        await call(gateway, timeout_s=0.3)

    assert caught.value.may_have_executed
    assert len(peer.received) == 2
    await wait_until(lambda: not peer.open)


async def test_deadline_passes_while_a_file_is_sent(make_gateway, call):
    """The peer does not read: the buffers fill up in the middle of the body."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(DeadlineExceededInFlight):
            await call(make_gateway(url=url), files={"imageData": bytes(2**24)}, timeout_s=0.2)


async def test_response_while_a_file_is_sent(serve_raw, make_gateway, call):
    """The peer responds before it has read the whole request: the response counts."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await reader.read()

    response = await call(
        make_gateway(url=f"http://{await serve_raw(serve)}"), files={"imageData": bytes(2**24)}
    )

    assert response.value == {}


@pytest.mark.parametrize(
    "script", [hang_up, reset, cut_head, cut_body, cut_chunks, reset_in_body], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("warm", [False, True], ids=["new", "kept alive"])
async def test_lost_after_the_request_was_read(warm, script, peer, make_gateway, call, response):
    gateway = make_gateway()
    if warm:
        await call(gateway)
    peer.on("param2", script, response())

    with pytest.raises(ConnectionLost) as caught:
        await call(gateway)

    assert caught.value.may_have_executed
    assert len(peer.received) == 1 + warm, "the client itself does not retry"
    assert peer.accepted == 1
    assert (await call(gateway)).value == {}


async def test_idle_connection_closed_and_noticed(peer, make_gateway, call, wait_until, transport):
    gateway = make_gateway()
    await call(gateway)
    (connection,) = peer.open
    connection.hang_up()
    await wait_until(lambda: not peer.open)
    await wait_until(lambda: not any(idle.is_reusable for idle in transport._pool.idle))

    assert (await call(gateway)).value == {}
    assert peer.accepted == 2


async def test_idle_connection_closed_and_not_noticed(peer, make_gateway, call):
    """Bytes were written, so the call may have executed."""
    gateway = make_gateway()
    await call(gateway)
    (connection,) = peer.open
    connection.vanish()

    with pytest.raises(ConnectionLost) as caught:
        await call(gateway)

    assert caught.value.may_have_executed
    assert peer.accepted == 1
    assert (await call(gateway)).value == {}


async def test_connection_refused(make_gateway, call):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))

        with pytest.raises(ConnectError) as caught:
            await call(make_gateway(url=f"http://127.0.0.1:{bound.getsockname()[1]}"))

    assert not caught.value.may_have_executed


async def test_no_connection_is_accepted(make_gateway, call):
    """The queue of a listener is full: the kernel drops further connections."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())

        with pytest.raises(ConnectError) as caught:
            await call(make_gateway(url=f"http://127.0.0.1:{full.getsockname()[1]}"), timeout_s=0.3)

    assert not caught.value.may_have_executed


@pytest.mark.parametrize("host", ["[100::1]:80", ".".join(["a" * 60] * 5)], ids=["no route", "no name"])
async def test_no_route(host, make_gateway, call):
    with pytest.raises(ConnectError) as caught:
        await call(make_gateway(url=f"http://{host}"), timeout_s=0.3)

    assert not caught.value.may_have_executed


async def test_the_deadline_passes_before_the_connect_timeout(serve_raw, make_gateway, call, monkeypatch):
    """A busy process can notice both at once: what counts is that the request was never sent."""
    monkeypatch.setattr(asyncio, "timeout_at", lambda _deadline: asyncio.timeout(0.1))

    async def stay_silent(reader, _writer):
        await reader.read()

    with pytest.raises(ConnectError) as caught:
        await call(make_gateway(url=f"https://{await serve_raw(stay_silent)}"), timeout_s=2)

    assert not caught.value.may_have_executed


@pytest.mark.parametrize("ending", ["speaks no TLS", "hangs up", "resets", "is silent"])
async def test_no_tls(ending, serve_raw, make_gateway, call):
    """The request is sent only after the handshake."""
    read = []

    async def serve(reader, writer):
        read.append(await reader.read(4096))
        if ending == "speaks no TLS":
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        elif ending == "resets":
            writer.transport.abort()
        elif ending == "is silent":
            read.append(await reader.read())

    gateway = make_gateway(url=f"https://{await serve_raw(serve)}")
    with pytest.raises(ConnectError) as caught:
        await call(gateway, timeout_s=0.3)

    assert not caught.value.may_have_executed
    assert read
    assert not any(b"param2" in data for data in read)


async def test_every_connection_in_use(peer, make_gateway, call, monkeypatch, wait_until):
    """A timeout while waiting for a free connection: nothing was sent."""
    monkeypatch.setattr("services.adapter.gateway.transport.MAX_CONNECTIONS", 1)
    peer.on("param2", silent)
    gateway = make_gateway()
    first = asyncio.create_task(call(gateway))
    await wait_until(lambda: len(peer.received) == 1)

    with pytest.raises(ConnectError):
        await call(gateway, timeout_s=0.1)

    assert len(peer.received) == 1
    first.cancel()
    await asyncio.wait([first])


async def test_cancelling_closes_the_connection(peer, make_gateway, call, wait_until):
    peer.on("param2", silent)
    in_flight_call = asyncio.create_task(call(make_gateway()))
    await wait_until(lambda: len(peer.received) == 1)

    in_flight_call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await in_flight_call
    await wait_until(lambda: not peer.open)
