"""Access tokens, refresh tokens and authorization codes, and how long they are valid."""

import time
from collections import OrderedDict
from typing import Literal

from services.sandbox.credentials import ACCESS_TOKEN, REFRESH_TOKEN

ACCESS_TOKEN_LIFETIME_S = 36_000
CODE_LIFETIME_S = 120
REFRESH_TOKEN_LIFETIME_S = 180 * 24 * 3600
MAX_TOKENS = 1_000
"""Maximum number of access tokens, and also of codes. The oldest is dropped first."""

RefreshMode = Literal["same", "omit", "rotate"]
"""What a refresh returns: the same refresh token, none, or a new one that replaces it."""


class Tokens:
    """All tokens and codes that are valid."""

    def __init__(self) -> None:
        self.expires_in_s = ACCESS_TOKEN_LIFETIME_S
        self.refresh_mode: RefreshMode = "same"
        self._issued = 0
        self._refresh_token = REFRESH_TOKEN
        # Token or code -> when it expires, by the monotonic clock. The predefined token never expires.
        self._access_tokens: OrderedDict[str, float] = OrderedDict({ACCESS_TOKEN: float("inf")})
        self._codes: OrderedDict[str, float] = OrderedDict()

    @property
    def issued(self) -> int:
        """The number of tokens and codes issued so far."""
        return self._issued

    @property
    def valid(self) -> int:
        """The number of access tokens that are valid now."""
        return sum(expires_at > time.monotonic() for expires_at in self._access_tokens.values())

    @property
    def refresh_token(self) -> str:
        """The refresh token that is valid now."""
        return self._refresh_token

    def is_valid(self, access_token: str) -> bool:
        """Return whether an access token is valid."""
        return self._access_tokens.get(access_token, 0) > time.monotonic()

    def issue(self) -> str:
        """Issue an access token."""
        return _store(self._access_tokens, self._generate(), self.expires_in_s)

    def revoke(self, access_token: str) -> None:
        """Revoke an access token."""
        self._access_tokens.pop(access_token, None)

    def revoke_all(self) -> None:
        """Revoke all access tokens, including the predefined one. Refresh tokens stay valid."""
        self._access_tokens.clear()

    def rotate_refresh_token(self) -> str:
        """Replace the refresh token. The previous one is no longer valid."""
        self._refresh_token = self._generate()
        return self._refresh_token

    def issue_code(self) -> str:
        """Issue an authorization code, as if a user had just granted access."""
        return _store(self._codes, self._generate(), CODE_LIFETIME_S)

    def redeem_code(self, code: str) -> bool:
        """Invalidate a code, and return whether it was valid."""
        return self._codes.pop(code, 0) > time.monotonic()

    def _generate(self) -> str:
        self._issued += 1
        return f"00000000-0000-4000-8000-{self._issued:012d}"


def _store(expirations: OrderedDict[str, float], token: str, lifetime_s: float) -> str:
    expirations[token] = time.monotonic() + lifetime_s
    if len(expirations) > MAX_TOKENS:
        # Drop the oldest, but never the predefined token.
        expirations.pop(next(known for known, end in expirations.items() if end != float("inf")))
    return token
