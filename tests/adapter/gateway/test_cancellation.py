"""Cancelled calls are frequent: a caller's deadline cancels ours. They must not affect later calls."""

import asyncio
import random

import pytest

CANCELLED = 2_000
AT_ONCE = 100


@pytest.mark.slow
async def test_calls_succeed_after_many_cancelled_ones(
    peer, make_gateway, call, response, transport, wait_until
):
    rng = random.Random(4711)

    async def slow(_received, connection):
        await asyncio.sleep(rng.uniform(0, 0.02))
        await connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{")
        await asyncio.sleep(rng.uniform(0, 0.02))
        await connection.write(b"}")

    peer.on("param2", slow)
    gateway = make_gateway()
    loop = asyncio.get_running_loop()
    limit = asyncio.Semaphore(AT_ONCE)

    async def cancelled() -> bool:
        async with limit:
            in_flight_call = asyncio.create_task(call(gateway, {"q": "饼干"}))
            loop.call_later(rng.uniform(0, 0.04), in_flight_call.cancel)
            await asyncio.wait([in_flight_call])
            return in_flight_call.cancelled()

    outcomes = await asyncio.gather(*(cancelled() for _ in range(CANCELLED)))
    assert sum(outcomes) > CANCELLED * 0.5, "most were to be cancelled in the middle"

    peer.on("param2", response(body={"fine": True}))
    replies = await asyncio.gather(*(call(gateway) for _ in range(200)))

    assert [reply.value for reply in replies] == [{"fine": True}] * 200
    assert not transport._pool.in_use
    await wait_until(lambda: len(peer.open) == len(transport._pool.idle))
    await transport.close()
    await wait_until(lambda: not peer.open)
