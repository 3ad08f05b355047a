"""Keeps other sites in a browser away from the page and the admin API, which have no authentication.

A page of any site can make a browser send requests to this machine. If the name of the site resolves to an
address of this machine (DNS rebinding), the page can also read the responses.
"""

import ipaddress
import re
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL_NAME = "localhost"
_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[^\[\]:@/]+)(:[0-9]{1,5})?")
_HEADERS = {
    # Only files of the sandbox, and no markup or code from text. A form is sent by the page's scripts only.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    # A browser asks each time whether its copy is still the newest.
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class OwnHost:
    """Rejects requests that name another host, and adds the headers that isolate the page."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = {LOCAL_NAME, *(host.lower() for host in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request. Raises HTTPException."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        self.check(Headers(scope=scope))
        await self._app(scope, receive, send_with_headers)

    def check(self, headers: Headers) -> None:
        """Raise HTTPException if a request may come from another site."""
        if not self._is_own(headers.get("host", "")):
            raise HTTPException(
                421, "Host: must be an IP address, localhost or a name in NATIONALSITE_SANDBOX_HOSTS"
            )

    def _is_own(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match["name"].removeprefix("[").removesuffix("]").lower()
        # An address cannot be rebound. Any address will do: which ones this machine has can change.
        return name in self._hosts or _is_address(name)


class OwnOrigin(OwnHost):
    """Also rejects requests that pages of other origins send, as far as the browser reports it."""

    def check(self, headers: Headers) -> None:
        """Raise HTTPException if a request may come from another site."""
        super().check(headers)
        host, origin = headers["host"], headers.get("origin")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            raise HTTPException(403, "Origin: must be the origin of the sandbox")
        # `same-site` is another port of this machine.
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise HTTPException(403, "Sec-Fetch-Site: must be none or same-origin")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
