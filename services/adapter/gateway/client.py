"""The conversation with 1688: signs, authorises, sends, and tells refusals apart."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from services.adapter.gateway.auth.tokens import FetchToken, TokenProvider, TokenResponse
from services.adapter.gateway.call import CallNext, Middleware, Parse, Reply, UpstreamCall
from services.adapter.gateway.clock import GatewayClock, local_ms
from services.adapter.gateway.gateway_errors import error_from_reply
from services.adapter.gateway.middleware.attempt_timeout import AttemptTimeout
from services.adapter.gateway.middleware.authorization import AuthMiddleware
from services.adapter.gateway.middleware.bulkhead import Bulkhead, BulkheadPolicy
from services.adapter.gateway.middleware.circuit_breaker import CircuitBreakerMiddleware, CircuitBreakerPolicy
from services.adapter.gateway.middleware.metrics import attempt_metrics, call_metrics, note_ids
from services.adapter.gateway.middleware.retry import RetryMiddleware, RetryPolicy
from services.adapter.gateway.rate_limit.adaptive_rate import RatePolicy
from services.adapter.gateway.rate_limit.local import LocalRateLimiter, RateLimiter
from services.adapter.gateway.rate_limit.middleware import RateLimitMiddleware
from services.adapter.gateway.rate_limit.redis import RedisRateLimiter
from services.adapter.gateway.redis_client import RedisClient
from services.adapter.gateway.request import (
    AppCredentials,
    UpstreamEndpoint,
    UrlBuilder,
    build_request,
    signed_parameters,
)
from services.adapter.gateway.transport import HttpResponse, HttpTransport
from services.errors import UpstreamUnreadable

DEFAULT_LIFE_S = 36_000.0
"""Life of an access token where 1688 does not say."""
PROBE = "param2/1/system/currentTime"
GET_TOKEN = "http/1/system.oauth2/getToken"  # noqa: S105 # a path, no secret

_MOMENT = re.compile(r"(\d{8})(\d{6})(?:\d{3})?([+-]\d{4})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What the layers keep to."""

    retry: RetryPolicy = field(default_factory=RetryPolicy)
    breaker: CircuitBreakerPolicy = field(default_factory=CircuitBreakerPolicy)
    bulkhead: BulkheadPolicy = field(default_factory=BulkheadPolicy)
    rate: RatePolicy = field(default_factory=RatePolicy)
    ceilings: Mapping[str, float] = field(default_factory=dict)
    """Calls per second at most, by scope: limits.APP, or 1688's id of an operation."""


