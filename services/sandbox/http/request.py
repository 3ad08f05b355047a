"""Parses an HTTP request to the gateway into a call: which API, and with which parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from functools import cached_property
from urllib.parse import parse_qsl

from starlette.requests import Request

from services.sandbox.http.signature import build_string_to_sign

OPENAPI_PREFIX = "/openapi/"
MAX_BODY_BYTES = 16 * 1024 * 1024


class BodyTooLarge(Exception):
    """The request body exceeds MAX_BODY_BYTES."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedFile:
    """A file of a multipart body. Files are not signed."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class ApiCall:
    """One request to the gateway, as received."""

    method: str
    path: str
    protocol: str
    """The word after `/openapi/` in the path, such as `param2`."""
    version: str
    namespace: str
    name: str
    app_key: str | None
    """None if the path ends before it."""
    content_type: str
    parameters: Mapping[str, str]
    """The query string and the form together, decoded."""
    files: Mapping[str, UploadedFile]
    host: str
    """The host that the caller used, for links back to the sandbox."""

    @property
    def api(self) -> str:
        """`namespace:name-version`, as the documents of 1688 name an API."""
        return f"{self.namespace}:{self.name}-{self.version}"

    @cached_property
    def string_to_sign(self) -> str:
        """The text that the signature of this call covers."""
        return build_string_to_sign(self.path.removeprefix(OPENAPI_PREFIX), self.parameters)


async def read_call(request: Request) -> ApiCall:
    """Read the whole request. Raises BodyTooLarge, and ClientDisconnect of Starlette."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge
    content_type = request.headers.get("content-type", "")
    form, files = _parse_body(content_type, bytes(body))
    path = request.url.path
    # Segments that the path lacks become empty, and there is no API with an empty name.
    protocol, version, namespace, name, *rest = (
        *path.removeprefix(OPENAPI_PREFIX).split("/", 4),
        "",
        "",
        "",
        "",
    )
    return ApiCall(
        method=request.method,
        path=path,
        protocol=protocol,
        version=version,
        namespace=namespace,
        name=name,
        app_key=rest[0] or None,
        content_type=content_type,
        parameters=_parse_pairs(request.url.query) | form,
        files=files,
        host=request.headers.get("host", ""),
    )


def _parse_body(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, UploadedFile]]:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        return _parse_pairs(body.decode("utf-8", "replace")), {}
    if media_type == "multipart/form-data":
        return _parse_multipart(content_type, body)
    return {}, {}


def _parse_pairs(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True))


def _parse_multipart(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, UploadedFile]]:
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_boundary()
    fields: dict[str, str] = {}
    files: dict[str, UploadedFile] = {}
    if not boundary:
        return fields, files
    # The line break before a boundary belongs to the boundary. The first boundary has none, so it gets one.
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
            files[name] = UploadedFile(
                filename=filename, content_type=headers.get_content_type(), content=content
            )
    return fields, files
