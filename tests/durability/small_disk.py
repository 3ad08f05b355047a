"""A small disk for a store, which a test can fill and make read-only."""

import os
import resource
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SIZE_BYTES = 4 * 2**20


class Tmpfs:
    """A file system in memory. Mounting it needs root."""

    description = "a full tmpfs"

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._filler = directory / "filler"
        self._cleared = threading.Event()
        self._filling: threading.Thread | None = None

    def fill(self, pid: int) -> None:
        """Leave no space for the process, also when it truncates its files."""
        self._cleared.clear()
        self._write()
        self._filling = threading.Thread(target=self._refill)
        self._filling.start()

    def clear(self, pid: int) -> None:
        """Make space again."""
        assert self._filling is not None
        self._cleared.set()
        self._filling.join()
        self._filler.unlink()

    def _refill(self) -> None:
        while not self._cleared.wait(0.001):
            self._write()

    def _write(self) -> None:
        with self._filler.open("ab", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(b"x" * 4096)

    def set_read_only(self, read_only: bool) -> None:
        """Forbid or allow writes. No file may be open."""
        _run("mount", "-o", f"remount,{'ro' if read_only else 'rw'}", str(self.directory))


class FileSizeLimit:
    """A replacement without root: the process may not let files grow, and SQLite reports a disk error."""

    description = "a limit on the size of files"

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._original_limit: tuple[int, int] = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

    def fill(self, pid: int) -> None:
        """Leave no space for the process."""
        max_size = min(file.stat().st_size for file in self.directory.iterdir() if file.name.endswith("-wal"))
        self._original_limit = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (max_size, self._original_limit[1]))

    def clear(self, pid: int) -> None:
        """Make space again."""
        resource.prlimit(pid, resource.RLIMIT_FSIZE, self._original_limit)

    def set_read_only(self, read_only: bool) -> None:
        """Forbid or allow writes. It has no effect on root, which mounts a tmpfs instead."""
        for file in self.directory.iterdir():
            file.chmod(0o400 if read_only else 0o600)
        self.directory.chmod(0o500 if read_only else 0o700)


@contextmanager
def small_disk(directory: Path) -> Iterator[Tmpfs | FileSizeLimit]:
    """Create the directory, and yield the disk that it is on."""
    directory.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    if mounted:
        try:
            _run("mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "tmpfs", str(directory))
        except subprocess.CalledProcessError:
            mounted = False  # a container without this permission
    try:
        yield Tmpfs(directory) if mounted else FileSizeLimit(directory)
    finally:
        if mounted:
            _run("umount", str(directory))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 # commands of the system
