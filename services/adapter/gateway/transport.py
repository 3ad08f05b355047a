"""Sends one HTTP request and reads the response. Maps the HTTP library's exceptions to ours."""

import asyncio
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import httpx
import yarl
from aiohttp.http_exceptions import ContentEncodingError

from services.adapter.gateway.connect_errors import GATEWAY_CA_FILE, to_connect_failure
from services.adapter.gateway.proxy import Proxy, find_proxy
from services.adapter.gateway.tracing import exchange_span, is_tracing_enabled, record_response
from services.errors import (
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    DeadlineExceededInFlight,
    StartupError,
    UpstreamUnreadable,
)
from services.log_fields import bind_log_fields

CONNECT_TIMEOUT_S = 3.0
"""Below five seconds: aiohttp rounds longer timeouts up."""
KEEPALIVE_TIMEOUT_S = 15.0
"""Idle connections are closed well before the server closes them: a request sent at that moment fails."""
MAX_CONNECTIONS = 1000
MAX_RESPONSE_BYTES = 16 * 2**20

_TLS = ssl.create_default_context()
"""Trusts the certificate authorities of the system, or of SSL_CERT_FILE. Shared: loading takes 15 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A response that was read completely, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Keys are case-insensitive."""
    body: bytes


@dataclass(slots=True)
class _Progress:
    """How far a request has come."""

    has_connection: bool = False
    """It can have been sent. Without a connection it was not, whichever timeout ends it."""


class HttpTransport:
    """The HTTP client of the process. Close it at the end.

    It follows no redirect, neither of 1688 nor of a proxy.
    """

    def __init__(self, *, proxy: Proxy | None = None, tls: ssl.SSLContext = _TLS) -> None:
        self._proxy = proxy
        self._tls = tls

    @cached_property
    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=MAX_CONNECTIONS, keepalive_timeout=KEEPALIVE_TIMEOUT_S, ssl=self._tls
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[_trace_connections()],
            proxy=self._proxy.url if self._proxy else None,
        )

    async def send(self, request: httpx.Request, deadline: float) -> HttpResponse:
        """Send a request, and read the whole response, until `deadline` (loop time).

        Raises ConnectError, ConnectionLost, DeadlineExceeded, DeadlineExceededInFlight, or
        UpstreamUnreadable (the response is too large, or cannot be decompressed).
        Cancelling closes the connection.
        """
        remaining_s = deadline - asyncio.get_running_loop().time()
        if remaining_s <= 0:
            raise DeadlineExceeded("the deadline passed before the call was sent")
        connect_timeout_s = min(CONNECT_TIMEOUT_S, remaining_s * 0.9)
        if not is_tracing_enabled():
            return await self._send_with_deadline(request, connect_timeout_s, deadline)
        with exchange_span(request) as span:
            response = await self._send_with_deadline(request, connect_timeout_s, deadline)
            record_response(span, response.status, response.headers)
            return response

    async def _send_with_deadline(
        self, request: httpx.Request, connect_timeout_s: float, deadline: float
    ) -> HttpResponse:
        progress = _Progress()
        try:
            async with asyncio.timeout_at(deadline):
                timeout = aiohttp.ClientTimeout(connect=connect_timeout_s)
                return await self._exchange(request, timeout, progress)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            if not progress.has_connection:
                failure = to_connect_failure(error, self._proxy)
                bind_log_fields(connect_failure=failure.cause)
                # An error of the proxy's response has the headers of the request, and so the credentials.
                has_headers = isinstance(error, aiohttp.ClientResponseError)
                raise ConnectError(failure.text) from (None if has_headers else error)
            if isinstance(error, TimeoutError):
                raise DeadlineExceededInFlight("the deadline passed while 1688 handled the call") from error
            if _is_undecodable(error):
                raise UpstreamUnreadable("1688's response cannot be decompressed") from error
            raise ConnectionLost("the connection to 1688 was lost") from error

    async def _exchange(
        self,
        request: httpx.Request,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 # aiohttp's own type
        progress: _Progress,
    ) -> HttpResponse:
        async with self._session.request(
            request.method,
            yarl.URL(str(request.url), encoded=True),  # the signed URL must not be encoded again
            headers=request.headers,
            data=request.read() if isinstance(request.stream, httpx.ByteStream) else request.stream,
            allow_redirects=False,
            timeout=timeout,
            trace_request_ctx=progress,
            proxy_headers=self._proxy.headers if self._proxy else None,
        ) as response:
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MAX_RESPONSE_BYTES:
                    raise UpstreamUnreadable("1688's response is too large")
            return HttpResponse(status=response.status, headers=response.headers, body=bytes(body))

    def secrets(self) -> tuple[str, ...]:
        """Return the texts that must not appear in logs or errors."""
        return self._proxy.secrets if self._proxy else ()

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()


def build_transport(gateway_url: str, ca_file: Path | None) -> HttpTransport:
    """Return the transport for a gateway: through the proxy of the environment, if it has one.

    The authorities in `ca_file` are trusted besides those of the system. Raises StartupError.
    """
    proxy = find_proxy(gateway_url, os.environ)
    return HttpTransport(proxy=proxy, tls=_TLS if ca_file is None else _build_tls_context(ca_file))


def _build_tls_context(ca_file: Path) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cadata=ca_file.read_text("ascii"))
    except (ssl.SSLError, ValueError):
        raise StartupError([f"{GATEWAY_CA_FILE}: {ca_file} holds no PEM certificate"]) from None
    except OSError as error:
        raise StartupError([f"{GATEWAY_CA_FILE}: cannot read {ca_file}: {error.strerror}"]) from None
    return context


def _trace_connections() -> aiohttp.TraceConfig:
    async def mark(_session: aiohttp.ClientSession, context: SimpleNamespace, _event: object) -> None:
        context.trace_request_ctx.has_connection = True

    config = aiohttp.TraceConfig()
    config.on_connection_create_end.append(mark)
    config.on_connection_reuseconn.append(mark)
    return config


def _is_undecodable(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ContentEncodingError):
        error = error.__cause__
    return error is not None
