"""The client of 1688's gateway: authorizes, signs and sends calls; error responses become exceptions."""

import asyncio
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from services.adapter.form_value import FormValue
from services.adapter.gateway.auth.token_provider import TokenFetcher, TokenProvider, TokenResponse
from services.adapter.gateway.call import ParseBody, UpstreamCall, UpstreamResponse
from services.adapter.gateway.charset import to_utf8
from services.adapter.gateway.clock import GatewayClock, local_ms
from services.adapter.gateway.gateway_errors import error_from_response, find_other_answer
from services.adapter.gateway.http_client.request import HttpRequest
from services.adapter.gateway.metrics import bind_upstream_ids
from services.adapter.gateway.middleware import build_chain, gateway_middleware
from services.adapter.gateway.middleware.bulkhead import BulkheadPolicy
from services.adapter.gateway.middleware.circuit_breaker import (
    Availability,
    CircuitBreakerPolicy,
    CircuitBreakers,
)
from services.adapter.gateway.middleware.retry import RetryPolicy
from services.adapter.gateway.rate_limit.limiter import RateLimiter, RatePolicy
from services.adapter.gateway.rate_limit.local import LocalRateLimiter
from services.adapter.gateway.rate_limit.redis import RedisRateLimiter
from services.adapter.gateway.request import (
    AppCredentials,
    UrlBuilder,
    build_request,
    signed_parameters,
)
from services.adapter.gateway.transport import HttpTransport
from services.errors import UpstreamUnreadable
from services.log_fields import bind_log_fields

if TYPE_CHECKING:
    from services.adapter.gateway.redis_client import RedisClient

DEFAULT_TOKEN_LIFE_S = 36_000.0
"""The life of an access token if 1688's response does not state it."""
CURRENT_TIME = "param2/1/system/currentTime"
GET_TOKEN = "http/1/system.oauth2/getToken"  # noqa: S105 # a path, no secret

