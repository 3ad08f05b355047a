"""A small disk that can be filled, and one that can be read only."""

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = 4 * 2**20


class SmallDisk:
    """A file system in memory, where root may mount one."""

    how = "a full tmpfs"

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._filler = directory / "filler"

    def fill(self, pid: int) -> None:
        """Leave no room."""
        with self._filler.open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                return

    def clear(self, pid: int) -> None:
        """Make room again."""
        self._filler.unlink()

    def set_read_only(self, read_only: bool) -> None:
        """Forbid or allow writing, while no file is open."""
        _run("mount", "-o", f"remount,{'ro' if read_only else 'rw'}", str(self.directory))


class LimitedFiles:
    """Where nothing may be mounted: the process may let no file grow. SQLite then reports a failing disk."""

    how = "a limit on the size of files"

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._before: tuple[int, int] = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

    def fill(self, pid: int) -> None:
        """Leave no room."""
        largest = min(file.stat().st_size for file in self.directory.iterdir() if file.name.endswith("-wal"))
        self._before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest, self._before[1]))

    def clear(self, pid: int) -> None:
        """Make room again."""
        resource.prlimit(pid, resource.RLIMIT_FSIZE, self._before)

    def set_read_only(self, read_only: bool) -> None:
        """Forbid or allow writing. Means nothing to root, who mounts instead."""
        for file in self.directory.iterdir():
            file.chmod(0o400 if read_only else 0o600)
        self.directory.chmod(0o500 if read_only else 0o700)


@contextmanager
def small_disk(directory: Path) -> Iterator[SmallDisk | LimitedFiles]:
    """Yield what a store can be put on, in a directory of its own."""
    directory.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    if mounted:
        try:
            _run("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(directory))
        except subprocess.CalledProcessError:
            mounted = False  # a container without the right to
    try:
        yield SmallDisk(directory) if mounted else LimitedFiles(directory)
    finally:
        if mounted:
            _run("umount", str(directory))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 # the system's own
