"""The child processes of a process, from /proc."""

from pathlib import Path


def list_children(pid: int) -> set[int]:
    """Return the ids of the child processes, also of those that have ended and were not waited for."""
    return {int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if _read_parent(stat) == pid}


def _read_parent(stat: Path) -> int | None:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:  # it has ended
        return None


def read_command(pid: int) -> str:
    """Return the command line of a process; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def read_peak_bytes(pid: int) -> int:
    """Return the largest resident memory that a process has had; 0 if it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM")), 0)
