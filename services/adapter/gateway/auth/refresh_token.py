"""The refresh token, and the file it is stored in."""

import asyncio
import os
import tempfile
from pathlib import Path

import structlog

REREAD_DELAYS_S = (0.0, 0.05, 0.1, 0.2, 0.4)
"""Waits before each new reading of the file after 1688 rejected the token: another replica may be writing."""

_log = structlog.get_logger()


class RefreshToken:
    """The refresh token, and its file, if any."""

    def __init__(self, token: str, path: Path | None = None, *, is_shared: bool = False) -> None:
        """`is_shared`: other replicas, and the next process, get a rotated token from Redis."""
        self.token = token
        self._path = path
        self._is_shared = is_shared

    def rotate(self, token: str) -> None:
        """Store a new token in place of the old one, which 1688 may have invalidated."""
        self.token = token
        if self._path is None:
            if not self._is_shared:
                _log.warning("refresh_token_rotated", stored="in memory only")
            return
        try:
            write_token(self._path, token)
        except OSError as error:
            _log.error("refresh_token_not_written", path=str(self._path), error=error.strerror)

    async def wait_for_rotation(self) -> bool:
        """Wait a short time for another replica to write a new token to the file; return whether it did."""
        for delay_s in REREAD_DELAYS_S if self._path else ():
            await asyncio.sleep(delay_s)
            if await asyncio.to_thread(self.reread):
                return True
        return False

    def reread(self) -> bool:
        """Read the file again; return whether it has another token."""
        if self._path is None:
            return False
        try:
            token = self._path.read_text().strip()
        except (OSError, UnicodeDecodeError):
            return False
        has_changed = bool(token) and token != self.token
        if has_changed:
            self.token = token
        return has_changed


def write_token(path: Path, token: str, *, mode: int | None = None) -> None:
    """Write a token to a file atomically: after a crash the file has the old content or the new.

    The file keeps its permissions, unless `mode` sets others. Raises OSError.
    """
    path = path.resolve()  # a symbolic link is kept: its target is replaced
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, path.stat().st_mode & 0o777 if mode is None else mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
