"""Reads an HTTP request to the gateway into a call: which API, and with which parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from functools import cached_property
from urllib.parse import parse_qsl

from starlette.requests import Request

from services.sandbox.http.signature import string_to_sign

PREFIX = "/openapi/"
MAX_BODY_BYTES = 16 * 1024 * 1024


class BodyTooLarge(Exception):
    """The request's body exceeds MAX_BODY_BYTES."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """A file of a multipart body. Files are not signed."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request to the gateway, as received."""

    method: str
    path: str
    protocol: str
    version: str
    namespace: str
    name: str
    app_key: str | None
    """None if the path ends before it."""
    content_type: str
    parameters: Mapping[str, str]
    """Query and form together, decoded."""
    files: Mapping[str, FilePart]
    host: str
    """The address that the caller used, for links back to the sandbox."""

    @property
    def api(self) -> str:
        """`namespace:name-version`, the way documents name an API."""
        return f"{self.namespace}:{self.name}-{self.version}"

    @cached_property
    def string_to_sign(self) -> str:
        """What the signature of this call covers."""
        return string_to_sign(self.path.removeprefix(PREFIX), self.parameters)


async def read_call(request: Request) -> Call:
    """Reads the whole request. Raises BodyTooLarge, and starlette's ClientDisconnect."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge
    content_type = request.headers.get("content-type", "")
    form, files = _read_body(content_type, bytes(body))
    path = request.url.path
    # Whatever the path lacks stays empty: an API of that name does not exist.
    protocol, version, namespace, name, *rest = (*path.removeprefix(PREFIX).split("/", 4), "", "", "", "")
    return Call(
        method=request.method,
        path=path,
        protocol=protocol,
        version=version,
        namespace=namespace,
        name=name,
        app_key=rest[0] or None,
        content_type=content_type,
        parameters=_pairs(request.url.query) | form,
        files=files,
        host=request.headers.get("host", ""),
    )


def _read_body(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, FilePart]]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return _pairs(body.decode("utf-8", "replace")), {}
    if kind == "multipart/form-data":
        return _read_multipart(content_type, body)
    return {}, {}


def _pairs(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True))


def _read_multipart(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, FilePart]]:
    envelope = Message()
    envelope["content-type"] = content_type
    boundary = envelope.get_boundary()
    fields: dict[str, str] = {}
    files: dict[str, FilePart] = {}
    if not boundary:
        return fields, files
    # The line break before a boundary belongs to the boundary, so the first one is given one too.
    for section in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:]:
        head, blank_line, content = section.partition(b"\r\n\r\n")
        headers = BytesHeaderParser().parsebytes(head.lstrip(b"\r\n"))
        name = headers.get_param("name", header="content-disposition")
        filename = headers.get_filename()
        if not blank_line or not isinstance(name, str):
            continue
        if filename is None:
            fields[name] = content.decode("utf-8", "replace")
        else:
            files[name] = FilePart(
                filename=filename, content_type=headers.get_content_type(), content=content
            )
    return fields, files
