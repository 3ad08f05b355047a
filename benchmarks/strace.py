"""The system calls of a running process, from strace."""

import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import START_TIMEOUT_S, stop

_CALL = re.compile(r"^(\d+) +(\w+)\(", re.MULTILINE)


@contextmanager
def traced_system_calls(pid: int) -> Iterator[Counter[tuple[int, str]]]:
    """Trace a process while the context is open; then the counter has its calls by thread and name."""
    calls: Counter[tuple[int, str]] = Counter()
    with TemporaryDirectory(prefix="strace-") as directory:
        file = Path(directory) / "calls"
        strace = subprocess.Popen(  # noqa: S603 # our own arguments
            ["strace", "-f", "-s0", "-e", "signal=none", "-o", file, "-p", str(pid)],  # noqa: S607 # found by PATH
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_until_attached(pid)
            yield calls
        finally:
            stop(strace)
        calls.update(parse(file.read_text()))


def parse(lines: str) -> Counter[tuple[int, str]]:
    """Count the calls in strace's output, by thread and name."""
    return Counter((int(thread), name) for thread, name in _CALL.findall(lines))


def _wait_until_attached(pid: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    threads = Path(f"/proc/{pid}/task")
    while any("TracerPid:\t0\n" in status.read_text() for status in threads.glob("*/status")):
        if time.monotonic() > deadline:
            raise RuntimeError("strace cannot attach to the service")
        time.sleep(0.01)
