"""Access tokens: a fixed one, or short-lived ones from a refresh token."""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from services.adapter.gateway.middleware.metrics import show_token
from services.errors import (
    CircuitOpen,
    CredentialRejected,
    DeadlineExceeded,
    NationalsiteError,
    UpstreamGateway,
    UpstreamQuota,
    UpstreamRate,
)

RENEW_AT = 0.8
"""Part of a token's life after which it is renewed ahead of time."""
RENEWAL_TIMEOUT_S = 5.0
CLOSING_S = 2.0
"""How long the end waits for a renewal in flight."""
REREAD_AFTER_S = (0.0, 0.05, 0.1, 0.2, 0.4)
"""Pauses between looks at a refused token's file: a replica that was faster may still write it."""
RETRY_S = 5.0
"""Pause after a failed renewal, so that a broken credential does not turn every call into two."""

_log = structlog.get_logger()


class TokenProvider(Protocol):
    """Where access tokens come from."""

    @property
    def refresh_until(self) -> float | None:
        """When the refresh token ends, in seconds since the epoch; None without one, or unknown."""

    async def current(self, deadline: float) -> str:
        """Return a token that should be good. Raises CredentialRejected, Unreachable, DeadlineExceeded."""

    async def renewed(self, refused: str, deadline: float) -> str | None:
        """Return another token than the one that was refused, or None where there is none."""

    def secrets(self) -> tuple[str, ...]:
        """Return what must not be told, whoever repeats it."""

    async def close(self) -> None:
        """Give up what is under way in the background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResponse:
    """An answer of getToken."""

    access_token: str
    life_s: float
    refresh_token: str | None
    """A new refresh token; None keeps the old one."""
    refresh_until: float | None = None
    """When the refresh token ends, in seconds since the epoch; None where 1688 did not say."""
    age_s: float = 0.0
    """How long ago the token was issued: another replica may have fetched it."""


FetchToken = Callable[[str, float], Awaitable[TokenResponse]]
"""Asks 1688 for a token with a refresh token, until a deadline in loop time."""


class StaticTokenProvider:
    """A permanent token, issued in 1688's console."""

    refresh_until: float | None = None

    def __init__(self, token: str) -> None:
        self._token = token

    async def current(self, deadline: float) -> str:
        """Return the token."""
        return self._token

    async def renewed(self, refused: str, deadline: float) -> str | None:
        """There is no other."""
        return None

    def secrets(self) -> tuple[str, ...]:
        """Return the token."""
        return (self._token,)

    async def close(self) -> None:
        """There is nothing under way."""


class RefreshToken:
    """The refresh token, and the file it lives in, if any."""

    def __init__(self, token: str, path: Path | None = None, *, shared: bool = False) -> None:
        """`shared` says that other replicas, and the next process, find a rotated one elsewhere."""
        self.token = token
        self._path = path
        self._shared = shared

    def rotate(self, token: str) -> None:
        """Keep a new token in place of the old one, which 1688 may have invalidated."""
        self.token = token
        if self._path is None:
            if not self._shared:
                _log.warning("refresh_token_rotated", kept="in memory only")
            return
        try:
            write_token(self._path, token)
        except OSError as error:
            _log.error("refresh_token_not_written", path=str(self._path), error=error.strerror)

    async def found_another(self) -> bool:
        """Wait for another replica to write the token that it got for ours, as long as that takes."""
        for pause_s in REREAD_AFTER_S if self._path else ():
            await asyncio.sleep(pause_s)
            if await asyncio.to_thread(self.reread):
                return True
        return False

    def reread(self) -> bool:
        """Read the file again; return whether it holds another token, which another process may have put."""
        if self._path is None:
            return False
        try:
            token = self._path.read_text().strip()
        except (OSError, UnicodeDecodeError):
            return False
        changed = bool(token) and token != self.token
        if changed:
            self.token = token
        return changed


