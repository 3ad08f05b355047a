"""Short-lived access tokens, fetched with a refresh token and refreshed before they expire."""

import asyncio
from copy import copy

import structlog

from services.adapter.gateway.auth.refresh_token import RefreshToken
from services.adapter.gateway.auth.token_provider import TokenFetcher, TokenResponse
from services.adapter.gateway.metrics import set_refresh_token_expiry, set_token_age
from services.errors import (
    CircuitOpen,
    CredentialRejected,
    DeadlineExceeded,
    NationalsiteError,
    UpstreamGateway,
    UpstreamQuota,
    UpstreamRate,
)

REFRESH_AT = 0.8
"""The part of a token's life after which it is refreshed."""
REFRESH_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 2.0
"""How long `close` waits for a refresh in flight."""
FAILURE_PAUSE_S = 5.0
"""How long a failed refresh is not tried again, so that a wrong credential does not double all calls."""

_log = structlog.get_logger()


class RefreshingTokenProvider:
    """Refreshes the token ahead of time, once for all callers."""

    def __init__(self, refresh_token: RefreshToken, fetch: TokenFetcher) -> None:
        self._refresh_token = refresh_token
        self._fetch = fetch
        self.refresh_token_expires_at: float | None = None
        self._token: str | None = None
        self._refresh_from = self._valid_until = 0.0
        self._refresh_task: asyncio.Task[str | NationalsiteError] | None = None
        self._failure: NationalsiteError | None = None
        self._paused_until = 0.0

    async def get_token(self, deadline: float) -> str:
        """Return the token; wait for a refresh only if there is no valid token."""
        now = asyncio.get_running_loop().time()
        if self._token is not None and now < self._valid_until:
            if now >= self._refresh_from and self._recent_failure(now) is None:
                self._start_refresh()
            return self._token
        return await self._wait_for_refresh(deadline)

    async def replace_token(self, rejected: str, deadline: float) -> str | None:
        """Return a token other than the rejected one."""
        if self._token is not None and self._token != rejected:
            return self._token
        self._valid_until = 0.0
        return await self._wait_for_refresh(deadline)

    def secrets(self) -> tuple[str, ...]:
        """Return both tokens, as far as there are any."""
        return tuple(filter(None, (self._token, self._refresh_token.token)))

    async def close(self) -> None:
        """Wait for a refresh in flight: it may bring a new refresh token. Cancel one that takes too long."""
        if self._refresh_task is not None:
            await asyncio.wait([self._refresh_task], timeout=CLOSE_TIMEOUT_S)
            self._refresh_task.cancel()
            await asyncio.wait([self._refresh_task])

    async def _wait_for_refresh(self, deadline: float) -> str:
        outcome = self._recent_failure(asyncio.get_running_loop().time())
        if outcome is None:
            try:
                async with asyncio.timeout_at(deadline):
                    # Shielded: a caller that is cancelled must not cancel the refresh of all callers.
                    result = await asyncio.shield(self._start_refresh())
            except TimeoutError as error:
                raise DeadlineExceeded("the deadline passed while an access token was fetched") from error
            if isinstance(result, str):
                return result
            outcome = result
        raise _to_unsent_error(outcome) from outcome

    def _recent_failure(self, now: float) -> NationalsiteError | None:
        return self._failure if now < self._paused_until else None

    def _start_refresh(self) -> "asyncio.Task[str | NationalsiteError]":
        """Return the refresh in flight; start one if there is none."""
        if self._refresh_task is None or self._refresh_task.done():
            self._refresh_task = asyncio.create_task(self._refresh())
        return self._refresh_task

    async def _refresh(self) -> str | NationalsiteError:
        """Return the new token, or the failure: not raised, since many callers may wait for it, or none."""
        loop = asyncio.get_running_loop()
        started_at = loop.time()
        try:
            response = await self._fetch_token(started_at + REFRESH_TIMEOUT_S)
        except NationalsiteError as error:
            self._failure = error
            self._paused_until = loop.time() + FAILURE_PAUSE_S
            _log.warning("token_refresh_failed", reason=error.reason, code=getattr(error, "code", ""))
            return error
        self._failure = None
        self._token = response.access_token
        self._refresh_from = started_at + response.expires_in_s * REFRESH_AT
        self._valid_until = started_at + response.expires_in_s
        self.refresh_token_expires_at = response.refresh_token_expires_at
        set_token_age(response.age_s)
        if response.refresh_token_expires_at is not None:
            set_refresh_token_expiry(response.refresh_token_expires_at)
        if response.refresh_token and response.refresh_token != self._refresh_token.token:
            await asyncio.to_thread(self._refresh_token.rotate, response.refresh_token)
        _log.info("token_refreshed", expires_in_s=response.expires_in_s)
        return response.access_token

    async def _fetch_token(self, deadline: float) -> TokenResponse:
        try:
            return await self._fetch(self._refresh_token.token, deadline)
        except UpstreamGateway:
            if not await self._refresh_token.wait_for_rotation():
                raise
        return await self._fetch(self._refresh_token.token, deadline)


def _to_unsent_error(failure: NationalsiteError) -> NationalsiteError:
    """Return the error of a call that waited for the failed refresh: nothing of that call was sent.

    Each caller gets its own exception, since it adds facts of its own call.
    """
    if not isinstance(failure, UpstreamGateway):
        return CircuitOpen("no access token could be fetched from 1688")
    if isinstance(failure, UpstreamRate | UpstreamQuota):
        return copy(failure)
    return CredentialRejected(
        "1688 rejects the refresh token",
        code=failure.code,
        upstream_message=failure.upstream_message,
        request_id=failure.request_id,
    )
