"""Every sample through a running service: 1688's responses to callers, and callers' requests to 1688."""

import contextlib
import hashlib
import hmac
import json
import urllib.error
import urllib.request
import uuid
from typing import Any

import grpc
import pytest

from tests.e2e.conftest import TIMEOUT_S, RpcClient, StartDedicated
from tests.support import request_ids
from tests.support.sample_cases import (
    APIS,
    OPERATIONS,
    SAMPLES,
    SERVED_RPCS,
    SERVICES,
    RequestCase,
    ResponseCase,
    operation_name,
    request_cases,
    response_cases,
)
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details

CREATE = "CreatePurchaseOrders"
RESPONSES = [case for case in response_cases() if case.rpc in SERVED_RPCS]
OWN_SERVICE_CASES = [
    case
    for case in RESPONSES
    if case.error
    and (
        case.error["reason"].endswith("UPSTREAM_RATE")
        or (case.rpc == CREATE and case.error["reason"].endswith("OUTCOME_UNKNOWN"))
    )
]
"""A service lowers its rate after a rate limit, and searches for orders after a creation."""
SEARCH_TIMEOUT_S = 2
"""For a call that searches until its deadline."""
DEFAULT_PAGE_SIZE = 20
"""Offers per page of a search. Each search sample is a first page."""
REQUESTS = [case for case in request_cases() if case.rpc in SERVED_RPCS]
"""Requests of the replay have no RPC; tests/e2e/test_replay.py sends them."""


@pytest.mark.parametrize(
    "case", [case for case in RESPONSES if case not in OWN_SERVICE_CASES], ids=lambda case: case.name
)
def test_response(case: ResponseCase, client: RpcClient, sandbox: SandboxClient) -> None:
    _check_response(case, client, sandbox)


@pytest.mark.slow
@pytest.mark.parametrize("case", OWN_SERVICE_CASES, ids=lambda case: case.name)
def test_response_that_changes_the_service(
    case: ResponseCase, start_dedicated: StartDedicated, sandbox: SandboxClient
) -> None:
    service = next(name for name, descriptor in SERVICES.items() if case.rpc in descriptor.methods_by_name)
    _check_response(case, start_dedicated(service, case.dialect)[1], sandbox)


def _check_response(case: ResponseCase, client: RpcClient, sandbox: SandboxClient) -> None:
    # Reads are retried.
    sandbox.inject_fault(case.fault, operation=operation_name(case.rpc), times=3)
    assert case.error is None or case.rpc != "WriteOrderRelations", (
        "errors of single relations: see tests/e2e/test_orders.py"
    )
    request = dict(case.request)
    if case.rpc == CREATE:  # the service does not take an id twice
        request["out_order_id"] = uuid.uuid4().hex
    if case.error is None:
        response = client.call(case.rpc, case.dialect, request)
        expected = case.full_response
        has_next_page = int(expected.get("total_size", 0)) > DEFAULT_PAGE_SIZE
        assert bool(response.pop("next_page_token", "")) == has_next_page
        if "rejection" in expected:  # its ids are new in each call
            metadata = response["rejection"]["details"][0]["metadata"]
            assert metadata.pop("upstreamRequestId")
            metadata.pop("requestId", None)
            metadata.pop("outOrderId", None)
        assert response == expected
        return
    timeout = SEARCH_TIMEOUT_S if case in OWN_SERVICE_CASES and case.rpc == CREATE else TIMEOUT_S
    with pytest.raises(grpc.RpcError) as failure:
        client.call(case.rpc, case.dialect, request, timeout=timeout)
    assert failure.value.code().name == case.error["status"]
    info = parse_status_details(failure.value)["ErrorInfo"]
    assert (info.reason, info.domain) == (case.error["reason"], "nationalsite")
    assert info.metadata["source"] == "1688"
    assert (info.metadata["operation"], info.metadata["dialect"]) == (APIS[case.rpc], case.dialect)
    assert info.metadata.get("upstreamCode", "") == case.error.get("code", "")
    assert info.metadata.get("upstreamMessage", "") == case.error.get("message", "")


@pytest.mark.parametrize("case", REQUESTS, ids=lambda case: case.name)
def test_request(case: RequestCase, client: RpcClient, sandbox: SandboxClient) -> None:
    """The gateway received the request of the sample, compared by value, with a valid signature."""
    # Other tests send the samples to the same services, and a known request id would not be sent again.
    request = {name: value for name, value in case.request.items() if name != request_ids.FIELD}
    # The sandbox may not know the image or offer. Only the request that it received is checked.
    with contextlib.suppress(grpc.RpcError):
        client.call(case.rpc, case.dialect, request)
    # After a refused creation, the service looks for its orders.
    (call,) = [call for call in sandbox.calls() if operation_name(case.rpc) in call["path"]]
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