class RefreshingTokenProvider:
    """Access tokens renewed ahead of time, by one renewal at a time for all callers."""

    def __init__(self, refresh_token: RefreshToken, fetch: FetchToken) -> None:
        self._refresh_token = refresh_token
        self._fetch = fetch
        self.refresh_until: float | None = None
        self._token: str | None = None
        self._renew_from = self._valid_until = 0.0
        self._renewal: asyncio.Task[str | NationalsiteError] | None = None
        self._failure: NationalsiteError | None = None
        self._pause_until = 0.0

    async def current(self, deadline: float) -> str:
        """Return the token; wait for a renewal only where there is no valid one."""
        now = asyncio.get_running_loop().time()
        if self._token is not None and now < self._valid_until:
            if now >= self._renew_from and self._pausing_after(now) is None:
                self._start_renewal()
            return self._token
        return await self._renewed(deadline)

    async def renewed(self, refused: str, deadline: float) -> str | None:
        """Return a token other than the refused one."""
        if self._token is not None and self._token != refused:
            return self._token
        self._valid_until = 0.0
        return await self._renewed(deadline)

    def secrets(self) -> tuple[str, ...]:
        """Return both tokens, as far as there are any."""
        return tuple(filter(None, (self._token, self._refresh_token.token)))

    async def close(self) -> None:
        """Let a renewal in flight finish: it may bring a new refresh token. Give up one that takes long."""
        if self._renewal is not None:
            await asyncio.wait([self._renewal], timeout=CLOSING_S)
            self._renewal.cancel()
            await asyncio.wait([self._renewal])

    async def _renewed(self, deadline: float) -> str:
        now = asyncio.get_running_loop().time()
        outcome = self._pausing_after(now) or await self._outcome(deadline)
        if isinstance(outcome, NationalsiteError):
            raise _before_sending(outcome) from outcome
        return outcome

    def _pausing_after(self, now: float) -> NationalsiteError | None:
        return self._failure if now < self._pause_until else None

    async def _outcome(self, deadline: float) -> str | NationalsiteError:
        try:
            async with asyncio.timeout_at(deadline):
                # Shielded: a caller that leaves does not take the renewal with it.
                return await asyncio.shield(self._start_renewal())
        except TimeoutError as error:
            raise DeadlineExceeded("the deadline passed while an access token was fetched") from error

    def _start_renewal(self) -> "asyncio.Task[str | NationalsiteError]":
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew())
        return self._renewal

    async def _renew(self) -> str | NationalsiteError:
        """Return the failure rather than raise it: many callers may wait, or none."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            grant = await self._grant(started + RENEWAL_TIMEOUT_S)
        except NationalsiteError as error:
            self._failure = error
            self._pause_until = loop.time() + RETRY_S
            _log.warning("token_renewal_failed", reason=error.reason, code=getattr(error, "code", ""))
            return error
        self._failure = None
        self._token = grant.access_token
        self._renew_from = started + grant.life_s * RENEW_AT
        self._valid_until = started + grant.life_s
        self.refresh_until = grant.refresh_until
        show_token(grant.age_s, grant.refresh_until)
        if grant.refresh_token and grant.refresh_token != self._refresh_token.token:
            await asyncio.to_thread(self._refresh_token.rotate, grant.refresh_token)
        _log.info("token_renewed", life_s=grant.life_s)
        return grant.access_token

    async def _grant(self, deadline: float) -> TokenResponse:
        try:
            return await self._fetch(self._refresh_token.token, deadline)
        except UpstreamGateway:
            if not await self._refresh_token.found_another():
                raise
        return await self._fetch(self._refresh_token.token, deadline)


def _before_sending(failure: NationalsiteError) -> NationalsiteError:
    """Tell a failed renewal as what it is to a call that waited for it: nothing of that call was sent.

    Always a new exception: each caller notes on its own what it knows of its call.
    """
    if not isinstance(failure, UpstreamGateway):
        return CircuitOpen("no access token could be fetched from 1688")
    if isinstance(failure, UpstreamRate | UpstreamQuota):
        return copy(failure)
    return CredentialRejected(
        "1688 refuses the refresh token",
        code=failure.code,
        upstream_message=failure.upstream_message,
        request_id=failure.request_id,
    )


def write_token(path: Path, token: str, *, mode: int | None = None) -> None:
    """Write a token's file so that a crash leaves the old content or the new, never less.

    The file keeps the permissions that it has, unless `mode` gives it others. Raises OSError.
    """
    path = path.resolve()  # the file, where a link points to it
    descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.chmod(scratch, path.stat().st_mode & 0o777 if mode is None else mode)
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise
