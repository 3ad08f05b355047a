"""Which connection a request gets, and when idle ones are closed."""

import asyncio
import tracemalloc

import pytest

from services.adapter.gateway.transport import KEEPALIVE_TIMEOUT_S


@pytest.fixture
def respond_together(peer, response):
    """respond_together(count) holds responses back until that many requests are there."""

    def prepare(count):
        barrier = asyncio.Barrier(count)

        async def script(_received, connection):
            await barrier.wait()
            await connection.write(response().encode())

        peer.on("param2", script)

    return prepare


async def test_requests_at_the_same_time_have_their_own_connections(
    peer, make_gateway, call, respond_together, transport
):
    gateway = make_gateway()
    for _ in range(2):
        respond_together(3)
        await asyncio.gather(*(call(gateway) for _ in range(3)))
        assert (peer.accepted, len(transport._pool.idle), transport._pool.in_use) == (3, 3, 0)


async def test_an_idle_connection_holds_no_response_in_memory(peer, make_gateway, call, response, transport):
    peer.on("param2", response(body=b'"' + b"a" * 2**20 + b'"'))
    gateway = make_gateway()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        await call(gateway)
        assert len(transport._pool.idle) == 1
        assert tracemalloc.get_traced_memory()[0] - before < 2**20
    finally:
        tracemalloc.stop()


async def test_the_connection_that_was_used_last_is_used_next(peer, make_gateway, call, respond_together):
    gateway = make_gateway()
    respond_together(2)
    await asyncio.gather(call(gateway), call(gateway))
    respond_together(1)
    pool = gateway._transport._pool
    last = pool.idle[-1]
    for _ in range(3):
        await call(gateway)
        assert pool.idle[-1] is last


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_an_old_connection_is_not_used(peer, make_gateway, call, advance_time, wait_until):
    gateway = make_gateway()
    await call(gateway)
    advance_time(KEEPALIVE_TIMEOUT_S + 1)
    await call(gateway)
    assert peer.accepted == 2
    await wait_until(lambda: len(peer.open) == 1)


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_old_connections_are_closed_without_further_calls(
    peer, make_gateway, call, advance_time, wait_until, respond_together
):
    gateway = make_gateway()
    respond_together(2)
    await asyncio.gather(call(gateway), call(gateway))
    advance_time(KEEPALIVE_TIMEOUT_S - 1)
    respond_together(1)
    await call(gateway)
    advance_time(2)
    await wait_until(lambda: len(peer.open) == 1)
    advance_time(KEEPALIVE_TIMEOUT_S)
    await wait_until(lambda: not peer.open)
    assert gateway._transport._pool.idle == []


async def test_a_call_waits_for_a_connection(peer, make_gateway, call, monkeypatch, wait_until, response):
    monkeypatch.setattr("services.adapter.gateway.transport.MAX_CONNECTIONS", 1)
    release = asyncio.Event()

    async def respond_later(_received, connection):
        await release.wait()
        await connection.write(response().encode())

    peer.on("param2", respond_later)
    gateway = make_gateway()
    calls = [asyncio.create_task(call(gateway)) for _ in range(3)]
    await wait_until(lambda: len(peer.received) == 1)
    release.set()
    await asyncio.gather(*calls)
    assert (len(peer.received), peer.accepted) == (3, 1)


async def test_connections_of_other_origins_are_not_used(peer, make_gateway, call):
    await call(make_gateway())
    await call(make_gateway(url=f"http://localhost:{peer.port}"))
    assert [received.headers["host"] for received in peer.received] == [
        f"127.0.0.1:{peer.port}",
        f"localhost:{peer.port}",
    ]
    assert peer.accepted == 2