class GatewayClient:
    """1688's gateway, for one app and one account."""

    def __init__(
        self,
        *,
        url: str,
        app: AppCredentials,
        exchange: HttpTransport,
        tokens: Callable[[FetchToken], TokenProvider],
        parse: Parse,
        send_timestamp: bool = False,
        names: Mapping[str, str] | None = None,
        policies: Policies | None = None,
        link: RedisClient | None = None,
    ) -> None:
        """Take the parts, in a running loop.

        `tokens` is given what asks 1688 for a token; `parse` reads a body and raises ValueError; `names`
        gives the api ids that are to be called by another; `link` leads to what replicas share, if anything.
        """
        self._addresses = UrlBuilder(url, app.key, names or {})
        self._app = app
        self._secret = app.secret.encode()
        self._exchange = exchange
        self._parse = parse
        self._tokens = tokens(self.fetch_token)
        clock = asyncio.get_running_loop().time
        policies = policies or Policies()
        self._limits: RateLimiter = LocalRateLimiter(policies.rate, policies.ceilings, clock)
        if link is not None:
            self._limits = RedisRateLimiter(link, policies.rate, policies.ceilings, self._limits)
        breakers = CircuitBreakerMiddleware(policies.breaker, clock)
        self._layers: tuple[Middleware, ...] = (
            call_metrics,
            RetryMiddleware(policies.retry, clock),
            AuthMiddleware(self._tokens, GatewayClock(self.current_time) if send_timestamp else None),
            breakers.checked,  # before any wait
            RateLimitMiddleware(self._limits, clock),
            Bulkhead(policies.bulkhead, clock),  # nobody waits for a turn on a place
            breakers.judged,  # just around the sending
            attempt_metrics,
            AttemptTimeout(clock),
        )
        """The way of a call, outermost first; `_sending` is at its end."""
        self._ways: dict[str, CallNext] = {}

    async def call(
        self,
        api: str,
        form: Mapping[str, str],
        *,
        files: Mapping[str, bytes],
        anonymous: bool,
        repeatable: bool,
        deadline: float,
        parse: Parse | None = None,
    ) -> Reply:
        """Call an operation by its id `namespace:name-version`, until `deadline` (loop time).

        `repeatable` says whether it may be sent again after it may have been carried out. `parse` reads the
        answer where its status is 200, instead of the gateway's own; what is no dict then is no refusal by
        the gateway. Raises UpstreamError, Overloaded and DeadlineExceeded.
        """
        call = UpstreamCall(
            form=form,
            files=files,
            anonymous=anonymous,
            repeatable=repeatable,
            deadline=deadline,
            parse=parse,
        )
        return await self._way(api)(call)

    async def current_time(self, deadline: float) -> object:
        """Return what the signed probe `system/currentTime` answers: it proves key, secret and network."""
        target = self._addresses.at(PROBE)
        return (await self._signed(target, {}, {}, None, deadline)).value

    async def fetch_token(self, refresh_token: str, deadline: float) -> TokenResponse:
        """Ask for an access token with a refresh token."""
        return await self._granted({"grant_type": "refresh_token", "refresh_token": refresh_token}, deadline)

    async def redeem(self, code: str, redirect_uri: str, deadline: float) -> TokenResponse:
        """Ask for the tokens of a user who has agreed, with the code of the authorize page."""
        form = {
            "grant_type": "authorization_code",
            "need_refresh_token": "true",
            "redirect_uri": redirect_uri,
            "code": code,
        }
        return await self._granted(form, deadline)

    async def authorise(self, deadline: float) -> float | None:
        """Have an access token; return when the refresh token behind it ends, in seconds since the epoch.

        None where there is no refresh token, or 1688 did not say.
        """
        await self._tokens.current(deadline)
        return self._tokens.refresh_until

    def secrets(self) -> tuple[str, ...]:
        """Return what must not be told, whoever repeats it."""
        return (self._app.secret, *self._tokens.secrets())

    async def close(self) -> None:
        """Give up what is under way in the background."""
        await self._tokens.close()
        await self._limits.close()

    async def _granted(self, grant: Mapping[str, str], deadline: float) -> TokenResponse:
        app = {"client_id": self._app.key, "client_secret": self._app.secret}
        request = build_request(self._addresses.at(GET_TOKEN), {**grant, **app}, {})
        return _grant((await self._send(request, None, deadline)).value)

    def _way(self, api: str) -> CallNext:
        if api not in self._ways:
            step = self._sending(api)
            for layer in reversed(self._layers):
                step = layer(api, step)
            self._ways[api] = step
        return self._ways[api]

    def _sending(self, api: str) -> CallNext:
        """The end of a call's way: sign and send."""
        target = self._addresses.of(api)

        async def send(call: UpstreamCall) -> Reply:
            parameters = dict(call.form)
            if call.token is not None:
                parameters["access_token"] = call.token
            if call.offset_ms is not None:
                parameters["_aop_timestamp"] = str(local_ms() + call.offset_ms)
            return await self._signed(target, parameters, call.files, call.parse, call.deadline)

        return send

    async def _signed(
        self,
        target: UpstreamEndpoint,
        parameters: Mapping[str, str],
        files: Mapping[str, bytes],
        parse: Parse | None,
        deadline: float,
    ) -> Reply:
        signed = signed_parameters(self._secret, target, parameters)
        return await self._send(build_request(target, signed, files), parse, deadline)

    async def _send(self, request: httpx.Request, parse: Parse | None, deadline: float) -> Reply:
        answer = await self._exchange.send(request, deadline)
        request_id = answer.headers.get("RequestId", "")
        note_ids(request_id, answer.headers.get("EagleEye-TraceId", ""))
        value, problem = _parsed(answer, parse if parse and answer.status == 200 else self._parse)
        error = error_from_reply(answer.status, value)
        if error is None and problem is not None:
            error = UpstreamUnreadable("1688's answer is no JSON")
        if error is not None:
            error.request_id = request_id or error.request_id
            raise error from problem
        return Reply(value=value, request_id=request_id)


def _parsed(answer: HttpResponse, parse: Parse) -> tuple[object, ValueError | None]:
    try:
        return parse(answer.body), None
    except ValueError as error:
        return None, error


def _grant(answer: object) -> TokenResponse:
    body = answer if isinstance(answer, dict) else {}
    token, refresh = body.get("access_token"), body.get("refresh_token")
    if not isinstance(token, str) or not token:
        raise UpstreamUnreadable("1688 answered without an access token")
    return TokenResponse(
        access_token=token,
        life_s=_seconds(body.get("expires_in")),
        refresh_token=refresh if isinstance(refresh, str) and refresh else None,
        refresh_until=_moment(body.get("refresh_token_timeout")),
    )


def _seconds(value: object) -> float:
    text = str(value)
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else DEFAULT_LIFE_S


def _moment(value: object) -> float | None:
    """Return a time as 1688 writes it, with or without milliseconds, in seconds since the epoch."""
    if (found := _MOMENT.fullmatch(str(value))) is None:
        return None
    try:
        return datetime.fromisoformat(found.expand(r"\1T\2\3")).timestamp()
    except (ValueError, OverflowError):
        return None
