"""1688's signature, against vectors that were checked with OpenSSL, and one that 1688 documents."""

import json
from pathlib import Path

import pytest

from services.adapter.gateway import sign

SAMPLES = Path(__file__).parents[2] / "samples"
VECTORS = json.loads((SAMPLES / "signing_vectors.json").read_text())
REQUESTS = [
    path
    for path in sorted((SAMPLES / "requests").glob("*.req.json"))
    if "form" in json.loads(path.read_text())
]


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["id"])
def test_agrees_with_the_vector(vector):
    secret = vector.get("app_secret", VECTORS["app_secret"])

    assert sign(secret.encode(), vector["url_path"], vector["params"]) == vector["signature"]


def test_vectors_hold_what_is_easily_missed():
    ids = {vector["id"] for vector in VECTORS["vectors"]}

    assert {"push_callback", "push_callback_chinese", "sort_difference", "chinese_json"} <= ids
    assert {vector["url_path"] for vector in VECTORS["vectors"] if "push" in vector["id"]} == {""}


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.name)
def test_agrees_with_the_sample_request(path):
    request = json.loads(path.read_text())
    form = dict(request["form"])
    signature = form.pop("_aop_signature")

    assert sign(b"test-app-secret", request["url_path"].removeprefix("/openapi/"), form) == signature


def test_sorts_bytes_not_characters():
    # U+FF5E comes before U+1F600 in UTF-8, as in code points, and after it in UTF-16, as Java would compare.
    assert sign(b"k", "", {"～": "1", "😀": "2"}) == sign(b"k", "～1😀2", {})


def test_order_of_parameters_does_not_matter():
    assert sign(b"k", "p", {"a": "1", "b": "2"}) == sign(b"k", "p", {"b": "2", "a": "1"})


@pytest.mark.parametrize("other", ["imag", "image", "imageBase64a", "imagf"])
def test_a_value_in_chunks_is_signed_as_its_text(other):
    chunks = [b"/9j/", b"", "饼干".encode(), b"4AAQ"]
    text = b"".join(chunks).decode()

    signature = sign(b"k", "p", {"imageBase64": text, other: "1"})
    assert sign(b"k", "p", {"imageBase64": chunks, other: "1"}) == signature
    assert sign(b"k", "p", {other: chunks, "imageBase64": "1"}) == sign(
        b"k", "p", {other: text, "imageBase64": "1"}
    )
