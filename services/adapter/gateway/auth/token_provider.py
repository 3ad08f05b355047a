"""The interface of what gives calls their access token, and the provider of a static one."""

from dataclasses import dataclass
from typing import Protocol


class TokenProvider(Protocol):
    """Gives calls their access token."""

    @property
    def refresh_token_expires_at(self) -> float | None:
        """Seconds since the epoch; None without a refresh token, or if 1688 did not say."""

    async def get_token(self, deadline: float) -> str:
        """Return a valid token.

        Raises CredentialRejected, ConnectError, UpstreamRate, UpstreamQuota and DeadlineExceeded.
        """

    async def replace_token(self, rejected: str, deadline: float) -> str | None:
        """Return another token than the one that 1688 rejected; None if there is none. Raises as above."""

    def secrets(self) -> tuple[str, ...]:
        """Return what must not appear in logs or errors."""

    async def close(self) -> None:
        """Finish what runs in the background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResponse:
    """A response of 1688's getToken."""

    access_token: str
    expires_in_s: float
    refresh_token: str | None
    """A new refresh token; None keeps the old one."""
    refresh_token_expires_at: float | None = None
    """Seconds since the epoch; None if 1688 did not say."""
    age_s: float = 0.0
    """How long ago the token was issued: another replica may have fetched it."""


class TokenFetcher(Protocol):
    """Gets an access token from 1688."""

    async def __call__(self, refresh_token: str, deadline: float, /) -> TokenResponse:
        """Return the token for a refresh token, until a deadline in loop time. Raises UpstreamError."""


class StaticTokenProvider:
    """A permanent token, issued in 1688's console."""

    refresh_token_expires_at: float | None = None

    def __init__(self, token: str) -> None:
        self._token = token

    async def get_token(self, deadline: float) -> str:
        """Return the token."""
        return self._token

    async def replace_token(self, rejected: str, deadline: float) -> str | None:
        """Return None: there is no other."""
        return None

    def secrets(self) -> tuple[str, ...]:
        """Return the token."""
        return (self._token,)

    async def close(self) -> None:
        """Nothing runs in the background."""
