"""Adds access token and timestamp to a call, and replaces the one that 1688 rejects."""

from msgspec.structs import replace

from services.adapter.gateway.auth.token_provider import TokenProvider
from services.adapter.gateway.call import CallNext, UpstreamCall, UpstreamResponse
from services.adapter.gateway.clock import GatewayClock
from services.adapter.gateway.gateway_errors import ACCESS_TOKEN
from services.errors import AccessTokenRejected, CredentialRejected, TimestampRejected


class CredentialsMiddleware:
    """Adds access token and timestamp. If 1688 rejects one, it is replaced once, and the call is retried.

    1688 checks both before the operation runs, so a call that is not idempotent may be sent again, too.
    """

    def __init__(self, token_provider: TokenProvider, gateway_clock: GatewayClock | None) -> None:
        self._token_provider = token_provider
        self._gateway_clock = gateway_clock

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamResponse:
        """Raise CredentialRejected if 1688 rejects the token and there is no other."""
        token = None if call.anonymous else await self._token_provider.get_token(call.deadline)
        is_clock_measured_again, is_token_replaced = False, False
        while True:
            offset_ms = None
            if self._gateway_clock is not None:
                offset_ms = await self._gateway_clock.offset_ms(call.deadline)
            try:
                return await call_next(replace(call, access_token=token, clock_offset_ms=offset_ms))
            except AccessTokenRejected as error:
                if is_token_replaced or token is None:
                    raise
                is_token_replaced = True
                token = await self._replace_token(token, error, call.deadline)
            except TimestampRejected:
                if is_clock_measured_again or self._gateway_clock is None or offset_ms is None:
                    raise
                is_clock_measured_again = True
                self._gateway_clock.invalidate(offset_ms)

    async def _replace_token(self, rejected: str, error: AccessTokenRejected, deadline: float) -> str:
        token = await self._token_provider.replace_token(rejected, deadline)
        if token is None:
            raise CredentialRejected(
                f"1688 rejects the access token, and there is no other ({ACCESS_TOKEN})",
                code=error.code,
                upstream_message=error.upstream_message,
                upstream_request_id=error.upstream_request_id,
            ) from error
        return token
