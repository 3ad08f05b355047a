"""Decompression: what is accepted, and that a small body cannot become a large one."""

import gzip
import zlib

import pytest

from services.adapter.gateway.http_client.connection import ResponseTooLarge
from services.adapter.gateway.http_client.content_encoding import MAX_MEMBERS, UndecodableBody, decompress

TEXT = b'{"a": 1}' * 100
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
RAW_DEFLATE = RAW.compress(TEXT) + RAW.flush()


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (TEXT, ""),
        (TEXT, "identity"),
        (gzip.compress(TEXT), "gzip"),
        (gzip.compress(TEXT), "GZIP"),
        (gzip.compress(TEXT[:5]) + gzip.compress(TEXT[5:]), "gzip"),
        (zlib.compress(TEXT), "deflate"),
        (RAW_DEFLATE, "deflate"),
    ],
    ids=["none", "identity", "gzip", "capitals", "two members", "zlib", "deflate without a header"],
)
@pytest.mark.parametrize("missing", [0, 1])
def test_content_up_to_a_size(body, encoding, missing):
    max_bytes = len(TEXT) - missing
    if missing:
        with pytest.raises(ResponseTooLarge):
            decompress(body, encoding, max_bytes)
    else:
        assert decompress(body, encoding, max_bytes) == TEXT


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (TEXT, "gzip"),
        (TEXT, "br"),
        (gzip.compress(TEXT)[:-1], "gzip"),
        (gzip.compress(TEXT) + b"more", "gzip"),
        (gzip.compress(b"") * (MAX_MEMBERS + 1), "gzip"),
        (zlib.compress(TEXT)[:-1], "deflate"),
    ],
    ids=["plain", "br", "cut", "more", "too many members", "cut zlib"],
)
def test_undecodable(body, encoding):
    with pytest.raises(UndecodableBody):
        decompress(body, encoding, 10_000)


def test_an_empty_body_has_no_encoding():
    assert decompress(b"", "gzip", 10) == b""


def test_a_bomb_takes_no_more_memory_than_allowed():
    with pytest.raises(ResponseTooLarge):
        decompress(gzip.compress(bytes(2**26)), "gzip", 2**10)
