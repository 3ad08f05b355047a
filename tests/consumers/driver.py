"""A driver in a process of its own: sends it commands, and distributes its events to the scenarios."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.consumers.scripted_server import Happening
from tools.local_stack import ROOT

_EXIT_TIMEOUT_S = 20


class Driver:
    """A running driver."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._events: defaultdict[str, asyncio.Queue[Happening]] = defaultdict(asyncio.Queue)

    def events(self, consumer: str) -> asyncio.Queue[Happening]:
        """Return the events of one consumer, in order. The last one is the exit of the driver."""
        return self._events[consumer]

    async def send(self, command: str, consumer: str, **members: Any) -> None:
        """Send a command."""
        line = json.dumps({"command": command, "consumer": consumer, **members})
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()

    async def read_events(self) -> None:
        """Read events until the driver exits."""
        async for line in self._process.stdout:
            event = json.loads(line)
            kind, consumer = event.pop("event"), event.pop("consumer")
            self._events[consumer].put_nowait(_parse_event(kind, event))
        code = await self._process.wait()
        for queue in self._events.values():
            queue.put_nowait(Happening(kind=f"exit of the driver with {code}"))


@asynccontextmanager
async def start_driver(command: list[str | Path], log: Path) -> AsyncIterator[Driver]:
    """Start a driver, and in the end check that it exits with 0 when its stdin ends."""
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=stderr
        )
    driver = Driver(process)
    reader = asyncio.create_task(driver.read_events())
    try:
        yield driver
        process.stdin.close()
        await asyncio.wait_for(reader, _EXIT_TIMEOUT_S)
        assert process.returncode == 0, f"the driver exited with {process.returncode}: {log}"
    finally:
        reader.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()


def _parse_event(kind: str, event: dict[str, Any]) -> Happening:
    match kind:
        case "started":
            return Happening(kind=kind, value=[f"{event['message_id']}#{event['delivery_attempt']}"])
        case "cancelled":
            return Happening(kind=kind, value=[event["message_id"]])
        case "ended":
            return Happening(kind=kind, value=event["error"] or {})
    return Happening(kind=f"unknown event {kind}", value=event)
