"""Short-lived access tokens, fetched with a refresh token and refreshed before they expire."""

import asyncio
import random
from collections.abc import Callable
from copy import copy

import structlog

from services.adapter.gateway.auth.refresh_token import RefreshToken
from services.adapter.gateway.auth.token_provider import TokenFetcher, TokenResponse
from services.adapter.gateway.gateway_errors import (
    APP_KEY,
    APP_SECRET,
    REFRESH_TOKEN,
    is_from_upstream,
    rejects_app,
    rejects_credentials,
)
from services.adapter.gateway.metrics import set_refresh_token_expiry, set_token_age
from services.errors import (
    CircuitOpen,
    CredentialRejected,
    DeadlineExceeded,
    NationalsiteError,
    UpstreamGateway,
)

REFRESH_AT = 0.8
"""The part of a token's life after which it is refreshed."""
REFRESH_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = REFRESH_TIMEOUT_S + 1
"""How long `close` waits for a refresh in flight. A refresh token that 1688 has rotated must not be lost."""
FAILURE_PAUSE_S = 5.0
"""The pause after a refresh that 1688 rejected: calls that need the token fail with its error until then.

Also the pause after any failed refresh while the token is still valid, since then no call waits."""
MAX_ATTEMPTS = 3
"""How many refreshes a call waits for: what stood in the way of one may be gone at the next."""
RETRY_PAUSE_S = 0.2
"""The longest pause after the first of several failed refreshes. It doubles with each; half is random."""
MAX_RETRY_PAUSE_S = 1.0

_log = structlog.get_logger()


class RefreshingTokenProvider:
    """Refreshes the access token before it expires. All callers share one refresh, and its retries."""

    def __init__(
        self,
        refresh_token: RefreshToken,
        fetch: TokenFetcher,
        *,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Needs a running loop."""
        self._clock = asyncio.get_running_loop().time
        self._refresh_token = refresh_token
        self._fetch = fetch
        self._uniform = uniform
        self.refresh_token_expires_at: float | None = None
        self._token: str | None = None
        self._refresh_from = self._valid_until = 0.0
        self._refresh_task: asyncio.Task[str | NationalsiteError] | None = None
        self._failure: NationalsiteError | None = None
        """The outcome of the last refresh; None if it was a token."""
        self._failures = 0
        """How many refreshes have failed since the last token."""
        self._failed_at = self._paused_until = 0.0

    async def get_token(self, deadline: float) -> str:
        """Return the token; wait for a refresh only if there is no valid token."""
        now = self._clock()
        if self._token is not None and now < self._valid_until:
            is_paused = self._failure is not None and now < self._failed_at + FAILURE_PAUSE_S
            if now >= self._refresh_from and not is_paused:
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
        """Return the access token, if there is one yet, and the refresh token."""
        return tuple(filter(None, (self._token, self._refresh_token.token)))

    async def close(self) -> None:
        """Wait for a refresh in flight: it may bring a new refresh token. Cancel one that takes too long."""
        if self._refresh_task is not None:
            await asyncio.wait([self._refresh_task], timeout=CLOSE_TIMEOUT_S)
            self._refresh_task.cancel()
            await asyncio.wait([self._refresh_task])

    async def _wait_for_refresh(self, deadline: float) -> str:
        failure, attempts = self._failure, 0
        while failure is None or self._may_wait(failure, attempts, deadline):
            try:
                async with asyncio.timeout_at(deadline):
                    # Shielded: a caller that is cancelled must not cancel the refresh of all callers.
                    result = await asyncio.shield(self._start_refresh())
            except TimeoutError as error:
                raise DeadlineExceeded("the deadline passed while an access token was fetched") from error
            if isinstance(result, str):
                return result
            failure, attempts = result, attempts + 1
        raise _to_unsent_error(failure) from failure

    def _may_wait(self, failure: NationalsiteError, attempts: int, deadline: float) -> bool:
        """Whether a call that has waited for `attempts` refreshes may wait for another."""
        if is_from_upstream(failure):
            return self._clock() >= self._paused_until
        return attempts < MAX_ATTEMPTS and self._paused_until < deadline

    def _start_refresh(self) -> "asyncio.Task[str | NationalsiteError]":
        """Return the refresh in flight; start one if there is none."""
        if self._refresh_task is None or self._refresh_task.done():
            self._refresh_task = asyncio.create_task(self._refresh())
        return self._refresh_task

    async def _refresh(self) -> str | NationalsiteError:
        """Return the new token, or the error. It is not raised: many callers may wait for it, or none."""
        if self._failure is not None and (pause_s := self._paused_until - self._clock()) > 0:
            await asyncio.sleep(pause_s)
        started_at = self._clock()
        try:
            response = await self._fetch_token(started_at + REFRESH_TIMEOUT_S)
        except NationalsiteError as error:
            self._failure = error
            self._failures += 1
            self._failed_at = self._clock()
            self._paused_until = self._failed_at + self._pause_s(error)
            _log.warning(
                "token_refresh_failed",
                cause=str(_to_unsent_error(error)),
                reason=error.reason,
                code=getattr(error, "code", ""),
            )
            return error
        self._failures = 0
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

    def _pause_s(self, failure: NationalsiteError) -> float:
        """Return the pause before the next refresh for which calls wait."""
        if is_from_upstream(failure):
            return FAILURE_PAUSE_S
        doublings = min(self._failures - 1, 10)
        longest_s = min(MAX_RETRY_PAUSE_S, RETRY_PAUSE_S * 2**doublings)
        return self._uniform(longest_s / 2, longest_s)

    async def _fetch_token(self, deadline: float) -> TokenResponse:
        try:
            return await self._fetch(self._refresh_token.token, deadline)
        except UpstreamGateway as error:
            # Another replica may have rotated the refresh token, which makes ours invalid.
            if not rejects_credentials(error) or not await self._refresh_token.wait_for_rotation():
                raise
        return await self._fetch(self._refresh_token.token, deadline)


def _to_unsent_error(failure: NationalsiteError) -> NationalsiteError:
    """Return the error for a call that needed the failed refresh. It says that this call was not sent.

    Each caller gets a new exception, because the code that raises it sets attributes for that call on it.
    """
    if isinstance(failure, UpstreamGateway) and rejects_credentials(failure):
        app = f"1688 rejects the app ({APP_KEY} or {APP_SECRET})"
        return CredentialRejected(
            app if rejects_app(failure) else f"1688 rejects the refresh token ({REFRESH_TOKEN})",
            code=failure.code,
            upstream_message=failure.upstream_message,
            upstream_request_id=failure.upstream_request_id,
        )
    if is_from_upstream(failure):
        return copy(failure)
    return CircuitOpen(f"no access token could be fetched from 1688: {failure}")
