"""The conversation with 1688: signs, authorises, sends, and tells refusals apart."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

from services.adapter.gateway.clock import Clock, local_ms
from services.adapter.gateway.exchange import Answer, Exchange
from services.adapter.gateway.refusals import refusal
from services.adapter.gateway.signature import sign
from services.adapter.gateway.telemetry import note_ids, observed
from services.adapter.gateway.tokens import Fetch, Grant, Tokens
from services.errors import (
    CredentialRefused,
    RequestExpired,
    TokenRefused,
    Unreadable,
)

DEFAULT_LIFE_S = 36_000.0
"""Life of an access token where 1688 does not say."""
PROBE = "param2/1/system/currentTime"
GET_TOKEN = "http/1/system.oauth2/getToken"  # noqa: S105 # a path, no secret

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip"}
_FORM_HEADERS = _HEADERS | {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The app that 1688 knows us as."""

    key: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer of an operation: not a gateway error, and readable."""

    value: Any
    """The parsed body, as `parse` gives it."""
    request_id: str
    """1688's id of the request, where it gave one."""


class Gateway:
    """1688's gateway, for one app and one account."""

    def __init__(
        self,
        *,
        url: str,
        app: App,
        exchange: Exchange,
        tokens: Callable[[Fetch], Tokens],
        parse: Callable[[bytes], object],
        send_timestamp: bool = False,
        names: Mapping[str, str] | None = None,
    ) -> None:
        """Take the parts.

        `tokens` is given what asks 1688 for a token; `parse` reads a body and raises ValueError; `names`
        gives the api ids that are to be called by another.
        """
        self._base = httpx.URL(url.rstrip("/") + "/openapi/")
        self._app = app
        self._secret = app.secret.encode()
        self._exchange = exchange
        self._parse = parse
        self._names = names or {}
        self._clock = Clock(self.current_time) if send_timestamp else None
        self._tokens = tokens(self.fetch_token)
        self._targets: dict[str, _Target] = {}

    async def call(
        self,
        api: str,
        form: Mapping[str, str],
        *,
        files: Mapping[str, bytes],
        anonymous: bool,
        deadline: float,
    ) -> Reply:
        """Call an operation by its id `namespace:name-version`, until `deadline` (loop time).

        A refused token is renewed, and a refused timestamp calibrated, once each, and the call repeated:
        both refusals come before the operation runs. Raises UpstreamError and DeadlinePassed.
        """
        with observed(api):
            token = None if anonymous else await self._tokens.current(deadline)
            offset_ms, calibrated, renewed = 0, False, False
            while True:
                parameters = dict(form)
                if token is not None:
                    parameters["access_token"] = token
                if self._clock is not None:
                    offset_ms = await self._clock.offset_ms(deadline)
                    parameters["_aop_timestamp"] = str(local_ms() + offset_ms)
                try:
                    return await self._signed(self._target(api), parameters, files, deadline)
                except TokenRefused as error:
                    if renewed or token is None:
                        raise
                    renewed = True
                    token = await self._other_token(token, error, deadline)
                except RequestExpired:
                    if calibrated or self._clock is None:
                        raise
                    calibrated = True
                    self._clock.distrust(offset_ms)

    async def current_time(self, deadline: float) -> object:
        """Return what the signed probe `system/currentTime` answers: it proves key, secret and network."""
        return (await self._signed(self._at(PROBE), {}, {}, deadline)).value

    async def fetch_token(self, refresh_token: str, deadline: float) -> Grant:
        """Ask for an access token with a refresh token."""
        form = {
            "grant_type": "refresh_token",
            "client_id": self._app.key,
            "client_secret": self._app.secret,
            "refresh_token": refresh_token,
        }
        request = _request(self._at(GET_TOKEN), form, {})
        return _grant((await self._send(request, deadline)).value)

    def secrets(self) -> tuple[str, ...]:
        """Return what must not be told, whoever repeats it."""
        return (self._app.secret, *self._tokens.secrets())

    async def close(self) -> None:
        """Give up what is under way in the background."""
        await self._tokens.close()

    def _target(self, api: str) -> "_Target":
        if api not in self._targets:
            namespace, _, rest = self._names.get(api, api).partition(":")
            name, _, version = rest.rpartition("-")
            self._targets[api] = self._at(f"param2/{version}/{namespace}/{name}")
        return self._targets[api]

    def _at(self, path: str) -> "_Target":
        path = f"{path}/{self._app.key}"
        return _Target(path=path, url=self._base.join(path))

    async def _other_token(self, refused: str, error: TokenRefused, deadline: float) -> str:
        token = await self._tokens.renewed(refused, deadline)
        if token is None:
            raise CredentialRefused(
                "1688 refuses the access token, and there is no other",
                code=error.code,
                text=error.text,
                request_id=error.request_id,
            ) from error
        return token

    async def _signed(
        self, target: "_Target", parameters: Mapping[str, str], files: Mapping[str, bytes], deadline: float
    ) -> Reply:
        signed = {**parameters, "_aop_signature": sign(self._secret, target.path, parameters)}
        return await self._send(_request(target, signed, files), deadline)

    async def _send(self, request: httpx.Request, deadline: float) -> Reply:
        answer = await self._exchange.send(request, deadline)
        request_id = answer.headers.get("RequestId", "")
        note_ids(request_id, answer.headers.get("EagleEye-TraceId", ""))
        value, problem = self._parsed(answer)
        error = refusal(answer.status, value)
        if error is None and problem is not None:
            error = Unreadable("1688's answer is no JSON")
        if error is not None:
            error.request_id = request_id or error.request_id
            raise error from problem
        return Reply(value=value, request_id=request_id)

    def _parsed(self, answer: Answer) -> tuple[object, ValueError | None]:
        try:
            return self._parse(answer.body), None
        except ValueError as error:
            return None, error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    path: str
    """The part of the URL that is signed, from the protocol on."""
    url: httpx.URL


def _request(target: _Target, parameters: Mapping[str, str], files: Mapping[str, bytes]) -> httpx.Request:
    if files:
        # Documented only so: the signed parameters in the query, the unsigned file parts in the body.
        parts = {name: ("file.jpg", content, "image/jpeg") for name, content in files.items()}
        return httpx.Request("POST", target.url, params=parameters, files=parts, headers=_HEADERS)
    body = urlencode(parameters).encode()
    return httpx.Request("POST", target.url, content=body, headers=_FORM_HEADERS)


def _grant(answer: object) -> Grant:
    body = answer if isinstance(answer, dict) else {}
    token, refresh = body.get("access_token"), body.get("refresh_token")
    if not isinstance(token, str) or not token:
        raise Unreadable("1688 answered without an access token")
    return Grant(
        access_token=token,
        life_s=_seconds(body.get("expires_in")),
        refresh_token=refresh if isinstance(refresh, str) and refresh else None,
    )


def _seconds(value: object) -> float:
    text = str(value)
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else DEFAULT_LIFE_S
