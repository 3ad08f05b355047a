"""Operations of the gateway itself: its time, and OAuth tokens."""

from typing import Any

from services.sandbox.context import SandboxContext
from services.sandbox.controls.clock import format_compact_time
from services.sandbox.controls.tokens import REFRESH_TOKEN_LIFETIME_S
from services.sandbox.credentials import APP_KEY, APP_SECRET, MEMBER_ID
from services.sandbox.http import envelopes
from services.sandbox.http.arguments import Arguments
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import BusinessError, Envelope
from services.sandbox.http.gateway_errors import GatewayRejection
from services.sandbox.http.operation import DialectSpec
from services.sandbox.operations.registry import operation
from services.sandbox.state import State

_OAUTH = Envelope(
    wrap_payload=lambda payload: payload,
    wrap_error=lambda error: {"error": error.code, "error_description": error.message},
)
_MEMBER = {"aliId": "8888888888", "resource_owner": "demo_buyer", "memberId": MEMBER_ID}


@operation(
    "currentTime",
    DialectSpec(dialect=Dialect.BOTH, envelope=envelopes.NO_ENVELOPE),
    namespace="system",
    requires_token=False,
)
async def current_time(context: SandboxContext, arguments: Arguments) -> Any:
    """Return the gateway's time as a JSON string."""
    return format_compact_time(context.state.clock.now_ms())


@operation(
    "getToken",
    DialectSpec(
        dialect=Dialect.BOTH,
        envelope=_OAUTH,
        required=("grant_type", "client_id", "client_secret"),
        error_status=400,
    ),
    namespace="system.oauth2",
    protocols=frozenset({"http", "param2"}),
    requires_signature=False,
    requires_token=False,
)
async def get_token(context: SandboxContext, arguments: Arguments) -> Any:
    """Return a new access token for an authorization code or a refresh token."""
    if (arguments.string("client_id"), arguments.string("client_secret")) != (APP_KEY, APP_SECRET):
        raise BusinessError("invalid_client", "client_id or client_secret is invalid")
    grant_type = arguments.string("grant_type")
    if grant_type == "refresh_token":
        return _refresh_token(context.state, _require_text(arguments, "refresh_token"))
    if grant_type == "authorization_code":
        _require_text(arguments, "redirect_uri")
        code = _require_text(arguments, "code")
        return _exchange_code(context.state, code, arguments.string("need_refresh_token"))
    raise BusinessError("unsupported_grant_type", "grant_type is not supported")


def _refresh_token(state: State, refresh_token: str) -> dict[str, str]:
    if refresh_token != state.tokens.refresh_token:
        raise BusinessError("invalid_grant", "refresh token is invalid")
    payload = _issue_token(state)
    if state.tokens.refresh_mode == "same":
        payload["refresh_token"] = refresh_token
    elif state.tokens.refresh_mode == "rotate":
        payload["refresh_token"] = state.tokens.rotate_refresh_token()
    return payload


def _exchange_code(state: State, code: str, need_refresh_token: str | None) -> dict[str, str]:
    if not state.tokens.redeem_code(code):
        raise BusinessError("invalid_grant", "code is invalid")
    payload = _issue_token(state)
    if need_refresh_token == "true":  # noqa: S105 - a boolean in text, not a secret
        payload["refresh_token"] = state.tokens.refresh_token
    return payload


def _issue_token(state: State) -> dict[str, str]:
    refresh_token_expires_ms = state.clock.now_ms() + REFRESH_TOKEN_LIFETIME_S * 1000
    return _MEMBER | {
        "access_token": state.tokens.issue(),
        "expires_in": str(state.tokens.expires_in_s),
        "refresh_token_timeout": format_compact_time(refresh_token_expires_ms),
    }


def _require_text(arguments: Arguments, name: str) -> str:
    value = arguments.string(name)
    if not value:
        raise GatewayRejection("param_missing", name)
    return value
