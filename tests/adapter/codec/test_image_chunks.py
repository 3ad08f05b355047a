"""A large image is sent in chunks, whose text is that of the whole image."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nationalsite.product.v1 import PRODUCT_SERVICE, UploadImageRequest

from services.adapter.codec import Dialect
from services.adapter.codec.image_chunks import CHUNK_BYTES, LARGE_IMAGE_BYTES, Base64Chunks, JsonChunks
from services.adapter.codec.tolerant_json import dump
from services.adapter.form_value import to_text
from tests.support.compiled_operations import compile_once

BYTES = bytes(range(256))


def build_image(size: int) -> bytes:
    return (BYTES * (size // len(BYTES) + 1))[:size]


@given(st.integers(0, 3), st.integers(-4, 4))
def test_the_chunks_are_the_base64_text(chunks: int, more_bytes: int) -> None:
    image = build_image(max(0, chunks * CHUNK_BYTES + more_bytes))
    assert to_text(Base64Chunks(image)) == base64.b64encode(image).decode()


@given(
    st.dictionaries(
        st.text(max_size=4), st.text(max_size=4) | st.integers(-9, 9) | st.binary(max_size=9), max_size=4
    )
)
def test_the_chunks_are_the_json_text(members: dict[str, object]) -> None:
    assert to_text(JsonChunks(members)) == dump(members)


@pytest.mark.parametrize("size", [LARGE_IMAGE_BYTES - 1, LARGE_IMAGE_BYTES])
@pytest.mark.parametrize("dialect", Dialect)
def test_an_image_of_any_size_has_the_same_parameters(dialect: Dialect, size: int) -> None:
    operation = compile_once(PRODUCT_SERVICE, dialect)["UploadImage"]
    image = build_image(size)
    (parameters,) = operation.encode(UploadImageRequest(image=image, out_member_id='饼"干'))
    form = {name: to_text(value) for name, value in parameters.form.items()}
    members = json.loads(form["uploadImageParam"]) if "uploadImageParam" in form else form
    assert base64.b64decode(members["imageBase64"]) == image
    is_text = all(isinstance(value, str) for value in parameters.form.values())
    assert is_text is (size < LARGE_IMAGE_BYTES)
