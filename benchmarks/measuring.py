"""Figures of processes, and what is said of many of them."""

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that the threads of a process have used, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def memory_mib(pid: int, which: str = "VmRSS") -> float:
    """Return the resident memory of a process, or with VmHWM the most it has ever had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{which}:")) / 1024


def forget_most(pid: int) -> None:
    """Let the most that a process has ever had begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A figure that was taken several times."""

    median: float
    least: float
    most: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Say it of these values."""
        return cls(median=statistics.median(values), least=min(values), most=max(values), rounds=len(values))

    def __str__(self) -> str:
        """Such as `412 (398..455)`."""
        return f"{_short(self.median)} ({_short(self.least)}..{_short(self.most)})"


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine() -> str:
    """Return what the figures were taken on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    load = f"load {os.getloadavg()[0]:.1f} at the beginning"
    return f"{os.cpu_count()} cores, {next(models, 'unknown')}, {load}"
