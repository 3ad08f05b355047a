"""Wakes who waits for something in the store.

A wake-up says that looking again may pay, no more. One that is lost, since a process died or the database was
away, costs time and no message: whoever waits also looks after `LOOK_S`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

POLL_INTERVAL_S = 15.0
"""Whoever waits looks this often without being woken."""

Publish = Callable[[Iterable[str]], None]
"""Tells other replicas of keys, some time soon."""


class Notifier:
    """Who waits in this process, by key. A key names what is waited for, such as `messages:7`."""

    def __init__(self, announce: Publish = lambda keys: None) -> None:
        self._announce = announce
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def watch(self, key: str) -> Iterator[asyncio.Event]:
        """Yield an event that wake-ups set from now on. Clear it, look, and only then wait for it."""
        woken = asyncio.Event()
        self._waiting[key].add(woken)
        try:
            yield woken
        finally:
            self._waiting[key].discard(woken)
            if not self._waiting[key]:
                del self._waiting[key]

    def wake(self, *keys: str) -> None:
        """Wake who waits for these, here and in other replicas. For after the commit."""
        if keys:
            self.wake_here(keys)
            self._announce(keys)

    def wake_here(self, keys: Iterable[str]) -> None:
        """Wake who waits for these in this process."""
        for key in keys:
            for woken in self._waiting.get(key, ()):
                woken.set()

    def wake_everybody_here(self) -> None:
        """Wake all that wait in this process: nobody knows what was missed."""
        self.wake_here(tuple(self._waiting))


async def wait(woken: asyncio.Event, timeout_s: float) -> None:
    """Wait for a wake-up, until there is one or the time is over."""
    try:
        async with asyncio.timeout(timeout_s):
            await woken.wait()
    except TimeoutError:
        return
