"""`sign`; the sandbox accepts its signature."""

import base64
import io
import json
import sys
import urllib.parse
import urllib.request

import pytest

from services.adapter.codec.image_chunks import LARGE_IMAGE_BYTES
from tests.adapter.cli.operator_harness import REFRESH_TOKEN, TIMEOUT_S, TOKEN, Operator

SEARCH = {"keyword": "靴子", "country": "japan", "page": 1, "page_size": 10}


def test_the_sandbox_accepts_the_signature(operator: Operator) -> None:
    request = {"offer_id": "not a number"}
    assert operator.run("sign", "GetProductDetail", json.dumps(request)).code == 1

    operator.admin("DELETE", "calls")
    result = operator.run("sign", "--json", "SearchByKeyword", json.dumps({**SEARCH, "language": "ja"}))
    assert operator.calls() == []
    (call,) = result.json
    parameters = call["parameters"]
    assert parameters["offerQueryParam"]["keyword"] == SEARCH["keyword"]
    assert parameters["access_token"] == "***"

    # Sends the call as it was printed: the sandbox computes string and signature itself.
    path, _, joined = call["string_to_sign"].partition("access_token***")
    body = {
        "access_token": TOKEN,
        "offerQueryParam": joined.removeprefix("offerQueryParam"),
        "_aop_signature": call["signature"],
    }
    assert call["url"].endswith(path)
    send = urllib.request.Request(
        call["url"], urllib.parse.urlencode(body).encode(), {"Content-Type": call["headers"]["content-type"]}
    )
    with urllib.request.urlopen(send, timeout=TIMEOUT_S) as response:
        assert response.status == 200
    (received,) = operator.calls()
    assert received["signature_valid"]
    assert received["string_to_sign"].replace(TOKEN, "***") == call["string_to_sign"]
    assert len(urllib.parse.urlencode(body)) == int(call["headers"]["content-length"])


def test_a_batch_is_shown_as_several_calls(operator: Operator) -> None:
    ids = ("national_order_id", "national_sub_order_id", "cbu_order_id", "cbu_order_entry_id")
    relation = dict.fromkeys(ids, "1")
    result = operator.run("sign", "WriteOrderRelations", json.dumps({"relations": [relation, relation]}))
    assert (result.code, result.err) == (0, "")
    assert result.out.count("string to sign") == 2


def test_a_file_is_not_signed(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"image": "/9j/4A=="})))
    result = operator.run("sign", "UploadRefundVoucher", "--json", "-")
    (call,) = result.json
    assert call["sent_in"] == "query"
    assert call["headers"]["content-type"].startswith("multipart/form-data")
    assert call["files"] == {"imageData": "4 bytes"}
    assert call["string_to_sign"].endswith("/1000000access_token***")


def test_a_large_image_is_shown_and_signed_as_its_text(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = base64.b64encode(b"\xff\xd8\xff" + bytes(LARGE_IMAGE_BYTES)).decode()
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"image": image})))
    (call,) = operator.run("sign", "UploadImage", "--json", "-").json
    assert call["parameters"]["uploadImageParam"] == {"imageBase64": image}
    assert call["string_to_sign"].endswith(f'***uploadImageParam{{"imageBase64":"{image}"}}')


def test_without_an_access_token_there_is_no_signature(operator: Operator) -> None:
    operator.unset_tokens()
    operator.set({"NATIONALSITE_REFRESH_TOKEN": REFRESH_TOKEN})
    result = operator.run("sign", "ListPayWays", '{"cbu_order_id": "123"}')
    assert result.code == 0
    assert "none: it includes the access token" in result.out
    assert "_aop_signature" not in result.out


@pytest.mark.parametrize(
    ("rpc", "request_json", "message"),
    [
        ("NoSuchRpc", "{}", "no such operation"),
        ("GetFilterConfig", "{}", "no such operation"),  # which the open platform lacks
        ("CreateRefund", "{}", "cbu_order_id"),
        ("CreateRefund", '{"no_such_field": 1}', "no_such_field"),
        ("CreateRefund", "no json", "request"),
    ],
)
def test_a_request_that_cannot_be_sent_is_reported(
    operator: Operator, rpc: str, request_json: str, message: str
) -> None:
    result = operator.run("sign", rpc, request_json)
    assert (result.code, result.out) == (1, "")
    assert message in result.err
