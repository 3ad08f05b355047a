"""A lock that lets only one process serve from a SQLite file. A second process does not start."""

import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.errors import StartupError
from services.store.database.connect_causes import DATABASE_URL
from services.store.database.engine import SQLITE, parse_url
from services.store.database.private_files import make_private_directory


@asynccontextmanager
async def single_process_lock(url: str) -> AsyncIterator[None]:
    """Lock a SQLite store while the context is open. PostgreSQL needs no lock: replicas share it.

    It is a file lock on a file beside the database, so the kernel releases it when the process ends. The
    command line (`migrate`, `erase`) does not take this lock. Raises StartupError if another process has it.
    """
    parsed = parse_url(url)
    if parsed.drivername != SQLITE:
        yield
        return
    lock_file = Path(f"{parsed.database}-lock")
    try:
        make_private_directory(lock_file.parent)
        # Opened read-only, because the service may start while its disk is read-only.
        descriptor = os.open(lock_file, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartupError([f"{DATABASE_URL}: the store cannot be opened: {error.strerror}"]) from error
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StartupError(
            [
                f"{DATABASE_URL}: another process serves from this SQLite store, and only one may: "
                "use PostgreSQL for several replicas"
            ]
        ) from error
    except OSError as error:
        raise StartupError([f"{DATABASE_URL}: the store cannot be locked: {error.strerror}"]) from error
