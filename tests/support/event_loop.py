"""Lets other tasks run."""

import asyncio


async def run_turns(turns: int = 10) -> None:
    """Let the event loop run for some turns: by default enough for other tasks to get to where they wait."""
    for _ in range(turns):
        await asyncio.sleep(0)
