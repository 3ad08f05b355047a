"""Calls an upstream without a service: a fixed POST through bare aiohttp. The argument is its URL."""

import sys

import aiohttp
import uvloop

from benchmarks.peers import load
from benchmarks.peers.floor import FORM, HEADERS
from benchmarks.peers.worker import obey


async def main(url: str) -> None:
    """Obey until there are no more commands."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def call() -> int:
            try:
                async with session.post(url, data=FORM, headers=HEADERS) as reply:
                    return len(await reply.read())
            except (aiohttp.ClientError, TimeoutError) as error:
                raise load.Failed(type(error).__name__) from error

        async def paced(per_s: float, calls: int, most: int) -> object:
            return await load.paced(call, per_s=per_s, calls=calls, most=most)

        await obey({"paced": paced})


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
