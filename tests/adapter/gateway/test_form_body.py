"""Forms of any length are encoded as the standard library does, with the right Content-Length."""

from urllib.parse import parse_qs, urlencode

import pytest

from services.adapter.form_value import CHUNK_CHARACTERS
from services.adapter.gateway import UrlBuilder, build_request

TARGET = UrlBuilder("http://127.0.0.1:9", "1000000", {}).build("com.example:name-1")
ODD = '%25 +&=/?~-_."\\饼干😀\x00\n{}:,'


@pytest.mark.parametrize(
    "times", [0, 1, 300, CHUNK_CHARACTERS // len(ODD) + 1, 3 * CHUNK_CHARACTERS // len(ODD)]
)
def test_a_form_is_encoded(times):
    parameters = {"a b": ODD * times, "imageBase64": "QUJD+/==" * times, "饼干": ""}

    request = build_request(TARGET, parameters, {})

    body = b"".join(request.body)
    assert body == urlencode(parameters).encode()
    assert int(request.headers["Content-Length"]) == len(body)


def test_a_value_in_chunks_is_encoded_as_its_text():
    chunks = [ODD.encode(), b"", *(bytes((byte,)) for byte in ODD.encode()), ODD.encode() * 99]
    text = b"".join(chunks).decode()

    request = build_request(TARGET, {"a b": chunks, "c": ODD}, {})

    body = b"".join(request.body)
    assert body == urlencode({"a b": text, "c": ODD}).encode()
    assert int(request.headers["Content-Length"]) == len(body)
    assert body == b"".join(request.body)


def test_a_value_in_chunks_beside_a_file_is_encoded_as_its_text():
    request = build_request(TARGET, {"a": [ODD.encode(), b"b"]}, {"data": b""})

    assert parse_qs(request.target.partition("?")[2])["a"] == [f"{ODD}b"]
