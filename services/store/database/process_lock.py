"""One process a SQLite file: a second one that would serve from it is told so, and does not start."""

import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.errors import StartupError
from services.store.database.schema_migrations import SQLITE, parse_url


@asynccontextmanager
async def single_process_lock(url: str) -> AsyncIterator[None]:
    """Keep a SQLite store for this process while the context is open; PostgreSQL is shared, and left alone.

    The lock is the system's, on a file beside the store: it ends with the process, however that ends. The
    commands on a store do not take it. Raises StartupError where another process has it.
    """
    parsed = parse_url(url)
    if parsed.drivername != SQLITE:
        yield
        return
    file = Path(f"{parsed.database}-lock")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Not for writing: a store on a disk that is read only for a while is opened too.
        descriptor = os.open(file, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartupError([f"the store cannot be opened: {error.strerror}"]) from error
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
            ["another process serves from this SQLite store, which is for one: replicas share PostgreSQL"]
        ) from error
    except OSError as error:
        raise StartupError([f"the store cannot be locked: {error.strerror}"]) from error
