"""A signed HTTP request to 1688: its URL, its parameters, its body."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote_plus

import httpx

from services.adapter.gateway.signature import sign

CHUNK_CHARACTERS = 2**17
"""A longer form is encoded and sent in chunks of this many characters."""
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip"}
_FORM_HEADERS = _HEADERS | {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~"
_MAX_QUOTE_PLUS_CHARACTERS = 4096


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
    secret: bytes, endpoint: UpstreamEndpoint, parameters: Mapping[str, str]
) -> dict[str, str]:
    """Return the parameters and their signature."""
    return {**parameters, "_aop_signature": sign(secret, endpoint.path, parameters)}


def build_request(
    endpoint: UpstreamEndpoint, parameters: Mapping[str, str], files: Mapping[str, bytes]
) -> httpx.Request:
    """Return the request that sends parameters and file parts."""
    if files:
        # 1688 documents only this layout: signed parameters in the query, unsigned files in the body.
        parts = {name: ("file.jpg", content, "image/jpeg") for name, content in files.items()}
        return httpx.Request("POST", endpoint.url, params=parameters, files=parts, headers=_HEADERS)
    form = _FormStream(parameters)
    if form.character_count() <= CHUNK_CHARACTERS:
        body = b"".join(form)
        headers = _FORM_HEADERS | {"Content-Length": str(len(body))}
        return httpx.Request("POST", endpoint.url, headers=headers, stream=httpx.ByteStream(body))
    headers = _FORM_HEADERS | {"Content-Length": str(form.content_length())}
    return httpx.Request("POST", endpoint.url, headers=headers, stream=form)


class _FormStream(httpx.AsyncByteStream):
    """The body of a form, encoded while it is sent: memory never holds an encoded copy of a large image."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._parameters = parameters

    def character_count(self) -> int:
        """Return the number of characters before encoding."""
        return sum(len(name) + len(value) for name, value in self._parameters.items())

    def content_length(self) -> int:
        """Return the number of bytes after encoding, without encoding the form.

        A space stays one byte, "+". Each other reserved byte becomes three, as in "%2F".
        """
        length = 2 * len(self._parameters) - 1  # "=" and "&"
        for text in (text for parameter in self._parameters.items() for text in parameter):
            for start in range(0, len(text), CHUNK_CHARACTERS):
                data = text[start : start + CHUNK_CHARACTERS].encode()
                length += len(data) + 2 * (len(data.translate(None, _UNRESERVED)) - data.count(b" "))
        return length

    def __iter__(self) -> Iterator[bytes]:
        separator = b""
        for name, value in self._parameters.items():
            yield separator + _quote(name) + b"="
            separator = b"&"
            for start in range(0, len(value), CHUNK_CHARACTERS):
                yield _quote(value[start : start + CHUNK_CHARACTERS])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


def _quote(text: str) -> bytes:
    """Percent-encode a name or value of a form.

    A long text, such as an image, is not given to quote_plus, which looks at each character in Python.
    """
    if len(text) < _MAX_QUOTE_PLUS_CHARACTERS:
        return quote_plus(text).encode()
    data = text.encode()
    reserved = set(data.translate(None, _UNRESERVED)) - set(b"% ")
    data = data.replace(b"%", b"%25")  # first, since the other replacements add "%"
    for byte in reserved:
        data = data.replace(bytes((byte,)), b"%%%02X" % byte)
    return data.replace(b" ", b"+")
