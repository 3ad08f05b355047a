"""A signed HTTP request to 1688: its URL, its parameters, its body."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from urllib.parse import quote_plus

import httpx

from services.adapter.form_value import CHUNK_CHARACTERS, FormValue, is_short, iterate_chunks, to_text
from services.adapter.gateway.signature import sign

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "nationalsite"}
_FORM_HEADERS = _HEADERS | {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~"
_QUOTED = tuple(quote_plus(bytes((byte,))).encode() for byte in range(256))
"""Each byte as it stands in an encoded form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppCredentials:
    """Key and secret of the app, from 1688's console."""

    key: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamEndpoint:
    """The URL of an operation."""

    path: str
    """The part of the URL that is signed: all after `/openapi/`, as in `param2/1/namespace/name/appKey`."""
    url: httpx.URL


class UrlBuilder:
    """The URLs of one gateway, for one app."""

    def __init__(self, url: str, app_key: str, operation_aliases: Mapping[str, str]) -> None:
        """`operation_aliases` maps API ids of the protos to the API ids to call."""
        self._base = httpx.URL(url.rstrip("/") + "/openapi/")
        self._app_key = app_key
        self._aliases = operation_aliases
        self._endpoints: dict[str, UpstreamEndpoint] = {}

    def build(self, api_id: str) -> UpstreamEndpoint:
        """Return the endpoint of an operation by its id `namespace:name-version`."""
        endpoint = self._endpoints.get(api_id)
        if endpoint is None:
            namespace, _, name_version = self._aliases.get(api_id, api_id).partition(":")
            name, _, version = name_version.rpartition("-")
            endpoint = self._endpoints[api_id] = self.build_for_path(f"param2/{version}/{namespace}/{name}")
        return endpoint

    def build_for_path(self, path: str) -> UpstreamEndpoint:
        """Return the endpoint of a path. The app key is added to the path as its last part."""
        path = f"{path}/{self._app_key}"
        return UpstreamEndpoint(path=path, url=self._base.join(path))


def signed_parameters(
    secret: bytes, endpoint: UpstreamEndpoint, parameters: Mapping[str, FormValue]
) -> dict[str, FormValue]:
    """Return the parameters and their signature."""
    return {**parameters, "_aop_signature": sign(secret, endpoint.path, parameters)}


def build_request(
    endpoint: UpstreamEndpoint, parameters: Mapping[str, FormValue], files: Mapping[str, bytes]
) -> httpx.Request:
    """Return the request that sends parameters and file parts."""
    if files:
        # 1688 documents only this layout: signed parameters in the query, unsigned files in the body.
        parts = {name: ("file.jpg", content, "image/jpeg") for name, content in files.items()}
        query = {name: to_text(value) for name, value in parameters.items()}
        return httpx.Request("POST", endpoint.url, params=query, files=parts, headers=_HEADERS)
    if is_short(parameters):
        body = b"&".join([b"%b=%b" % (_quote(name), _quote(value)) for name, value in parameters.items()])
        headers = _FORM_HEADERS | {"Content-Length": str(len(body))}
        return httpx.Request("POST", endpoint.url, headers=headers, stream=httpx.ByteStream(body))
    form = _FormStream(parameters)
    headers = _FORM_HEADERS | {"Content-Length": str(form.content_length)}
    stream = form if form.content_length > CHUNK_CHARACTERS else httpx.ByteStream(b"".join(form))
    return httpx.Request("POST", endpoint.url, headers=headers, stream=stream)


def _quote(text: str) -> bytes:
    """Return a short text as `quote_plus` does, which takes twice as long."""
    data = text.encode()
    return b"".join(map(_QUOTED.__getitem__, data)) if data.translate(None, _UNRESERVED) else data


class _FormStream(httpx.AsyncByteStream):
    """The body of a form, encoded while it is sent: memory never holds an encoded copy of a large image."""

    def __init__(self, parameters: Mapping[str, FormValue]) -> None:
        """Measure the form. Each reserved byte becomes three, as in "%2F", but a space becomes "+"."""
        self._parameters = parameters
        self.content_length = 2 * len(parameters) - 1  # "=" and "&"
        """The number of bytes after encoding."""
        reserved = set[int]()
        for name, value in parameters.items():
            for chunk in chain((name.encode(),), iterate_chunks(value)):
                found = chunk.translate(None, _UNRESERVED)
                self.content_length += len(chunk) + 2 * (len(found) - found.count(b" "))
                reserved.update(found.translate(None, bytes(reserved)))
        self._reserved = [(bytes((byte,)), b"%%%02X" % byte) for byte in reserved - set(b"% ")]

    def __iter__(self) -> Iterator[bytes]:
        separator = b""
        for name, value in self._parameters.items():
            yield separator + self._quote(name.encode()) + b"="
            separator = b"&"
            yield from map(self._quote, iterate_chunks(value))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk

    def _quote(self, data: bytes) -> bytes:
        data = data.replace(b"%", b"%25")  # first, since the other replacements add "%"
        for byte, quoted in self._reserved:
            data = data.replace(byte, quoted)
        return data.replace(b" ", b"+")
