"""The clock of a process, which a test sets while the process runs (Debian package libfaketime).

The clock for durations, CLOCK_MONOTONIC, is not changed, as on a machine whose time is set.
"""

from collections.abc import Mapping
from pathlib import Path

LIBRARIES = Path("/usr/lib")
CACHE_S = 1
"""The process notices a new offset after at most this time."""


class FakeTimeNotInstalled(Exception):
    """libfaketime is missing."""


class FakeTime:
    """The offset of a process's clock to the machine's clock."""

    def __init__(self, file: Path, offset_s: float = 0.0) -> None:
        self._file = file
        self.set(offset_s)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that give a process this clock. Raises FakeTimeNotInstalled."""
        library = next(LIBRARIES.glob("*/faketime/libfaketimeMT.so.1"), None)
        if library is None:
            raise FakeTimeNotInstalled("install the Debian package libfaketime")
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_CACHE_DURATION": str(CACHE_S),
            # Else timed waits for a condition, so also for Python's global lock, last too long.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }

    def set(self, offset_s: float) -> None:
        """Set the clock ahead (a positive offset) or back."""
        # Replaced as a whole: the process may read the file at any moment.
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset_s:+f}\n")
        new.replace(self._file)
