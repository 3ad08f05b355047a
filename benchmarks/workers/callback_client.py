"""Pushes signed messages as 1688 does. The argument is host:port of a callback.

It shares the machine with the server, so it must use little CPU: the requests are built before the first one
is sent, and the service's own HTTP client sends them.
"""

import asyncio
import sys
from collections.abc import Iterator
from functools import partial
from itertools import count, islice

import uvloop

from benchmarks.workers import load_generator
from benchmarks.workers.command_loop import run_commands
from benchmarks.workers.minimal_server import HEADERS
from services.adapter.gateway.http_client.connection import HttpConnection
from services.adapter.gateway.http_client.request import HttpRequest, Origin
from tests.support.callbacks import build_body
from tests.support.push_client import PATH, build_message

TIMEOUT_S = 30


async def main(callback: str) -> None:
    """Run commands until stdin ends."""
    host, _, port = callback.partition(":")
    origin = Origin(is_tls=False, host=host, port=int(port))
    loop = asyncio.get_running_loop()
    idle: list[HttpConnection] = []
    requests = _build_requests(origin)

    async def push(built: Iterator[bytes]) -> int:
        if idle:
            connection = idle.pop()
        else:
            _, connection = await loop.create_connection(partial(HttpConnection, loop), host, origin.port)
        response = await connection.exchange([next(built)], loop.time() + TIMEOUT_S)
        idle.append(connection)
        if response.status != 200:
            raise load_generator.CallFailed(str(response.status))
        return 0

    async def closed_loop(in_flight: int, calls: int) -> object:
        built = iter(list(islice(requests, calls)))
        return await load_generator.closed_loop(partial(push, built), in_flight=in_flight, calls=calls)

    await run_commands({"closed_loop": closed_loop})


def _build_requests(origin: Origin) -> Iterator[bytes]:
    for number in count(1):
        body = build_body(build_message(number))
        headers = HEADERS | {"Host": f"{origin.host}:{origin.port}", "Content-Length": str(len(body))}
        request = HttpRequest(origin=origin, target=PATH, headers=headers, body=[body])
        yield b"".join(request.encode())


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
