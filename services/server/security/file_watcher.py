"""Detects changes of files while the process runs, such as mounted secrets and configuration."""

from collections.abc import Iterable
from pathlib import Path
from time import monotonic
from typing import TypeAlias

from prometheus_client import Counter

RELOAD_FAILURES = Counter(
    "nationalsite_reload_failures",
    "Reloads of a changed file that failed; the content before the change stays in use.",
    ["setting"],
)

_Fingerprint: TypeAlias = tuple[int, int, int]


class FileWatcher:
    """Detects changes of some files. It checks them at most once per `interval_s`."""

    def __init__(self, paths: Iterable[Path], interval_s: float = 1.0) -> None:
        self._paths = tuple(paths)
        self._interval_s = interval_s
        self._checked_at = monotonic()
        self._fingerprints = self._read_fingerprints()

    def has_changed(self) -> bool:
        """Return whether a file has changed since this method returned True, or since the start."""
        if monotonic() - self._checked_at < self._interval_s:
            return False
        self._checked_at, previous = monotonic(), self._fingerprints
        self._fingerprints = self._read_fingerprints()
        return self._fingerprints != previous

    def _read_fingerprints(self) -> tuple[_Fingerprint | None, ...]:
        return tuple(map(_fingerprint, self._paths))


def _fingerprint(path: Path) -> _Fingerprint | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
