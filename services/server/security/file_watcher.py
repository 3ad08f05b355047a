"""Files that may change while the process runs, as mounted secrets and configuration do."""

from collections.abc import Iterable
from pathlib import Path
from time import monotonic
from typing import TypeAlias

from prometheus_client import Counter

RELOAD_FAILURES = Counter(
    "nationalsite_reload_failures",
    "Changed files that could not be taken over; what they held before stays in force.",
    ["setting"],
)

_Mark: TypeAlias = tuple[tuple[int, int, int] | None, ...]


class FileWatcher:
    """Tells that one of some files is another than before; looks at them no more often than `every_s`."""

    def __init__(self, paths: Iterable[Path], every_s: float = 1.0) -> None:
        self._paths = tuple(paths)
        self._every_s = every_s
        self._looked = monotonic()
        self._mark = self._look()

    def changed(self) -> bool:
        """Whether they changed since this last said so."""
        if monotonic() - self._looked < self._every_s:
            return False
        self._looked, before = monotonic(), self._mark
        self._mark = self._look()
        return self._mark != before

    def _look(self) -> _Mark:
        return tuple(map(_mark, self._paths))


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
