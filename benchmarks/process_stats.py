"""CPU time and memory of a process, from Linux."""

import os
import time
from contextlib import suppress
from pathlib import Path

_CPUCLOCK_SCHED = 2
"""Linux's clock type: nanoseconds that all threads of a process spent on a CPU."""


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process in seconds, with its ended threads, without its children."""
    return time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)


def family_cpu_s(pid: int) -> float:
    """Return the CPU time of a process and of its children, also of those that have ended."""
    _, _, stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    ended_s = sum(map(int, stat.split()[13:15])) / os.sysconf("SC_CLK_TCK")  # cutime, cstime
    children_s = 0.0
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(OSError):  # it has ended meanwhile
            children_s += cpu_s(int(child))
    return cpu_s(pid) + children_s + ended_s


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process."""
    return _status_mib(pid, "VmRSS")


def peak_mib(pid: int) -> float:
    """Return the peak of the resident memory since the start or the last `reset_peak`."""
    return _status_mib(pid, "VmHWM")


def reset_peak(pid: int) -> None:
    """Reset the peak of the resident memory."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def load_average() -> float:
    """Return the load average of the last minute."""
    return os.getloadavg()[0]


def voluntary_switches(pid: int) -> dict[int, int]:
    """Return how often each thread of a process has given up the CPU to wait."""
    files = Path(f"/proc/{pid}/task").glob("*/status")
    return {
        int(file.parent.name): int(file.read_text().rpartition("\nvoluntary_ctxt_switches:")[2].split()[0])
        for file in files
    }


def _status_mib(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024
