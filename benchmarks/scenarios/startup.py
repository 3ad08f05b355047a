"""The CPU time that a service needs to start, and its memory when idle."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Collection
from functools import partial
from pathlib import Path

from benchmarks.process_stats import cpu_s, resident_mib
from benchmarks.results import Result, Series, absolute, measure_rounds
from benchmarks.services import CHECKOUT, run_service
from services.store import migrate
from tests.support.postgres import postgres_server

SERVICES = {"start-product": "product", "start-order-sync": "order_sync", "start-account": "account"}
ROUNDS, LARGEST_PACKAGES = 5, 8
UNUSED_URL = "http://127.0.0.1:9"
"""There are no calls, so nothing is sent to 1688, if replay is off."""
UNUSED_REDIS_URL = "redis://127.0.0.1:9"
"""Redis is not needed either: a service starts without it."""
NO_REPLAY = {"NATIONALSITE_REPLAY_SECONDS": "0"}
_IMPORT = re.compile(r"import time: +(\d+) \| +\d+ \| +(\S+)")


def startup(rows: Collection[str]) -> dict[str, Result]:
    """Measure the CPU time until a service with an empty store is serving, and then its memory."""
    python = _install_production_packages()
    memory_mib: dict[str, list[float]] = {name: [] for name in SERVICES.values()}

    def start(name: str) -> float:
        with run_service(name, UNUSED_URL, NO_REPLAY, python=python) as service:
            used_s = cpu_s(service.pid)
            memory_mib[name].append(resident_mib(service.pid))
        return used_s

    starts = measure_rounds({name: partial(start, name) for name in SERVICES.values()}, "s", ROUNDS)
    results = {
        row: absolute(starts[name], details=_import_times(name, python) if row in rows else ())
        for row, name in SERVICES.items()
    }
    idle = {name: Series(name=name, unit="MiB", values=tuple(values)) for name, values in memory_mib.items()}
    results["memory-idle"] = absolute(
        idle.pop("order_sync"),
        details=tuple(idle.values()),
    )
    if "memory-idle-shared" in rows:
        results["memory-idle-shared"] = absolute(_measure_shared_memory(python))
    return results


def _measure_shared_memory(python: Path) -> Series:
    """Measure the memory of order sync with PostgreSQL and Redis."""

    def measure() -> float:
        with run_service("order_sync", UNUSED_URL, settings, python=python) as service:
            return resident_mib(service.pid)

    with postgres_server() as server:
        settings = {
            **NO_REPLAY,
            "NATIONALSITE_DATABASE_URL": server.url(),
            "NATIONALSITE_REDIS_URL": UNUSED_REDIS_URL,
        }
        migrate(server.url())
        return measure_rounds({"order_sync": measure}, "MiB", ROUNDS)["order_sync"]


def _install_production_packages() -> Path:
    """Install the packages that the images have, and return their interpreter.

    Libraries import development tools if they are there: structlog imports rich, which import-linter needs.
    """
    environment = CHECKOUT / "build" / "bench-production"
    python = environment / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    if not python.exists():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, environment], check=True)  # noqa: S603 # our own tools
    subprocess.run(  # noqa: S603
        [
            *(uv, "pip", "sync", "--quiet", "--compile-bytecode", "--require-hashes", "--python", python),
            CHECKOUT / "requirements.txt",
        ],
        check=True,
    )
    return python


def _import_times(name: str, python: Path) -> tuple[Series, ...]:
    """Return the time of imports by package, of one start; measuring it makes it slower."""
    process = subprocess.run(  # noqa: S603 # our own modules
        [python, "-X", "importtime", "-c", f"import services.{name}.__main__"],
        cwd=CHECKOUT,
        env={"PYTHONPATH": "gen/python"},
        capture_output=True,
        text=True,
        check=True,
    )
    import_us: Counter[str] = Counter()
    for line in process.stderr.splitlines():
        if match := _IMPORT.match(line):
            import_us[_package(match[2])] += int(match[1])
    largest = [(package, us / 1e6) for package, us in import_us.most_common(LARGEST_PACKAGES)]
    rest_s = import_us.total() / 1e6 - sum(seconds for _, seconds in largest)
    return tuple(
        Series(name=f"importing {package}", unit="s", values=(seconds,))
        for package, seconds in (*largest, ("all others", rest_s))
    )


def _package(module: str) -> str:
    """Return the package of a module; below namespace packages with the second name."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] in ("google", "opentelemetry") else parts[0]
