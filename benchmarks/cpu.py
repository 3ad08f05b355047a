"""What a process has used: CPU time to the nanosecond, and memory."""

import os
import time
from pathlib import Path

_OF_A_PROCESS = 2
"""Linux's number of the clock that counts what all threads of a process spent on a CPU."""


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process, of its threads that have ended too, but not of its children."""
    return time.clock_gettime(~pid << 3 | _OF_A_PROCESS)


def resident_mib(pid: int) -> float:
    """Return the memory that a process has now."""
    return _status_mib(pid, "VmRSS")


def peak_mib(pid: int) -> float:
    """Return the most memory that a process has had since it started, or since `forget_peak`."""
    return _status_mib(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Let the peak of a process begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def load() -> float:
    """Return how many processes wanted a CPU of this machine in the last minute, ours among them."""
    return os.getloadavg()[0]


def _status_mib(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024
