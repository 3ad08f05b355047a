"""The row about a process: what it takes to start, what it holds idle and with a thousand calls in flight."""

import asyncio
import re
import subprocess
import threading
from collections import Counter

from benchmarks import load, processes
from benchmarks.measuring import Spread, cpu_s, memory_mib
from benchmarks.result import Figure, Result
from benchmarks.searching import DELAY_MS, MANY, search

ROUNDS, PARTS = 5, 6
_IMPORT = re.compile(r"import time: +(\d+) \| +\d+ \|( +)(\S+)")


def starting() -> list[Result]:
    """CPU until a service serves, and its memory."""
    starts, idle = [], []
    with processes.upstream() as upstream:
        for _ in range(ROUNDS):
            with processes.service("product", upstream.address) as suite:
                starts.append(cpu_s(suite.pid))
                idle.append(memory_mib(suite.pid))
        busy = _busy(upstream.address)
    start = Spread.of(starts)
    figures = {
        "start": Figure(unit="s of CPU", spread=start),
        "idle": Figure(unit="MiB", spread=Spread.of(idle)),
    }
    figures["1,000 in flight"] = Figure(unit="MiB", spread=Spread.of([busy]))
    for package, seconds in _imports().most_common(PARTS):
        figures[f"importing {package}"] = Figure(unit="s", spread=Spread.of([seconds]))
    return [
        Result(
            row="start",
            title="start of the product service until SERVING; its memory",
            figures=figures,
            found=start.median,
            wanted=1,
            unit="s of CPU",
        )
    ]


def _busy(url: str) -> float:
    """Return the most memory that is seen while a thousand searches are in flight."""
    seen: list[float] = []
    done = threading.Event()
    with processes.service("product", url, {"NATIONALSITE_MAX_UPSTREAM_CALLS": str(MANY)}) as suite:

        def watch() -> None:
            while not done.wait(0.05):
                seen.append(memory_mib(suite.pid))

        watching = threading.Thread(target=watch)
        watching.start()
        slow = search(suite, f"search-20-wait-{DELAY_MS}")
        asyncio.run(load.run(slow, MANY, 2 * MANY, over_s=DELAY_MS / 1000))
        done.set()
        watching.join()
    return max(seen)


def _imports() -> Counter[str]:
    """Return the seconds that each package's own modules take to import, all else not counted."""
    python = processes.CHECKOUT / ".venv" / "bin" / "python"
    command = [str(python), "-X", "importtime", "-c", "import services.product.__main__"]
    told = subprocess.run(command, cwd=processes.CHECKOUT, capture_output=True, text=True, check=True)  # noqa: S603 # ours
    found: Counter[str] = Counter()
    for line in told.stderr.splitlines():
        if match := _IMPORT.match(line):
            found[match[3].partition(".")[0]] += int(match[1]) / 1e6  # type: ignore[assignment] # seconds
    return found
