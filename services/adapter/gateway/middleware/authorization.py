"""Gives calls their access token and timestamp, and another where 1688 refuses the first."""

from msgspec.structs import replace

from services.adapter.gateway.auth.tokens import TokenProvider
from services.adapter.gateway.call import CallNext, Reply, UpstreamCall
from services.adapter.gateway.clock import GatewayClock
from services.errors import AccessTokenRejected, CredentialRejected, TimestampRejected


class AuthMiddleware:
    """The layer that authorises."""

    def __init__(self, tokens: TokenProvider, clock: GatewayClock | None) -> None:
        self._tokens = tokens
        self._clock = clock

    def __call__(self, api: str, step: CallNext) -> CallNext:
        """Wrap a step.

        A refused token is renewed, and a refused timestamp calibrated, once each, and the call repeated:
        both refusals come before the operation runs.
        """

        async def authorised(call: UpstreamCall) -> Reply:
            token = None if call.anonymous else await self._tokens.current(call.deadline)
            calibrated, renewed = False, False
            while True:
                offset_ms = None if self._clock is None else await self._clock.offset_ms(call.deadline)
                try:
                    return await step(replace(call, token=token, offset_ms=offset_ms))
                except AccessTokenRejected as error:
                    if renewed or token is None:
                        raise
                    renewed = True
                    token = await self._other_token(token, error, call.deadline)
                except TimestampRejected:
                    if calibrated or self._clock is None or offset_ms is None:
                        raise
                    calibrated = True
                    self._clock.distrust(offset_ms)

        return authorised

    async def _other_token(self, refused: str, error: AccessTokenRejected, deadline: float) -> str:
        token = await self._tokens.renewed(refused, deadline)
        if token is None:
            raise CredentialRejected(
                "1688 refuses the access token, and there is no other",
                code=error.code,
                upstream_message=error.upstream_message,
                request_id=error.request_id,
            ) from error
        return token
