"""Sends one HTTP request and reads the response. Maps the HTTP library's exceptions to ours."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace

import aiohttp
import httpx
import yarl
from aiohttp.http_exceptions import ContentEncodingError

from services.adapter.gateway.tracing import exchange_span, is_tracing_enabled, record_response
from services.errors import (
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    DeadlineExceededInFlight,
    UpstreamUnreadable,
)

CONNECT_TIMEOUT_S = 3.0
"""Below five seconds: aiohttp rounds longer timeouts up."""
KEEPALIVE_TIMEOUT_S = 15.0
"""Idle connections are closed well before the server closes them: a request sent at that moment fails."""
MAX_CONNECTIONS = 1000
MAX_RESPONSE_BYTES = 16 * 2**20

_TLS = ssl.create_default_context()
"""Trusts the certificate authorities of the system, or of SSL_CERT_FILE. Shared: loading takes 15 ms."""
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


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
    """The HTTP client of the process. Close it at the end."""

    @cached_property
    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=MAX_CONNECTIONS, keepalive_timeout=KEEPALIVE_TIMEOUT_S, ssl=_TLS
        )
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[_trace_connections()]
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
        except _NEVER_SENT as error:
            raise ConnectError("1688 cannot be reached") from error
        except TimeoutError as error:
            if not progress.has_connection:
                raise ConnectError("1688 cannot be reached") from error
            raise DeadlineExceededInFlight("the deadline passed while 1688 handled the call") from error
        except (aiohttp.ClientError, OSError) as error:
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
        ) as response:
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MAX_RESPONSE_BYTES:
                    raise UpstreamUnreadable("1688's response is too large")
            return HttpResponse(status=response.status, headers=response.headers, body=bytes(body))

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()


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
