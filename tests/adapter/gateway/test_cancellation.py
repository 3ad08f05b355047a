"""Cancelled calls are an everyday event: a caller's deadline cancels ours. They must cost nothing later."""

import asyncio
import random

CANCELLED = 2_000
AT_ONCE = 100


async def test_good_calls_after_many_cancelled_ones(peer, make_gateway, call, answer, transport, wait_until):
    chance = random.Random(4711)

    async def slow(_received, wire):
        await asyncio.sleep(chance.uniform(0, 0.02))
        await wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{")
        await asyncio.sleep(chance.uniform(0, 0.02))
        await wire.write(b"}")

    peer.on("param2", slow)
    gateway = make_gateway()
    loop = asyncio.get_running_loop()
    limit = asyncio.Semaphore(AT_ONCE)

    async def cancelled() -> bool:
        async with limit:
            under_way = asyncio.create_task(call(gateway, {"q": "饼干"}))
            loop.call_later(chance.uniform(0, 0.04), under_way.cancel)
            await asyncio.wait([under_way])
            return under_way.cancelled()

    outcomes = await asyncio.gather(*(cancelled() for _ in range(CANCELLED)))
    assert sum(outcomes) > CANCELLED * 0.5, "most were to be cancelled in the middle"

    peer.on("param2", answer(body={"fine": True}))
    replies = await asyncio.gather(*(call(gateway) for _ in range(200)))

    assert [reply.value for reply in replies] == [{"fine": True}] * 200
    connector = transport._session.connector
    assert not connector._acquired
    idle = sum(len(kept) for kept in connector._conns.values())
    await wait_until(lambda: len(peer.open) == idle)
    await transport.close()
    await wait_until(lambda: not peer.open)
