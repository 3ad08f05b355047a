"""The platform's own operations: the time, and OAuth tokens."""

from typing import Any

from services.sandbox.controls.clock import compact
from services.sandbox.controls.tokens import REFRESH_TOKEN_LIFE_S
from services.sandbox.credentials import APP_KEY, APP_SECRET, MEMBER_ID
from services.sandbox.http import envelopes
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import Envelope, Refused
from services.sandbox.http.gateway_errors import GatewayRefusal, gateway_error
from services.sandbox.http.operation import Arguments, Operation, Shape
from services.sandbox.state import State

_OAUTH = Envelope(
    accept=lambda payload: payload,
    refuse=lambda refused: {"error": refused.code, "error_description": refused.message},
)
_MEMBER = {"aliId": "8888888888", "resource_owner": "demo_buyer", "memberId": MEMBER_ID}


class SystemOperations:
    """Handlers over the clock and the tokens, and their rows for the table of operations."""

    def __init__(self, state: State) -> None:
        self._state = state

    def table(self) -> tuple[Operation, ...]:
        """Every operation of the platform itself."""
        return (
            Operation(
                namespace="system",
                name="currentTime",
                handler=self.current_time,
                needs_token=False,
                shapes=(Shape(dialect=Dialect.EITHER, envelope=envelopes.BARE),),
            ),
            Operation(
                namespace="system.oauth2",
                name="getToken",
                handler=self.get_token,
                protocols=frozenset({"http", "param2"}),
                signed=False,
                needs_token=False,
                shapes=(
                    Shape(
                        dialect=Dialect.EITHER,
                        envelope=_OAUTH,
                        required=("grant_type", "client_id", "client_secret"),
                        refusal_status=400,
                    ),
                ),
            ),
        )

    async def current_time(self, arguments: Arguments) -> Any:
        """The gateway's time as one JSON string."""
        return compact(self._state.clock.now_ms())

    async def get_token(self, arguments: Arguments) -> Any:
        """A new access token, for a code or for the refresh token."""
        if (arguments.text("client_id"), arguments.text("client_secret")) != (APP_KEY, APP_SECRET):
            raise Refused("invalid_client", "client_id or client_secret is invalid")
        grant = arguments.text("grant_type")
        if grant == "refresh_token":
            return self._refreshed(_required(arguments, "refresh_token"))
        if grant == "authorization_code":
            _required(arguments, "redirect_uri")
            return self._authorized(_required(arguments, "code"), arguments.text("need_refresh_token"))
        raise Refused("unsupported_grant_type", "grant_type is not supported")

    def _refreshed(self, refresh_token: str) -> dict[str, str]:
        if refresh_token != self._state.tokens.refresh_token:
            raise Refused("invalid_grant", "refresh token is invalid")
        answer = self._new_token()
        if self._state.tokens.refresh_answer == "same":
            answer["refresh_token"] = refresh_token
        elif self._state.tokens.refresh_answer == "rotate":
            answer["refresh_token"] = self._state.tokens.rotate()
        return answer

    def _authorized(self, code: str, need_refresh_token: str | None) -> dict[str, str]:
        if not self._state.tokens.use_code(code):
            raise Refused("invalid_grant", "code is invalid")
        answer = self._new_token()
        if need_refresh_token == "true":  # noqa: S105 - a boolean in text, not a secret
            answer["refresh_token"] = self._state.tokens.refresh_token
        return answer

    def _new_token(self) -> dict[str, str]:
        return _MEMBER | {
            "access_token": self._state.tokens.issue(),
            "expires_in": str(self._state.tokens.expires_in_s),
            "refresh_token_timeout": compact(self._state.clock.now_ms() + REFRESH_TOKEN_LIFE_S * 1000),
        }


def _required(arguments: Arguments, name: str) -> str:
    value = arguments.text(name)
    if not value:
        raise GatewayRefusal(gateway_error("param_missing", name))
    return value
