"""Runs commands for a parent process: one line of JSON on stdin, its result as one line on stdout."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping

Command = Callable[..., Awaitable[object]]


async def run_commands(commands: Mapping[str, Command]) -> None:
    """Print that the process is ready, and run commands one after the other until stdin ends."""
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        arguments = json.loads(line)
        result = await commands[arguments.pop("command")](**arguments)
        print(json.dumps(result), flush=True)
