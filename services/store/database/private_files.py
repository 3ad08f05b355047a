"""Keeps the files of a SQLite database private: only their owner can read them."""

import os
from contextlib import suppress
from pathlib import Path

import structlog

FILE_MODE, DIRECTORY_MODE = 0o600, 0o700
_SUFFIXES = ("", "-wal", "-shm", "-journal")
"""Of SQLite's files. SQLite creates the others with the permissions of the database."""

_log = structlog.get_logger()


def make_private(database: Path) -> None:
    """Create the database's file and directories, if they do not exist, for their owner only.

    Permissions of existing files that others have are removed, and this is logged. The umask does not matter.
    Existing directories are not changed. Raises OSError, also if the file belongs to another user.
    """
    make_private_directory(database.parent)
    # An existing file is not opened: closing it would end all locks that SQLite has on it in this process.
    with suppress(FileExistsError):
        os.close(os.open(database, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))
    for suffix in _SUFFIXES:
        path = Path(f"{database}{suffix}")
        try:
            mode = path.stat().st_mode & 0o777
        except FileNotFoundError:
            continue
        if mode != FILE_MODE:
            path.chmod(FILE_MODE)
            if mode & ~FILE_MODE:
                _log.warning("store_file_made_private", file=str(path), previous_mode=f"{mode:o}")


def make_private_directory(directory: Path) -> None:
    """Create a directory and its parents, those that do not exist, for their owner only."""
    for each in reversed([each for each in (directory, *directory.parents) if not each.exists()]):
        each.mkdir(exist_ok=True)
        each.chmod(DIRECTORY_MODE)
