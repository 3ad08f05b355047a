"""One HTTP exchange: the only place where the HTTP library's failures become ours."""

import asyncio
import ssl
from dataclasses import dataclass

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from services.adapter.gateway.spans import exchange_span, note_answer
from services.errors import (
    ConnectionLost,
    DeadlinePassed,
    DeadlinePassedInFlight,
    Unreachable,
    Unreadable,
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
class Answer:
    """What came back, whatever the status."""

    status: int
    headers: httpx.Headers
    body: bytes


class Exchange:
    """The HTTP client of the process. Close it at the end."""

    def __init__(self) -> None:
        self._transport = AiohttpTransport(client=_session, verify=_TLS)

    async def send(self, request: httpx.Request, deadline: float) -> Answer:
        """Send, and read the whole answer, until `deadline` (loop time).

        Raises Unreachable, ConnectionLost, DeadlinePassed, DeadlinePassedInFlight, or Unreadable (too large,
        or not decodable). Cancelling closes the connection.
        """
        remaining = deadline - asyncio.get_running_loop().time()
        if remaining <= 0:
            raise DeadlinePassed("the deadline passed before the call was sent")
        request.extensions["timeout"] = {"pool": min(CONNECT_TIMEOUT_S, remaining * 0.9)}
        with exchange_span(request) as span:
            answer = await self._bounded(request, deadline)
            note_answer(span, answer.status, answer.headers)
            return answer

    async def _bounded(self, request: httpx.Request, deadline: float) -> Answer:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._exchange(request)
        except TimeoutError as error:
            raise DeadlinePassedInFlight("the deadline passed while 1688 was at work") from error
        except httpx.DecodingError as error:
            raise Unreadable("1688's answer cannot be decompressed") from error
        except (httpx.TransportError, aiohttp.ClientError, OSError) as error:
            # The library calls every lost connection a connect time-out; its cause tells them apart.
            if isinstance(error, _NEVER_SENT) or isinstance(error.__cause__, _NEVER_SENT):
                raise Unreachable("1688 cannot be reached") from error
            raise ConnectionLost("the connection to 1688 broke") from error

    async def _exchange(self, request: httpx.Request) -> Answer:
        response = await self._transport.handle_async_request(request)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_REPLY_BYTES:
                    raise Unreadable("1688's answer is too large")
        finally:
            await response.aclose()
        return Answer(status=response.status_code, headers=response.headers, body=bytes(body))

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()


def _session() -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=KEEPALIVE_S, ssl=_TLS)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
