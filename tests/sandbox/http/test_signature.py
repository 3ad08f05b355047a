import json
from pathlib import Path

import pytest

from services.sandbox.http.signature import build_string_to_sign, sign

DATA = json.loads((Path(__file__).parents[2] / "samples" / "signing_vectors.json").read_text())


@pytest.mark.parametrize("vector", DATA["vectors"], ids=lambda vector: vector["id"])
def test_vector(vector):
    text = build_string_to_sign(vector["url_path"], vector["params"])
    assert text == vector["string_to_sign"]
    assert sign(vector["app_secret"], text) == vector["signature"]


@pytest.mark.parametrize(
    "vector",
    [
        vector
        for vector in DATA["vectors"]
        if vector["url_path"] and vector["app_secret"] == DATA["app_secret"]
    ],
    ids=lambda vector: vector["id"],
)
async def test_signature_of_a_vector_is_accepted(client, vector):
    await client.http.post(
        "/openapi/" + vector["url_path"],
        content=vector["form_body_with_signature"],
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    (call,) = await client.calls()
    assert call["signature_valid"] is True
    assert call["string_to_sign"] == vector["string_to_sign"]
