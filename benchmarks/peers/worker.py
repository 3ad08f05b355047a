"""A process that carries out commands: one line of JSON on standard input, its answer on standard output."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping

Command = Callable[..., Awaitable[object]]


async def obey(commands: Mapping[str, Command]) -> None:
    """Say that it is ready, and carry out commands, one after the other, until there are no more."""
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        told = json.loads(line)
        answer = await commands[told.pop("do")](**told)
        print(json.dumps(answer), flush=True)
