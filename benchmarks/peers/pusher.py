"""Pushes signed messages as 1688 does. The argument is host:port of a callback."""

import asyncio
import sys
from itertools import count

import aiohttp

from benchmarks.peers import load
from benchmarks.peers.floor import HEADERS
from benchmarks.peers.worker import obey
from tests.durability.pushing import PATH, body_of, text_of


async def main(callback: str) -> None:
    """Obey until there are no more commands."""
    numbers = count(1)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def push() -> int:
            body = body_of(text_of(next(numbers)))
            async with session.post(f"http://{callback}{PATH}", data=body, headers=HEADERS) as answer:
                await answer.read()
                if answer.status != 200:
                    raise load.Failed(str(answer.status))
            return 0

        async def closed(in_flight: int, calls: int) -> object:
            return await load.closed(push, in_flight=in_flight, calls=calls)

        await obey({"closed": closed})


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
