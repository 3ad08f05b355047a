"""What is sent to 1688: where to, signed, as an HTTP request."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote_plus

import httpx

from services.adapter.gateway.signature import sign

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip"}
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~"
_LONG = 4096
MOST_AT_ONCE = 2**17
"""Characters of a form that are quoted and sent in one piece."""
_FORM_HEADERS = _HEADERS | {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppCredentials:
    """The app that 1688 knows us as."""

    key: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamEndpoint:
    """Where a request goes."""

    path: str
    """The part of the URL that is signed, from the protocol on."""
    url: httpx.URL


class UrlBuilder:
    """The URLs of one gateway, for one app."""

    def __init__(self, url: str, app_key: str, names: Mapping[str, str]) -> None:
        """`names` gives the api ids that are to be called by another."""
        self._base = httpx.URL(url.rstrip("/") + "/openapi/")
        self._app_key = app_key
        self._names = names

    def of(self, api: str) -> UpstreamEndpoint:
        """Return the address of an operation by its id `namespace:name-version`."""
        namespace, _, rest = self._names.get(api, api).partition(":")
        name, _, version = rest.rpartition("-")
        return self.at(f"param2/{version}/{namespace}/{name}")

    def at(self, path: str) -> UpstreamEndpoint:
        """Return the address of a path without its last part, the app key."""
        path = f"{path}/{self._app_key}"
        return UpstreamEndpoint(path=path, url=self._base.join(path))


def signed_parameters(
    secret: bytes, target: UpstreamEndpoint, parameters: Mapping[str, str]
) -> dict[str, str]:
    """Return the parameters and their signature."""
    return {**parameters, "_aop_signature": sign(secret, target.path, parameters)}


def build_request(
    target: UpstreamEndpoint, parameters: Mapping[str, str], files: Mapping[str, bytes]
) -> httpx.Request:
    """Return the request that sends parameters and file parts."""
    if files:
        # Documented only so: the signed parameters in the query, the unsigned file parts in the body.
        parts = {name: ("file.jpg", content, "image/jpeg") for name, content in files.items()}
        return httpx.Request("POST", target.url, params=parameters, files=parts, headers=_HEADERS)
    form = _FormStream(parameters)
    if len(form) <= MOST_AT_ONCE:
        body = b"".join(form)
        headers = _FORM_HEADERS | {"Content-Length": str(len(body))}
        return httpx.Request("POST", target.url, headers=headers, stream=httpx.ByteStream(body))
    headers = _FORM_HEADERS | {"Content-Length": str(form.size())}
    return httpx.Request("POST", target.url, headers=headers, stream=form)


class _FormStream(httpx.AsyncByteStream):
    """A form's body, piece by piece: a picture is quoted while it is sent, and not held again as a whole."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._parameters = parameters

    def __len__(self) -> int:
        """Characters before anything is quoted."""
        return sum(len(name) + len(value) for name, value in self._parameters.items())

    def size(self) -> int:
        """Bytes when it is quoted, told without quoting it: every special one but a blank becomes three."""
        size = 2 * len(self._parameters) - 1  # the marks between
        for text in (text for pair in self._parameters.items() for text in pair):
            for start in range(0, len(text), MOST_AT_ONCE):
                data = text[start : start + MOST_AT_ONCE].encode()
                size += len(data) + 2 * (len(data.translate(None, _PLAIN)) - data.count(b" "))
        return size

    def __iter__(self) -> Iterator[bytes]:
        between = b""
        for name, value in self._parameters.items():
            yield between + _quoted(name) + b"="
            between = b"&"
            for start in range(0, len(value), MOST_AT_ONCE):
                yield _quoted(value[start : start + MOST_AT_ONCE])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def _quoted(text: str) -> bytes:
    """Quote a form's name or value.

    The library looks at each character in Python; of a long text, such as a picture's, that takes too long.
    """
    if len(text) < _LONG:
        return quote_plus(text).encode()
    data = text.encode()
    special = set(data.translate(None, _PLAIN)) - set(b"% ")
    data = data.replace(b"%", b"%25")  # before there are more of them
    for byte in special:
        data = data.replace(bytes((byte,)), b"%%%02X" % byte)
    return data.replace(b" ", b"+")
