"""Requests and responses, and which handler answers which request."""

import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

import httptools
import msgspec

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A complete request."""

    method: str
    path: str
    """As it was sent: escapes are not decoded."""
    query: str
    body: bytes


class HttpResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A response."""

    body: str | bytes = b""
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Besides those about the body and the connection."""


HttpHandler = Callable[[HttpRequest], Awaitable[HttpResponse]]


def router(routes: Mapping[tuple[str, str], HttpHandler]) -> HttpHandler:
    """Return a handler that passes each request to the one of its method and path.

    That of GET also answers HEAD. For any other request the response is 404, or 405 with the methods that the
    path has.
    """
    handlers = dict(routes)
    for (method, path), handler in routes.items():
        if method == "GET":
            handlers.setdefault(("HEAD", path), handler)
    methods: dict[str, list[str]] = {}
    for method, path in handlers:
        methods.setdefault(path, []).append(method)

    async def handle(request: HttpRequest) -> HttpResponse:
        handler = handlers.get((request.method, request.path))
        if handler is not None:
            return await handler(request)
        if request.path in methods:
            allowed = {"Allow": ", ".join(sorted(methods[request.path]))}
            return HttpResponse(status=405, body="method not allowed\n", headers=allowed)
        return HttpResponse(status=404, body="not found\n")

    return handle


def parse_target(target: bytes) -> tuple[str, str]:
    """Return path and query. Raises httptools.HttpParserInvalidURLError."""
    url = httptools.parse_url(target)
    return (url.path or b"/").decode(), (url.query or b"").decode()


def encode_response(response: HttpResponse, *, has_body: bool, is_last: bool) -> bytes:
    """Return the bytes of a response. For HEAD it has no body. After the last one the connection ends."""
    body = response.body.encode() if isinstance(response.body, str) else response.body
    head = (
        f"{_STATUS_LINES[response.status]}Content-Type: {response.content_type}\r\n"
        f"Content-Length: {len(body)}\r\nDate: {_format_date(int(time.time()))}\r\n"
    )
    for name, value in response.headers.items():
        head += f"{name}: {value}\r\n"
    head += "Connection: close\r\n" if is_last else "Connection: keep-alive\r\n"
    return f"{head}\r\n".encode("latin-1") + (body if has_body else b"")


@lru_cache(maxsize=1)
def _format_date(time_s: int) -> str:
    return formatdate(time_s, usegmt=True)
