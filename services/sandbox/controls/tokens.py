"""Access tokens, refresh tokens and authorization codes, and how long they live."""

import time
from collections import OrderedDict
from typing import Literal

from services.sandbox.credentials import ACCESS_TOKEN, REFRESH_TOKEN

EXPIRES_IN_S = 36_000
CODE_LIFE_S = 120
REFRESH_TOKEN_LIFE_S = 180 * 24 * 3600
KEPT = 1_000
"""Tokens, and codes, that are remembered; the oldest is forgotten first."""

RefreshAnswer = Literal["same", "omit", "rotate"]
"""What a refresh answers: the same refresh token, none, or a new one that replaces it."""


class Tokens:
    """Every token that is alive."""

    def __init__(self) -> None:
        self.expires_in_s = EXPIRES_IN_S
        self.refresh_answer: RefreshAnswer = "same"
        self._issued = 0
        self._refresh_token = REFRESH_TOKEN
        # Token or code -> when it dies, by the monotonic clock. The fixed token never does by itself.
        self._access: OrderedDict[str, float] = OrderedDict({ACCESS_TOKEN: float("inf")})
        self._codes: OrderedDict[str, float] = OrderedDict()

    @property
    def issued(self) -> int:
        """How many tokens and codes were made so far."""
        return self._issued

    @property
    def alive(self) -> int:
        """How many access tokens are valid now."""
        return sum(end > time.monotonic() for end in self._access.values())

    @property
    def refresh_token(self) -> str:
        """The refresh token that is valid now."""
        return self._refresh_token

    def is_valid(self, access_token: str) -> bool:
        """Whether an access token is alive."""
        return self._access.get(access_token, 0) > time.monotonic()

    def issue(self) -> str:
        """A new access token."""
        return _remember(self._access, self._new(), self.expires_in_s)

    def revoke(self, access_token: str) -> None:
        """Ends an access token now."""
        self._access.pop(access_token, None)

    def revoke_all(self) -> None:
        """Ends every access token now, the fixed one too. Refresh tokens stay."""
        self._access.clear()

    def rotate(self) -> str:
        """Replaces the refresh token; the old one is dead."""
        self._refresh_token = self._new()
        return self._refresh_token

    def new_code(self) -> str:
        """An authorization code, as if a user had just agreed."""
        return _remember(self._codes, self._new(), CODE_LIFE_S)

    def use_code(self, code: str) -> bool:
        """Whether a code was valid; it is not any more."""
        return self._codes.pop(code, 0) > time.monotonic()

    def _new(self) -> str:
        self._issued += 1
        return f"00000000-0000-4000-8000-{self._issued:012d}"


def _remember(lives: OrderedDict[str, float], token: str, life_s: float) -> str:
    lives[token] = time.monotonic() + life_s
    if len(lives) > KEPT:
        # The oldest that the platform itself made: never the fixed token.
        lives.pop(next(known for known, end in lives.items() if end != float("inf")))
    return token
