"""Calls an upstream directly: a fixed POST through plain aiohttp. The argument is its URL."""

import sys

import aiohttp
import uvloop

from benchmarks.workers import load_generator
from benchmarks.workers.command_loop import run_commands
from benchmarks.workers.minimal_server import FORM, HEADERS


async def main(url: str) -> None:
    """Run commands until stdin ends."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def call() -> int:
            try:
                async with session.post(url, data=FORM, headers=HEADERS) as response:
                    return len(await response.read())
            except (aiohttp.ClientError, TimeoutError) as error:
                raise load_generator.CallFailed(type(error).__name__) from error

        async def constant_rate(calls_per_s: float, calls: int, max_in_flight: int) -> object:
            return await load_generator.constant_rate(
                call, calls_per_s=calls_per_s, calls=calls, max_in_flight=max_in_flight
            )

        await run_commands({"constant_rate": constant_rate})


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
