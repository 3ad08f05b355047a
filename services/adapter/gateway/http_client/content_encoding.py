"""Decompresses the bodies of responses, up to a size."""

import zlib

from services.adapter.gateway.http_client.connection import ResponseTooLarge

MAX_MEMBERS = 16
"""A body can be compressed in several members, one after the other. Servers send one."""

_GZIP, _ZLIB, _DEFLATE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
"""zlib's names of the formats."""
_ZLIB_METHOD = 8


class UndecodableBody(Exception):
    """The body is not compressed as its header says, or in a way that was not asked for."""


def decompress(body: bytes, content_encoding: str, max_bytes: int) -> bytes:
    """Return a body without its encoding. Raises UndecodableBody, and ResponseTooLarge above `max_bytes`."""
    match content_encoding.lower():
        case "gzip" if body:
            return _inflate(body, _GZIP, max_bytes)
        case "deflate" if body:  # some servers leave out the header of zlib
            return _inflate(body, _ZLIB if body[0] & 0xF == _ZLIB_METHOD else _DEFLATE, max_bytes)
        case "br" | "zstd":
            raise UndecodableBody
    if len(body) > max_bytes:
        raise ResponseTooLarge
    return body


def _inflate(body: bytes, format_: int, max_bytes: int) -> bytes:
    content = bytearray()
    for _ in range(MAX_MEMBERS):
        decompressor = zlib.decompressobj(format_)
        try:
            content += decompressor.decompress(body, max_bytes + 1 - len(content))
        except zlib.error as error:
            raise UndecodableBody from error
        if len(content) > max_bytes:
            raise ResponseTooLarge
        if not decompressor.eof:
            break
        body = decompressor.unused_data
        if not body:
            return bytes(content)
    raise UndecodableBody