_EXPIRY = re.compile(r"(\d{8})(\d{6})(?:\d{3})?([+-]\d{4})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The policies of the middleware and of the rate limiter."""

    retry: RetryPolicy = field(default_factory=RetryPolicy)
    circuit_breaker: CircuitBreakerPolicy = field(default_factory=CircuitBreakerPolicy)
    bulkhead: BulkheadPolicy = field(default_factory=BulkheadPolicy)
    rate: RatePolicy = field(default_factory=RatePolicy)
    rate_ceilings: Mapping[str, float] = field(default_factory=dict)
    """The highest rate of each scope, in calls per second. A scope is APP, or the API id of an operation."""


class GatewayClient:
    """1688's gateway, for one app and one account."""

    def __init__(
        self,
        *,
        url: str,
        credentials: AppCredentials,
        transport: HttpTransport,
        build_token_provider: Callable[[TokenFetcher], TokenProvider],
        parse: ParseBody,
        send_timestamp: bool = False,
        operation_aliases: Mapping[str, str] | None = None,
        policies: Policies | None = None,
        redis: "RedisClient | None" = None,
    ) -> None:
        """Needs a running loop.

        `build_token_provider` is called with this client's `fetch_token`. `parse` parses the body of a
        response. `operation_aliases` maps API ids of the protos to the API ids to call. `redis` is the
        Redis that all replicas share, or None.
        """
        self._urls = UrlBuilder(url, credentials.key, operation_aliases or {})
        self._credentials = credentials
        self._secret = credentials.secret.encode()
        self._transport = transport
        self._parse = parse
        self._token_provider = build_token_provider(self.fetch_token)
        policies = policies or Policies()
        clock = asyncio.get_running_loop().time
        self._rate_limiter = _build_rate_limiter(policies, redis)
        self._breakers = CircuitBreakers(policies.circuit_breaker, clock)
        middleware = gateway_middleware(
            retry=policies.retry,
            breakers=self._breakers,
            bulkhead=policies.bulkhead,
            token_provider=self._token_provider,
            gateway_clock=GatewayClock(self.current_time) if send_timestamp else None,
            rate_limiter=self._rate_limiter,
            clock=clock,
        )
        self._call = build_chain(middleware, self._sign_and_send)

    async def call(
        self,
        api_id: str,
        form: Mapping[str, FormValue],
        *,
        files: Mapping[str, bytes],
        anonymous: bool,
        idempotent: bool,
        deadline: float,
        queue_owner: Hashable = None,
        parse: ParseBody | None = None,
    ) -> UpstreamResponse:
        """Call an operation by its id `namespace:name-version`, until `deadline` (loop time).

        An `idempotent` call may be sent again after an attempt that may have been executed. `queue_owner` is
        the owner of the call in fair queues, such as the caller's identity. `parse` parses a response with
        status 200, instead of the client's own parser; if it returns something other than a dict, the
        response is never taken for a gateway error. Raises UpstreamError, Overloaded and DeadlineExceeded.
        """
        call = UpstreamCall(
            api_id=api_id,
            form=form,
            files=files,
            anonymous=anonymous,
            idempotent=idempotent,
            deadline=deadline,
            queue_owner=queue_owner,
            parse=parse,
        )
        return await self._call(call)

    def get_availability(self, api_id: str) -> Availability:
        """Return how many calls of an operation its circuit breaker lets pass at the same time."""
        return self._breakers[api_id].get_availability()

    async def current_time(self, deadline: float) -> object:
        """Return the response of `system/currentTime`: if it arrives, key, secret and network are good."""
        endpoint = self._urls.build_for_path(CURRENT_TIME)
        request = build_request(endpoint, signed_parameters(self._secret, endpoint, {}), {})
        return (await self._send(request, None, deadline)).value

    async def fetch_token(self, refresh_token: str, deadline: float) -> TokenResponse:
        """Get an access token with a refresh token."""
        return await self._get_token(
            {"grant_type": "refresh_token", "refresh_token": refresh_token}, deadline
        )

    async def exchange_code(self, code: str, redirect_uri: str, deadline: float) -> TokenResponse:
        """Get the tokens of a user who has authorized the app, with the code of the authorization page."""
        form = {
            "grant_type": "authorization_code",
            "need_refresh_token": "true",
            "redirect_uri": redirect_uri,
            "code": code,
        }
        return await self._get_token(form, deadline)

    async def ensure_token(self, deadline: float) -> float | None:
        """Make sure that there is an access token; return the time at which the refresh token expires.

        In seconds since the epoch; None if there is no refresh token, or 1688 did not state the time.
        """
        await self._token_provider.get_token(deadline)
        return self._token_provider.refresh_token_expires_at

    def secrets(self) -> tuple[str, ...]:
        """Return the texts that must not appear in logs or errors."""
        return (self._credentials.secret, *self._token_provider.secrets(), *self._transport.secrets())

    async def close(self) -> None:
        """Finish the background tasks."""
        await self._token_provider.close()
        await self._rate_limiter.close()

    async def _sign_and_send(self, call: UpstreamCall) -> UpstreamResponse:
        """The end of the middleware chain."""
        parameters = dict(call.form)
        if call.access_token is not None:
            parameters["access_token"] = call.access_token
        if call.clock_offset_ms is not None:
            parameters["_aop_timestamp"] = str(local_ms() + call.clock_offset_ms)
        endpoint = self._urls.build(call.api_id)
        request = build_request(endpoint, signed_parameters(self._secret, endpoint, parameters), call.files)
        return await self._send(request, call.parse, call.deadline)

    async def _send(self, request: HttpRequest, parse: ParseBody | None, deadline: float) -> UpstreamResponse:
        response = await self._transport.send(request, deadline)
        request_id = response.headers.get("requestid", "")
        bind_upstream_ids(request_id, response.headers.get("eagleeye-traceid", ""))
        body = to_utf8(response.body, response.headers.get("content-type", ""))
        value, parse_error = None, None
        try:
            value = (parse if parse and response.status == 200 else self._parse)(body)
        except ValueError as failure:
            parse_error = failure
        other = find_other_answer(response.status, response.headers, body) if parse_error else None
        if other:
            bind_log_fields(response_failure=other.cause)
        error = error_from_response(response.status, value, other)
        if error is None and parse_error is not None:
            text = other.text if other else "1688's response is not JSON, or has too many values"
            error = UpstreamUnreadable(text)
        if error is not None:
            error.upstream_request_id = request_id or error.upstream_request_id
            raise error from parse_error
        return UpstreamResponse(value=value, request_id=request_id)

    async def _get_token(self, grant: Mapping[str, str], deadline: float) -> TokenResponse:
        client = {"client_id": self._credentials.key, "client_secret": self._credentials.secret}
        request = build_request(self._urls.build_for_path(GET_TOKEN), {**grant, **client}, {})
        return _parse_token_response((await self._send(request, None, deadline)).value)


def _build_rate_limiter(policies: Policies, redis: "RedisClient | None") -> RateLimiter:
    local = LocalRateLimiter(policies.rate, policies.rate_ceilings, asyncio.get_running_loop().time)
    if redis is None:
        return local
    return RedisRateLimiter(redis, policies.rate, policies.rate_ceilings, fallback=local)


def _parse_token_response(response: object) -> TokenResponse:
    body = response if isinstance(response, dict) else {}
    access_token, refresh_token = body.get("access_token"), body.get("refresh_token")
    if not isinstance(access_token, str) or not access_token:
        raise UpstreamUnreadable("1688's response has no access token")
    return TokenResponse(
        access_token=access_token,
        expires_in_s=_parse_expires_in_s(body.get("expires_in")),
        refresh_token=refresh_token if isinstance(refresh_token, str) and refresh_token else None,
        refresh_token_expires_at=_parse_expiry(body.get("refresh_token_timeout")),
    )


def _parse_expires_in_s(value: object) -> float:
    text = str(value)
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    return float(text) if is_number else DEFAULT_TOKEN_LIFE_S


def _parse_expiry(value: object) -> float | None:
    """Return a time in 1688's format, with or without milliseconds, in seconds since the epoch."""
    if (match := _EXPIRY.fullmatch(str(value))) is None:
        return None
    try:
        return datetime.fromisoformat(match.expand(r"\1T\2\3")).timestamp()
    except (ValueError, OverflowError):
        return None
