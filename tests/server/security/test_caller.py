"""The caller in the tasks of a handler."""

import asyncio

from services.server import current_caller
from tests.server.callers import forwarded
from tests.server.shop_server import Line, running_shop


async def test_a_stream_and_the_tasks_of_its_handler_know_the_caller():
    async def chat(requests, _deadline):
        async for _ in requests:
            yield Line(sku=await asyncio.create_task(read_identity())).SerializeToString()

    async def read_identity():
        return current_caller().identity[-8:]

    async with running_shop({"Chat": chat}, trusted_proxies="loopback") as shop:
        calls = [
            shop.client.Chat(iter([Line()] * 3), metadata=forwarded(f"URI=spiffe://a/{number}"))
            for number in range(10)
        ]
        identities = [[response.sku async for response in call] for call in calls]
    assert identities == [[f"iffe://a/{number}"[-8:]] * 3 for number in range(10)]
