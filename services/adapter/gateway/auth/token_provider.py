"""The interface of access token providers, and the provider of a static token."""

from dataclasses import dataclass
from typing import Protocol


class TokenProvider(Protocol):
    """Provides the access token of calls."""

    @property
    def refresh_token_expires_at(self) -> float | None:
        """In seconds since the epoch; None without a refresh token, or if 1688 did not state the time."""

    async def get_token(self, deadline: float) -> str:
        """Return a valid token.

        Raises UpstreamGateway, ConnectError and DeadlineExceeded. CredentialRejected: 1688 said that it
        rejects the credentials.
        """

    async def replace_token(self, rejected: str, deadline: float) -> str | None:
        """Return a token other than the rejected one; None if there is none. Raises like `get_token`."""

    def secrets(self) -> tuple[str, ...]:
        """Return the texts that must not appear in logs or errors."""

    async def close(self) -> None:
        """Finish the background tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResponse:
    """A response of 1688's getToken."""

    access_token: str
    expires_in_s: float
    refresh_token: str | None
    """A new refresh token; None keeps the old one."""
    refresh_token_expires_at: float | None = None
    """In seconds since the epoch; None if 1688 did not state the time."""
    age_s: float = 0.0
    """How long ago the token was issued: another replica may have fetched it."""


class TokenFetcher(Protocol):
    """Gets an access token from 1688."""

    async def __call__(self, refresh_token: str, deadline: float, /) -> TokenResponse:
        """Return an access token for a refresh token, until a deadline in loop time. Raises UpstreamError."""


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
