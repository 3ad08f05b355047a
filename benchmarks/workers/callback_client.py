"""Pushes signed messages as 1688 does. The argument is host:port of a callback."""

import asyncio
import sys
from itertools import count

import aiohttp

from benchmarks.workers import load_generator
from benchmarks.workers.command_loop import run_commands
from benchmarks.workers.minimal_server import HEADERS
from tests.support.callbacks import build_body
from tests.support.push_client import PATH, build_message


async def main(callback: str) -> None:
    """Run commands until stdin ends."""
    numbers = count(1)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def push() -> int:
            body = build_body(build_message(next(numbers)))
            async with session.post(f"http://{callback}{PATH}", data=body, headers=HEADERS) as response:
                await response.read()
                if response.status != 200:
                    raise load_generator.CallFailed(str(response.status))
            return 0

        async def closed_loop(in_flight: int, calls: int) -> object:
            return await load_generator.closed_loop(push, in_flight=in_flight, calls=calls)

        await run_commands({"closed_loop": closed_loop})


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
