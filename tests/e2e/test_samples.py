"""Every sample through a running service: 1688's responses to callers, and callers' requests to 1688."""

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

from tests.e2e.conftest import RpcClient, StartDedicated
from tests.support.sample_cases import (
    SAMPLES,
    SERVED_RPCS,
    SERVICES,
    UPSTREAM_METHODS,
    RequestCase,
    ResponseCase,
    request_cases,
    response_cases,
)
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details

OPERATIONS = {
    name: method.GetOptions().Extensions[operation]
    for name, method in UPSTREAM_METHODS.items()
    if name in SERVED_RPCS
}
APIS = {name: option.api or option.national_site.api for name, option in OPERATIONS.items()}
"""RPC -> 1688's id of its operation, `namespace:name-version`."""
RESPONSES = [case for case in response_cases() if case.rpc in SERVED_RPCS]
RATE_LIMIT_CASES = [
    case for case in RESPONSES if case.error and case.error["reason"].endswith("UPSTREAM_RATE")
]
REQUESTS = [case for case in request_cases() if case.rpc in SERVED_RPCS]
"""Requests of the replay have no RPC; tests/e2e/test_replay.py sends them."""


@pytest.mark.parametrize(
    "case", [case for case in RESPONSES if case not in RATE_LIMIT_CASES], ids=lambda case: case.name
)
def test_response(case: ResponseCase, client: RpcClient, sandbox: SandboxClient) -> None:
    _check_response(case, client, sandbox)


@pytest.mark.parametrize("case", RATE_LIMIT_CASES, ids=lambda case: case.name)
def test_rate_limit_response(
    case: ResponseCase, start_dedicated: StartDedicated, sandbox: SandboxClient
) -> None:
    """Each case has its own service, because a service lowers its rate after a rate limit."""
    service = next(name for name, descriptor in SERVICES.items() if case.rpc in descriptor.methods_by_name)
    _check_response(case, start_dedicated(service, case.dialect)[1], sandbox)


def _check_response(case: ResponseCase, client: RpcClient, sandbox: SandboxClient) -> None:
    response = {"status": case.http_status, "content_type": "application/json", "body": case.body.decode()}
    sandbox.inject_fault(response, operation=_operation_name(case.rpc), times=3)  # reads are retried
    assert case.error is None or case.rpc != "WriteOrderRelations", (
        "errors of single relations: see tests/e2e/test_orders.py"
    )
    if case.error is None:
        assert client.call(case.rpc, case.dialect, case.request) == _expected_response(case)
        return
    with pytest.raises(grpc.RpcError) as failure:
        client.call(case.rpc, case.dialect, case.request)
    assert failure.value.code().name == case.error["status"]
    info = parse_status_details(failure.value)["ErrorInfo"]
    assert (info.reason, info.domain) == (case.error["reason"], "nationalsite")
    assert info.metadata["source"] == "1688"
    assert info.metadata["operation"] == APIS[case.rpc]
    assert info.metadata.get("code", "") == case.error.get("code", "")
    assert info.metadata.get("message", "") == case.error.get("message", "")


def _expected_response(case: ResponseCase) -> dict[str, Any]:
    """Return the expected response, with the fields that the service adds to those of 1688."""
    assert case.response is not None
    if case.rpc == "SearchByImage":
        return case.response | {"image_id": case.request["image_id"]}
    if case.rpc == "WriteOrderRelations":
        return case.response | {"results": [{} for _ in case.request["relations"]]}
    return case.response


@pytest.mark.parametrize("case", REQUESTS, ids=lambda case: case.name)
def test_request(case: RequestCase, client: RpcClient, sandbox: SandboxClient) -> None:
    """The gateway received the request of the sample, compared by value, with a valid signature."""
    # The sandbox may not know the image or offer. Only the request that it received is checked.
    with contextlib.suppress(grpc.RpcError):
        client.call(case.rpc, case.dialect, case.request)
    (call,) = sandbox.calls()
    received = dict(call["parameters"])
    assert received.pop("_aop_signature") == _signature(call["path"], received)
    if "url_path" in case.expected:
        expected = dict(case.expected.get("form") or case.expected["query"])
        del expected["_aop_signature"]
        expected.pop("_aop_timestamp")
        assert call["path"] == case.expected["url_path"]
        assert _file_types(call) == {
            part["name"]: part["content_type"] for part in case.expected.get("parts", [])
        }
    else:
        token = {} if OPERATIONS[case.rpc].no_access_token else {"access_token": "test-access-token"}
        expected = case.expected["fields"] | token
    assert _normalize(received) == _normalize(expected)


def _file_types(call: dict[str, Any]) -> dict[str, str]:
    """Return the content type of each file of a call, by its name."""
    multipart = call["content_type"].startswith("multipart/form-data")
    assert multipart == bool(call["files"])
    return {name: file["content_type"] for name, file in call["files"].items()}


def test_every_request_sample_is_sent() -> None:
    samples = {path.name.removesuffix(".req.json") for path in (SAMPLES / "requests").glob("*.req.json")}
    assert {case.name for case in request_cases()} == samples


@pytest.mark.parametrize("rpc", OPERATIONS)
def test_every_operation_has_a_request_sample_and_is_in_the_sandbox(rpc: str, sandbox: SandboxClient) -> None:
    assert rpc in {case.rpc for case in REQUESTS}
    namespace, _, rest = APIS[rpc].partition(":")
    url = f"{sandbox.url}/openapi/param2/1/{namespace}/{rest.rpartition('-')[0]}/1000000"
    with pytest.raises(urllib.error.HTTPError) as failure:
        urllib.request.urlopen(url)
    assert json.loads(failure.value.read())["error_code"] == "gw.SignatureMissing"


def _operation_name(rpc: str) -> str:
    """Return the name of an RPC's operation in the sandbox."""
    return APIS[rpc].partition(":")[2].rpartition("-")[0]


def _signature(path: str, parameters: dict[str, str]) -> str:
    """Sign as 1688 documents it. This shares no code with the services."""
    signed_text = path.removeprefix("/openapi/") + "".join(sorted(k + v for k, v in parameters.items()))
    return hmac.new(b"test-app-secret", signed_text.encode(), hashlib.sha1).hexdigest().upper()


def _normalize(members: dict[str, Any]) -> dict[str, Any]:
    """Return comparable members: JSON text is parsed, numbers of a form become text, null is dropped."""
    return {name: _normalize_value(value) for name, value in members.items() if value is not None}


def _normalize_value(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        value = json.loads(value)
    return _drop_nulls(value) if isinstance(value, dict | list) else str(value)


def _drop_nulls(value: Any) -> Any:
    """Return JSON without null members. Unlike in a form, its numbers stay numbers."""
    if isinstance(value, dict):
        return {name: _drop_nulls(member) for name, member in value.items() if member is not None}
    return [_drop_nulls(element) for element in value] if isinstance(value, list) else value
