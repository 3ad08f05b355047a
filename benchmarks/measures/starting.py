"""What a service takes to start, and what it holds when nobody has called."""

import re
import subprocess
from collections import Counter
from collections.abc import Collection

from benchmarks.cpu import cpu_s, resident_mib
from benchmarks.services import CHECKOUT, PYTHON, service
from benchmarks.taken import Series, Taken, alone, series

SERVICES = {"start-product": "product", "start-order-sync": "order_sync", "start-account": "account"}
ROUNDS, LARGEST_PARTS = 5, 8
NOWHERE = "http://127.0.0.1:9"
"""Nobody calls, and so nobody is called; the replay of messages would be."""
QUIET = {"NATIONALSITE_REPLAY_SECONDS": "0"}
_IMPORT = re.compile(r"import time: +(\d+) \| +\d+ \| +(\S+)")


def starting(rows: Collection[str]) -> dict[str, Taken]:
    """Measure CPU until a service says that it serves, on an empty store, and its memory then."""
    memory: dict[str, list[float]] = {name: [] for name in SERVICES.values()}

    def started(name: str) -> float:
        with service(name, NOWHERE, QUIET) as running:
            used_s = cpu_s(running.pid)
            memory[name].append(resident_mib(running.pid))
        return used_s

    starts = series({name: lambda name=name: started(name) for name in SERVICES.values()}, "s", ROUNDS)
    found = {
        row: alone(starts[name], parts=_imports(name) if row in rows else ())
        for row, name in SERVICES.items()
    }
    idle = [Series(what=name, unit="MiB", values=tuple(memory[name])) for name in SERVICES.values()]
    return found | {"memory-idle": alone(idle[0], parts=idle[1:])}


def _imports(name: str) -> tuple[Series, ...]:
    """Return what imports take by package: each module's own time, of one start, slowed by being timed."""
    told = subprocess.run(  # noqa: S603 # our own modules
        [PYTHON, "-X", "importtime", "-c", f"import services.{name}.__main__"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    found: Counter[str] = Counter()
    for line in told.stderr.splitlines():
        if match := _IMPORT.match(line):
            found[_package(match[2])] += int(match[1])
    largest = [(package, micros / 1e6) for package, micros in found.most_common(LARGEST_PARTS)]
    rest = sum(found.values()) / 1e6 - sum(seconds for _, seconds in largest)
    return tuple(
        Series(what=f"importing {package}", unit="s", values=(seconds,))
        for package, seconds in (*largest, ("all else", rest))
    )


def _package(module: str) -> str:
    """Return what a module is counted under: of namespaces the second name tells more."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] in ("google", "opentelemetry") else parts[0]
