"""Request ids: a call is executed once, and retries get its response."""

import concurrent.futures
import uuid
from typing import Any

import grpc
import pytest

from tests.e2e.conftest import RpcClient
from tests.e2e.sample_requests import BUYER, REFUND, RETURN
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details

NATIONAL, OPEN = "national-site", "open-platform"
CALLS = {
    "RegisterUser": {"country_account": BUYER},
    "SyncOrder": {"order": {"national_order_id": "1"}},
    "WriteOrderRelations": {"relations": [{"national_order_id": "1", "cbu_order_id": "2"}]},
    "SyncOrderStatus": {"order_status": {"national_order_id": "1", "pay_status": 1}},
    "SyncLogisticsOrder": {"logistics_order": {"national_order_id": "1", "logistics_id": "1"}},
    "SyncLogisticsStatus": {"logistics_status": {"logistics_id": "1", "logistics_status": 1}},
}
OTHER_CONTENT = {
    "country_account": BUYER | {"site": "other"},
    "order": {"national_order_id": "2"},
    "relations": [{"national_order_id": "2", "cbu_order_id": "2"}],
    "order_status": {"national_order_id": "2", "pay_status": 1},
    "logistics_order": {"national_order_id": "2", "logistics_id": "1"},
    "logistics_status": {"logistics_id": "2", "logistics_status": 1},
}
"""Different content for the same request id, by its field."""


def with_request_id(request: dict[str, Any], request_id: str = "") -> dict[str, Any]:
    """Return the request with a request id, by default a new one."""
    return request | {"request_id": request_id or str(uuid.uuid4())}


@pytest.mark.parametrize("rpc", CALLS)
def test_a_retry_gets_the_first_response_and_sends_nothing(
    rpc: str, client: RpcClient, sandbox: SandboxClient
) -> None:
    request = with_request_id(CALLS[rpc])
    first = client.call(rpc, NATIONAL, request)
    assert client.call(rpc, NATIONAL, request) == first
    assert len(sandbox.calls()) == 1
    (content,) = CALLS[rpc].keys() & OTHER_CONTENT.keys()
    with pytest.raises(grpc.RpcError) as failure:
        client.call(rpc, NATIONAL, request | {content: OTHER_CONTENT[content]})
    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert parse_status_details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_REQUEST_ID_REUSED"
    assert len(sandbox.calls()) == 1


def test_the_same_id_for_another_rpc_is_another_call(client: RpcClient, sandbox: SandboxClient) -> None:
    request_id = str(uuid.uuid4())
    for rpc, request in CALLS.items():
        client.call(rpc, NATIONAL, with_request_id(request, request_id))
    assert len(sandbox.calls()) == len(CALLS)


def test_an_error_releases_the_id(client: RpcClient, sandbox: SandboxClient) -> None:
    request = with_request_id(CALLS["SyncOrder"])
    sandbox.inject_fault({"status": 200, "json": {"success": False, "code": "E1"}})
    with pytest.raises(grpc.RpcError) as failure:
        client.call("SyncOrder", NATIONAL, request)
    assert parse_status_details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_UPSTREAM_REFUSED"
    assert client.call("SyncOrder", NATIONAL, request | {"order": {"national_order_id": "3"}}) == {}


@pytest.mark.parametrize(
    ("rpc", "request_fields"),
    [
        ("CreateAlipayUrl", {"cbu_order_ids": ["506683458994743225"]}),
        ("CreateRefund", REFUND),
        ("SubmitReturnGoods", RETURN),
    ],
)
def test_after_an_unknown_outcome_a_payment_or_refund_is_not_sent_again(
    rpc: str, request_fields: dict[str, Any], client: RpcClient, sandbox: SandboxClient
) -> None:
    request = with_request_id(request_fields)
    sandbox.inject_fault({"drop": "after_request"})
    for _ in range(2):
        with pytest.raises(grpc.RpcError) as failure:
            client.call(rpc, NATIONAL, request)
        assert failure.value.code() is grpc.StatusCode.UNKNOWN
        assert parse_status_details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_OUTCOME_UNKNOWN"
        trailers: dict[str, Any] = dict(failure.value.trailing_metadata())
        assert trailers["grpc-retry-pushback-ms"] == "-1"
    assert len(sandbox.calls()) == 1


def test_a_refund_that_exists_despite_a_rejection_is_stored(
    client: RpcClient, sandbox: SandboxClient
) -> None:
    """A retry gets the id and the rejection again. The rejection quotes no personal text of the request."""
    request = with_request_id(REFUND)
    rejected = {"success": False, "code": "5010", "message": f"状态错误: {request['description']}"}
    rejected["result"] = {"refundId": "TQ46235172594202252"}
    sandbox.inject_fault({"status": 200, "json": rejected}, operation="alibaba.trade.createRefund")
    first, second = (client.call("CreateRefund", OPEN, request) for _ in range(2))
    assert first == second
    assert first["refund_id"] == "TQ46235172594202252"
    (info,) = first["rejection"]["details"]
    assert info["reason"] == "ERROR_REASON_UPSTREAM_STATE"
    assert info["metadata"]["upstreamCode"] == "5010"
    assert info["metadata"]["upstreamMessage"] == "状态错误: ***"
    assert len(sandbox.calls()) == 1


def test_after_an_unknown_outcome_a_sync_is_sent_again(client: RpcClient, sandbox: SandboxClient) -> None:
    request = with_request_id(CALLS["SyncOrder"])
    sandbox.inject_fault({"drop": "after_request"}, times=3)
    with pytest.raises(grpc.RpcError) as failure:
        client.call("SyncOrder", NATIONAL, request)
    assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
    assert client.call("SyncOrder", NATIONAL, request) == {}
    assert len(sandbox.calls()) == 4


def test_a_retry_while_the_first_call_runs_is_aborted(client: RpcClient, sandbox: SandboxClient) -> None:
    request = with_request_id(CALLS["SyncOrder"])
    sandbox.inject_fault({"latency_ms": 1000})
    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(client.call, "SyncOrder", NATIONAL, request)
        while not sandbox.state()["in_flight"]:
            assert not first.done()
        with pytest.raises(grpc.RpcError) as failure:
            client.call("SyncOrder", NATIONAL, request)
        assert first.result() == {}
    assert failure.value.code() is grpc.StatusCode.ABORTED
    details = parse_status_details(failure.value)
    assert details["ErrorInfo"].reason == "ERROR_REASON_REQUEST_IN_PROGRESS"
    assert "RetryInfo" in details
    assert len(sandbox.calls()) == 1


def test_a_cancelled_call_is_completed_and_its_response_stored(
    client: RpcClient, sandbox: SandboxClient
) -> None:
    request = client.request("SyncOrder", with_request_id(CALLS["SyncOrder"]))
    method = client.method("SyncOrder", NATIONAL)
    sandbox.inject_fault({"latency_ms": 500})
    call = method.future(request, timeout=20)
    while not sandbox.state()["in_flight"]:
        assert not call.done()
    call.cancel()
    while sandbox.state()["in_flight"]:
        assert call.cancelled()
    response = None
    while response is None:
        try:
            response = method(request, timeout=20)
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.ABORTED  # noqa: PT017 # its outcome is not stored yet
    assert [call["outcome"]["kind"] for call in sandbox.calls()] == ["responded"]
