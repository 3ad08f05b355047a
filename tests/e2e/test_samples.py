"""Every sample through a running service: 1688's answer in, the caller's response or error out; and back."""

import contextlib
import hashlib
import hmac
import json
import urllib.error
import urllib.request
from typing import Any

import grpc
import pytest
from nationalsite.upstream.v1 import operation

from tests.support.sample_cases import (
    SAMPLES,
    SERVED_RPCS,
    SERVICES,
    UPSTREAM_METHODS,
    ReplyCase,
    RequestCase,
    reply_cases,
    request_cases,
)

OPERATIONS = {
    name: method.GetOptions().Extensions[operation]
    for name, method in UPSTREAM_METHODS.items()
    if name in SERVED_RPCS
}
APIS = {name: option.api or option.national_site.api for name, option in OPERATIONS.items()}
"""RPC to 1688's id of its operation, `namespace:name-version`."""
REPLIES = [case for case in reply_cases() if case.rpc in SERVED_RPCS]
LIMITS = [case for case in REPLIES if case.error and case.error["reason"].endswith("UPSTREAM_RATE")]
REQUESTS = [case for case in request_cases() if case.rpc in SERVED_RPCS]
"""Those of the replay, which callers cannot call, are in tests/e2e/test_replay.py."""


@pytest.mark.parametrize("case", [case for case in REPLIES if case not in LIMITS], ids=lambda case: case.name)
def test_reply(case: ReplyCase, rpcs, sandbox, details) -> None:
    _answered(case, rpcs, sandbox, details)


@pytest.mark.parametrize("case", LIMITS, ids=lambda case: case.name)
def test_reply_that_slows_down(case: ReplyCase, alone, sandbox, details) -> None:
    """From a service of its own: after a frequency limit it calls less often."""
    service = next(name for name, each in SERVICES.items() if case.rpc in each.methods_by_name)
    _answered(case, alone(service, case.dialect)[1], sandbox, details)


def _answered(case: ReplyCase, rpcs, sandbox, details) -> None:
    answer = {"status": case.http_status, "content_type": "application/json", "body": case.body.decode()}
    sandbox.fault(answer, operation=_name(case.rpc), times=3)  # reads are repeated
    assert case.error is None or case.rpc != "WriteOrderRelations", "refused by result: tests/e2e/test_orders"
    if case.error is None:
        assert rpcs.call(case.rpc, case.dialect, case.request) == _as_called(case)
        return
    with pytest.raises(grpc.RpcError) as failure:
        rpcs.call(case.rpc, case.dialect, case.request)
    assert failure.value.code().name == case.error["status"]
    info = details(failure.value)["ErrorInfo"]
    assert (info.reason, info.domain) == (case.error["reason"], "nationalsite")
    assert info.metadata["source"] == "1688"
    assert info.metadata["operation"] == APIS[case.rpc]
    assert info.metadata.get("code", "") == case.error.get("code", "")
    assert info.metadata.get("message", "") == case.error.get("message", "")


def _as_called(case: ReplyCase) -> dict[str, Any]:
    """Return the expected response, with what the suite adds to 1688's."""
    assert case.response is not None
    if case.rpc == "SearchByImage":
        return case.response | {"image_id": case.request["image_id"]}
    if case.rpc == "WriteOrderRelations":
        return case.response | {"results": [{} for _ in case.request["relations"]]}
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
    if "url_path" in case.expected:
        expected = dict(case.expected.get("form") or case.expected["query"])
        del expected["_aop_signature"]
        expected.pop("_aop_timestamp")
        assert call["path"] == case.expected["url_path"]
        assert _kinds_of_files(call) == {
            part["name"]: part["content_type"] for part in case.expected.get("parts", [])
        }
    else:
        token = {} if OPERATIONS[case.rpc].no_access_token else {"access_token": "test-access-token"}
        expected = case.expected["fields"] | token
    assert _values(received) == _values(expected)


def _kinds_of_files(call: dict[str, Any]) -> dict[str, str]:
    """Return the files of a call, by their name: their types."""
    multipart = call["content_type"].startswith("multipart/form-data")
    assert multipart == bool(call["files"])
    return {name: file["content_type"] for name, file in call["files"].items()}


def test_every_request_sample_is_sent() -> None:
    samples = {path.name.removesuffix(".req.json") for path in (SAMPLES / "requests").glob("*.req.json")}
    assert {case.name for case in request_cases()} == samples


@pytest.mark.parametrize("rpc", OPERATIONS)
def test_every_operation_has_a_request_sample_and_is_in_the_sandbox(rpc: str, sandbox) -> None:
    assert rpc in {case.rpc for case in REQUESTS}
    namespace, _, rest = APIS[rpc].partition(":")
    url = f"{sandbox.url}/openapi/param2/1/{namespace}/{rest.rpartition('-')[0]}/1000000"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url)
    assert json.loads(refused.value.read())["error_code"] == "gw.SignatureMissing"


def _name(rpc: str) -> str:
    """Return what the sandbox calls an RPC's operation."""
    return APIS[rpc].partition(":")[2].rpartition("-")[0]


def _signature(path: str, parameters: dict[str, str]) -> str:
    """Sign as the platform's page says, independently of the suite."""
    text = path.removeprefix("/openapi/") + "".join(sorted(k + v for k, v in parameters.items()))
    return hmac.new(b"test-app-secret", text.encode(), hashlib.sha1).hexdigest().upper()


def _values(members: dict[str, Any]) -> dict[str, Any]:
    """Compare as values: JSON text is what it holds, numbers of a form stand as text, null is absent."""
    return {name: _value(value) for name, value in members.items() if value is not None}


def _value(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        value = json.loads(value)
    return _json(value) if isinstance(value, dict | list) else str(value)


def _json(value: Any) -> Any:
    """Inside JSON a number is no text."""
    if isinstance(value, dict):
        return {name: _json(each) for name, each in value.items() if each is not None}
    return [_json(each) for each in value] if isinstance(value, list) else value
