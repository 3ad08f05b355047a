"""A signed HTTP request to 1688: its URL, its parameters, its body."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from services.adapter.form_value import CHUNK_CHARACTERS, FormValue, is_short, iterate_chunks, to_text
from services.adapter.gateway.http_client.request import HttpRequest, Origin
from services.adapter.gateway.signature import sign

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "nationalsite"}
_FORM = "application/x-www-form-urlencoded; charset=UTF-8"
_PATH = "/%:@!$&'()*+,;=~"
"""Characters that a path may have as they are; "%", since a path of the settings can be encoded."""
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
    url: str
    origin: Origin
    target: str
    """The path of the URL."""
    headers: Mapping[str, str]
    """Of all requests."""


class UrlBuilder:
    """The URLs of one gateway, for one app."""

    def __init__(self, url: str, app_key: str, operation_aliases: Mapping[str, str]) -> None:
        """`operation_aliases` maps API ids of the protos to the API ids to call."""
        parts = urlsplit(url.rstrip("/") + "/openapi/")
        is_tls = parts.scheme == "https"
        host = (parts.hostname or "").encode("idna").decode()
        self._origin = Origin(is_tls=is_tls, host=host, port=parts.port or (443 if is_tls else 80))
        port = f":{parts.port}" if parts.port else ""
        self._host = f"[{host}]{port}" if ":" in host else f"{host}{port}"
        self._base = quote(parts.path, safe=_PATH)
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
        target = self._base + quote(path, safe=_PATH)
        scheme = "https" if self._origin.is_tls else "http"
        return UpstreamEndpoint(
            path=path,
            url=f"{scheme}://{self._host}{target}",
            origin=self._origin,
            target=target,
            headers={"Host": self._host, **_HEADERS},
        )


def signed_parameters(
    secret: bytes, endpoint: UpstreamEndpoint, parameters: Mapping[str, FormValue]
) -> dict[str, FormValue]:
    """Return the parameters and their signature."""
    return {**parameters, "_aop_signature": sign(secret, endpoint.path, parameters)}


def build_request(
    endpoint: UpstreamEndpoint, parameters: Mapping[str, FormValue], files: Mapping[str, bytes]
) -> HttpRequest:
    """Return the request that sends parameters and file parts."""
    if files:
        return _build_upload(endpoint, parameters, files)
    if is_short(parameters):
        form = b"&".join([b"%b=%b" % (_quote(name), _quote(value)) for name, value in parameters.items()])
        return _build_post(endpoint, endpoint.target, _FORM, (form,), len(form))
    body = _FormBody(parameters)
    chunks = body if body.content_length > CHUNK_CHARACTERS else (b"".join(body),)
    return _build_post(endpoint, endpoint.target, _FORM, chunks, body.content_length)


def _build_upload(
    endpoint: UpstreamEndpoint, parameters: Mapping[str, FormValue], files: Mapping[str, bytes]
) -> HttpRequest:
    """Send signed parameters in the query, unsigned files in the body: 1688 documents only this layout."""
    query = urlencode({name: to_text(value) for name, value in parameters.items()})
    boundary = secrets.token_hex(16)
    chunks: list[bytes] = []
    for name, content in files.items():
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="file.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        )
        chunks += [head.encode(), content, b"\r\n"]
    chunks.append(f"--{boundary}--\r\n".encode())
    content_type = f"multipart/form-data; boundary={boundary}"
    return _build_post(endpoint, f"{endpoint.target}?{query}", content_type, chunks, sum(map(len, chunks)))


def _build_post(
    endpoint: UpstreamEndpoint, target: str, content_type: str, body: Iterable[bytes], length: int
) -> HttpRequest:
    headers = {**endpoint.headers, "Content-Type": content_type, "Content-Length": str(length)}
    return HttpRequest(origin=endpoint.origin, target=target, headers=headers, body=body)


def _quote(text: str) -> bytes:
    """Return a short text as `quote_plus` does, which takes twice as long."""
    data = text.encode()
    return b"".join(map(_QUOTED.__getitem__, data)) if data.translate(None, _UNRESERVED) else data


class _FormBody:
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

    def _quote(self, data: bytes) -> bytes:
        data = data.replace(b"%", b"%25")  # first, since the other replacements add "%"
        for byte, quoted in self._reserved:
            data = data.replace(byte, quoted)
        return data.replace(b" ", b"+")
