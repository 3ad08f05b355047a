"""One HTTP exchange: the only place where the HTTP library's failures become ours."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import aiohttp
import httpx
import yarl
from aiohttp.http_exceptions import ContentEncodingError

from services.adapter.gateway.middleware.tracing import exchange_span, is_tracing_enabled, note_answer
from services.errors import (
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    DeadlineExceededInFlight,
    UpstreamUnreadable,
)

CONNECT_TIMEOUT_S = 3.0
"""Bound on waiting for a connection. Below five seconds, from where on the library rounds up."""
KEEPALIVE_S = 15.0
"""Idle connections are dropped well before a server would, so that a write rarely meets a dying one."""
MAX_CONNECTIONS = 1000
MAX_REPLY_BYTES = 16 * 2**20

_TLS = ssl.create_default_context()
"""Trusts the system's authorities, or SSL_CERT_FILE's. One for all: each takes 15 ms to load."""
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """What came back, whatever the status."""

    status: int
    headers: Mapping[str, str]
    """Without regard to case."""
    body: bytes


class HttpTransport:
    """The HTTP client of the process. Close it at the end."""

    @cached_property
    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=KEEPALIVE_S, ssl=_TLS)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def send(self, request: httpx.Request, deadline: float) -> HttpResponse:
        """Send, and read the whole answer, until `deadline` (loop time).

        Raises ConnectError, ConnectionLost, DeadlineExceeded, DeadlineExceededInFlight, or UpstreamUnreadable
        (too large,
        or not decodable). Cancelling closes the connection.
        """
        remaining = deadline - asyncio.get_running_loop().time()
        if remaining <= 0:
            raise DeadlineExceeded("the deadline passed before the call was sent")
        connect_s = min(CONNECT_TIMEOUT_S, remaining * 0.9)
        if not is_tracing_enabled():
            return await self._bounded(request, connect_s, deadline)
        with exchange_span(request) as span:
            answer = await self._bounded(request, connect_s, deadline)
            note_answer(span, answer.status, answer.headers)
            return answer

    async def _bounded(self, request: httpx.Request, connect_s: float, deadline: float) -> HttpResponse:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._exchange(request, aiohttp.ClientTimeout(connect=connect_s))
        except _NEVER_SENT as error:
            raise ConnectError("1688 cannot be reached") from error
        except TimeoutError as error:
            raise DeadlineExceededInFlight("the deadline passed while 1688 was at work") from error
        except (aiohttp.ClientError, OSError) as error:
            if _is_undecodable(error):
                raise UpstreamUnreadable("1688's answer cannot be decompressed") from error
            raise ConnectionLost("the connection to 1688 broke") from error

    async def _exchange(self, request: httpx.Request, bounds: aiohttp.ClientTimeout) -> HttpResponse:
        async with self._session.request(
            request.method,
            yarl.URL(str(request.url), encoded=True),  # what was signed stays as it is
            headers=request.headers,
            data=request.read() if isinstance(request.stream, httpx.ByteStream) else request.stream,
            allow_redirects=False,
            timeout=bounds,
        ) as response:
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MAX_REPLY_BYTES:
                    raise UpstreamUnreadable("1688's answer is too large")
            return HttpResponse(status=response.status, headers=response.headers, body=bytes(body))

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()


def _is_undecodable(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ContentEncodingError):
        error = error.__cause__
    return error is not None
