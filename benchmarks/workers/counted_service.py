"""Runs a service. Between two signals SIGUSR1, counts what the thread of its event loop does.

Arguments: the module of the service, and a file. The first signal creates the file, the second one writes
the counts to it as JSON. This module is run by its path, with the interpreter and in the directory of the
checkout that is measured, so it imports nothing of its own checkout.
"""

import cProfile
import gc
import json
import os
import runpy
import signal
import sys
from collections import Counter
from itertools import cycle
from pathlib import Path
from typing import Any, ClassVar

import uvloop


class CountingLoop(uvloop.Loop):
    """Counts what is asked of the loop. What uvloop does by itself, such as reading a socket, is not seen."""

    counts: ClassVar[Counter[str]] = Counter()

    def call_soon(self, *arguments: Any, context: Any = None) -> Any:  # type: ignore[override]
        """Count a handle."""
        self._count("handles", context)
        return super().call_soon(*arguments, context=context)

    def call_soon_threadsafe(self, *arguments: Any, context: Any = None) -> Any:  # type: ignore[override]
        """Count a handle."""
        self._count("handles", context)
        return super().call_soon_threadsafe(*arguments, context=context)

    def call_later(self, *arguments: Any, context: Any = None) -> Any:  # type: ignore[override]
        """Count a timer, also one of call_at."""
        self._count("timers", context)
        return super().call_later(*arguments, context=context)

    def create_future(self) -> Any:
        """Count a future."""
        self.counts["futures"] += 1
        return super().create_future()

    def create_task(self, *arguments: Any, context: Any = None, **options: Any) -> Any:
        """Count a task."""
        self._count("tasks", context)
        return super().create_task(*arguments, context=context, **options)

    def _count(self, name: str, context: Any) -> None:
        self.counts[name] += 1
        self.counts["context copies"] += context is None  # then the loop, or the task, copies the current one


def main(module: str, file: Path) -> None:
    """Run the service."""
    profile = cProfile.Profile()

    def begin() -> None:
        profile.clear()
        CountingLoop.counts.clear()
        CountingLoop.counts["garbage collections"] = -_count_collections()
        file.touch()
        profile.enable()

    def end() -> None:
        profile.disable()
        CountingLoop.counts["garbage collections"] += _count_collections()
        temporary = file.with_suffix(".tmp")
        temporary.write_text(json.dumps(CountingLoop.counts | _count_functions(profile)))
        temporary.replace(file)

    actions = cycle((begin, end))
    signal.signal(signal.SIGUSR1, lambda _number, _frame: next(actions)())
    uvloop.new_event_loop = CountingLoop
    sys.argv, sys.path[0] = [module], os.getcwd()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _count_functions(profile: cProfile.Profile) -> Counter[str]:
    counts: Counter[str] = Counter()
    for entry in profile.getstats():
        if isinstance(entry.code, str):
            counts["calls of functions in C"] += entry.callcount
        elif entry.code.co_filename != __file__:
            counts["calls of functions in Python"] += entry.callcount
            is_timeout = entry.code.co_qualname == "Timeout.__aenter__"  # of asyncio.timeout and timeout_at
            counts["asyncio.timeout"] += entry.callcount * is_timeout
    return counts


def _count_collections() -> int:
    return sum(generation["collections"] for generation in gc.get_stats())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
