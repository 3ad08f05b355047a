"""Every sample through a running service: 1688's answer in, the caller's response or error out; and back."""

import contextlib
import hashlib
import hmac
import json
from typing import Any

import grpc
import pytest

from tests.cases import ReplyCase, RequestCase, reply_cases, request_cases

OPERATIONS = {
    "SearchByKeyword": "product.search.keywordQuery",
    "UploadImage": "product.image.upload",
    "SearchByImage": "product.search.imageQuery",
    "GetProductDetail": "product.search.queryProductDetail",
    "GetFilterConfig": "product.filterData.queryConfig",
    "GetCategory": "alibaba.category.get",
    "RegisterUser": "account.user.register",
}
REPLIES = list(reply_cases())
REQUESTS = list(request_cases())


@pytest.mark.parametrize("case", REPLIES, ids=lambda case: case.name)
def test_reply(case: ReplyCase, rpcs, sandbox, details) -> None:
    answer = {"status": case.http_status, "content_type": "application/json", "body": case.body.decode()}
    sandbox.fault(answer, operation=OPERATIONS[case.rpc])
    if case.error is None:
        assert rpcs.call(case.rpc, case.dialect, case.request) == _as_called(case)
        return
    with pytest.raises(grpc.RpcError) as failure:
        rpcs.call(case.rpc, case.dialect, case.request)
    assert failure.value.code().name == case.error["status"]
    info = details(failure.value)["ErrorInfo"]
    assert (info.reason, info.domain) == (case.error["reason"], "nationalsite")
    assert info.metadata["source"] == "1688"
    assert info.metadata["operation"].endswith(f":{OPERATIONS[case.rpc]}-1")
    assert info.metadata.get("code", "") == case.error.get("code", "")
    assert info.metadata.get("message", "") == case.error.get("message", "")


def _as_called(case: ReplyCase) -> dict[str, Any]:
    """Return the expected response; a picture search adds the id that was searched for."""
    assert case.response is not None
    if case.rpc == "SearchByImage":
        return case.response | {"image_id": case.request["image_id"]}
    return case.response


@pytest.mark.parametrize("case", REQUESTS, ids=lambda case: case.name)
def test_request(case: RequestCase, rpcs, sandbox) -> None:
    """What the gateway received is what the sample says, as values, and rightly signed."""
    # Whether the sandbox has such a picture or offer does not matter: what it received is what counts here.
    with contextlib.suppress(grpc.RpcError):
        rpcs.call(case.rpc, case.dialect, case.request)
    (call,) = sandbox.calls()
    received = dict(call["parameters"])
    assert received.pop("_aop_signature") == _signature(call["path"], received)
    if "form" in case.expected:
        expected = dict(case.expected["form"])
        del expected["_aop_signature"]
        expected.pop("_aop_timestamp")
        assert call["path"] == case.expected["url_path"]
    else:
        expected = dict(case.expected["fields"], access_token="test-access-token")
    assert _values(received) == _values(expected)


def test_every_request_sample_is_sent() -> None:
    assert {case.name for case in REQUESTS} == {
        f"{slug}.{dialect}"
        for slug in (
            "account_register",
            "image_query",
            "image_upload",
            "keyword_query",
            "query_product_detail",
        )
        for dialect in ("national_site", "open_platform")
    } | {"category_get.open_platform", "filter_query_config.national_site"}


def _signature(path: str, parameters: dict[str, str]) -> str:
    """Sign as the platform's page says, independently of the suite."""
    text = path.removeprefix("/openapi/") + "".join(sorted(k + v for k, v in parameters.items()))
    return hmac.new(b"test-app-secret", text.encode(), hashlib.sha1).hexdigest().upper()


def _values(members: dict[str, Any]) -> dict[str, Any]:
    """Compare as values: JSON text is what it holds, numbers stand as text in a form, null is absent."""
    return {name: _value(value) for name, value in members.items() if value is not None}


def _value(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        value = json.loads(value)
    if isinstance(value, dict):
        return _values(value)
    if isinstance(value, list):
        return [_value(each) for each in value]
    return str(value)
