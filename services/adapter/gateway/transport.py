"""Sends one HTTP request and reads the response. Maps the HTTP client's exceptions to ours."""

import asyncio
import os
import ssl
from functools import cached_property
from pathlib import Path

from msgspec.structs import replace

from services.adapter.gateway.call import MonotonicClock
from services.adapter.gateway.connect_errors import GATEWAY_CA_FILE, to_connect_failure
from services.adapter.gateway.http_client.connection import (
    ConnectionBroken,
    HttpConnection,
    HttpResponse,
    ResponseTooLarge,
)
from services.adapter.gateway.http_client.connector import Connector, ProxyUnreachable, TunnelRefused
from services.adapter.gateway.http_client.content_encoding import UndecodableBody, decompress
from services.adapter.gateway.http_client.pool import ConnectionPool
from services.adapter.gateway.http_client.request import HttpRequest, Origin
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
KEEPALIVE_TIMEOUT_S = 15.0
"""Idle connections are closed well before the server closes them: a request sent at that moment fails."""
MAX_CONNECTIONS = 1000
MAX_RESPONSE_BYTES = 16 * 2**20
"""Of a body, decompressed."""

_TLS = ssl.create_default_context()
"""Trusts the certificate authorities of the system, or of SSL_CERT_FILE. Shared: loading takes 15 ms."""


class HttpTransport:
    """The HTTP client of the process. Close it at the end.

    It follows no redirect, neither of 1688 nor of a proxy. It sends no request twice.
    """

    def __init__(self, *, proxy: Proxy | None = None, tls: ssl.SSLContext = _TLS) -> None:
        self._proxy = proxy
        self._tls = tls

    @cached_property
    def _pool(self) -> ConnectionPool:
        connector = Connector(self._tls, self._proxy)
        return ConnectionPool(connector.connect, max_in_use=MAX_CONNECTIONS, max_idle_s=KEEPALIVE_TIMEOUT_S)

    @cached_property
    def _clock(self) -> MonotonicClock:
        return asyncio.get_running_loop().time

    @cached_property
    def _is_traced(self) -> bool:
        """Whether exchanges have spans. Asked once: a process sets its tracer provider before it serves."""
        return is_tracing_enabled()

    async def send(self, request: HttpRequest, deadline: float) -> HttpResponse:
        """Send a request, and read the whole response, until `deadline` (loop time).

        Raises ConnectError, ConnectionLost, DeadlineExceeded, DeadlineExceededInFlight, or
        UpstreamUnreadable (the response is too large, or cannot be decompressed).
        Cancelling closes the connection.
        """
        if not self._is_traced:
            return await self._send(request, deadline)
        with exchange_span(request) as span:
            response = await self._send(request, deadline)
            record_response(span, response.status, response.headers)
            return response

    async def _send(self, request: HttpRequest, deadline: float) -> HttpResponse:
        connection = await self._acquire(request.origin, deadline)
        try:
            response = await connection.exchange(request.encode(), deadline)
            body = decompress(response.body, response.headers.get("content-encoding", ""), MAX_RESPONSE_BYTES)
        except TimeoutError as error:
            raise DeadlineExceededInFlight("the deadline passed while 1688 handled the call") from error
        except ConnectionBroken as error:
            raise ConnectionLost("the connection to 1688 was lost") from error
        except ResponseTooLarge as error:
            raise UpstreamUnreadable("1688's response is too large") from error
        except UndecodableBody as error:
            raise UpstreamUnreadable("1688's response cannot be decompressed") from error
        finally:
            self._pool.release(request.origin, connection)
        return response if body is response.body else replace(response, body=body)

    async def _acquire(self, origin: Origin, deadline: float) -> HttpConnection:
        """Return a connection. An exception means that the request was not sent."""
        remaining_s = deadline - self._clock()
        if remaining_s <= 0:
            raise DeadlineExceeded("the deadline passed before the call was sent")
        try:
            return await self._pool.acquire(origin, min(CONNECT_TIMEOUT_S, remaining_s * 0.9))
        except (OSError, ProxyUnreachable, TunnelRefused) as error:  # TimeoutError is an OSError
            failure = to_connect_failure(error, self._proxy)
            bind_log_fields(connect_failure=failure.cause)
            raise ConnectError(failure.text) from error

    def secrets(self) -> tuple[str, ...]:
        """Return the texts that must not appear in logs or errors."""
        return self._proxy.secrets if self._proxy else ()

    async def close(self) -> None:
        """Close all connections."""
        self._pool.close()
        await asyncio.sleep(0)  # the loop closes them in its next turn


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
