"""Requests and responses, and which function answers which request."""

import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

import httptools
import msgspec

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus if status >= 200
}


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


Respond = Callable[[HttpRequest], Awaitable[HttpResponse]]


def router(routes: Mapping[tuple[str, str], Respond]) -> Respond:
    """Return the function that answers a request by the one of its method and path. GET includes HEAD.

    For any other request the response is 404, or 405 with the methods that the path has.
    """
    responders = dict(routes)
    for (method, path), respond in routes.items():
        if method == "GET":
            responders.setdefault(("HEAD", path), respond)
    methods: dict[str, list[str]] = {}
    for method, path in responders:
        methods.setdefault(path, []).append(method)

    async def respond_by_route(request: HttpRequest) -> HttpResponse:
        responder = responders.get((request.method, request.path))
        if responder is not None:
            return await responder(request)
        if request.path in methods:
            allowed = {"Allow": ", ".join(sorted(methods[request.path]))}
            return HttpResponse(status=405, body="method not allowed\n", headers=allowed)
        return HttpResponse(status=404, body="not found\n")

    return respond_by_route


def parse_target(target: bytes) -> tuple[str, str]:
    """Return path and query. Raises httptools.HttpParserInvalidURLError."""
    url = httptools.parse_url(target)
    return (url.path or b"/").decode("latin-1"), (url.query or b"").decode("latin-1")


def encode_response(response: HttpResponse, *, has_body: bool, is_last: bool) -> bytes:
    """Return what is sent. `has_body` is false for HEAD. After the last response the connection is closed."""
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
