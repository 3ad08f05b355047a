"""Request ids through running services: what is done once, and what a repeat is told."""

import concurrent.futures
import uuid
from typing import Any

import grpc
import pytest

from tests.e2e.test_failures import BUYER, REFUND, RETURN

NATIONAL = "national-site"
CALLS = {
    "RegisterUser": {"country_account": BUYER},
    "SyncOrder": {"order": {"national_order_id": "1"}},
    "WriteOrderRelations": {"relations": [{"national_order_id": "1", "cbu_order_id": "2"}]},
    "SyncOrderStatus": {"order_status": {"national_order_id": "1", "pay_status": 1}},
    "SyncLogisticsOrder": {"logistics_order": {"national_order_id": "1", "logistics_id": "1"}},
    "SyncLogisticsStatus": {"logistics_id": "1", "logistics_status": 1},
}


OTHER = {
    "country_account": BUYER | {"site": "other"},
    "order": {"national_order_id": "2"},
    "relations": [{"national_order_id": "2", "cbu_order_id": "2"}],
    "order_status": {"national_order_id": "2", "pay_status": 1},
    "logistics_order": {"national_order_id": "2", "logistics_id": "1"},
    "logistics_id": "2",
}
"""Other content, by the field that holds it."""


def identified(request: dict[str, Any], request_id: str = "") -> dict[str, Any]:
    return request | {"request_id": request_id or str(uuid.uuid4())}


@pytest.mark.parametrize("rpc", CALLS)
def test_a_repeat_gets_the_first_answer_and_sends_nothing(rpc: str, rpcs, sandbox, details) -> None:
    request = identified(CALLS[rpc])
    first = rpcs.call(rpc, NATIONAL, request)
    assert rpcs.call(rpc, NATIONAL, request) == first
    assert len(sandbox.calls()) == 1
    (content,) = CALLS[rpc].keys() & OTHER.keys()
    with pytest.raises(grpc.RpcError) as failure:
        rpcs.call(rpc, NATIONAL, request | {content: OTHER[content]})
    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_REQUEST_ID_REUSED"
    assert len(sandbox.calls()) == 1


def test_the_same_id_at_another_rpc_is_another_call(rpcs, sandbox) -> None:
    request_id = str(uuid.uuid4())
    for rpc, request in CALLS.items():
        rpcs.call(rpc, NATIONAL, identified(request, request_id))
    assert len(sandbox.calls()) == len(CALLS)


def test_a_refusal_frees_the_id(rpcs, sandbox, details) -> None:
    request = identified(CALLS["SyncOrder"])
    sandbox.fault({"status": 200, "json": {"success": False, "code": "E1"}})
    with pytest.raises(grpc.RpcError) as failure:
        rpcs.call("SyncOrder", NATIONAL, request)
    assert details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_UPSTREAM_REFUSED"
    assert rpcs.call("SyncOrder", NATIONAL, request | {"order": {"national_order_id": "3"}}) == {}


@pytest.mark.parametrize(("rpc", "request_fields"), [("CreateRefund", REFUND), ("SubmitReturnGoods", RETURN)])
def test_after_an_unknown_outcome_a_refund_is_not_sent_again(
    rpc, request_fields, rpcs, sandbox, details
) -> None:
    request = identified(request_fields)
    sandbox.fault({"drop": "after_request"})
    for _ in range(2):
        with pytest.raises(grpc.RpcError) as failure:
            rpcs.call(rpc, NATIONAL, request)
        assert failure.value.code() is grpc.StatusCode.UNKNOWN
        assert details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_OUTCOME_UNKNOWN"
        trailers: dict[str, Any] = dict(failure.value.trailing_metadata())
        assert trailers["grpc-retry-pushback-ms"] == "-1"
    assert len(sandbox.calls()) == 1


def test_after_an_unknown_outcome_a_sync_is_sent_again(rpcs, sandbox) -> None:
    request = identified(CALLS["SyncOrder"])
    sandbox.fault({"drop": "after_request"}, times=3)
    with pytest.raises(grpc.RpcError) as failure:
        rpcs.call("SyncOrder", NATIONAL, request)
    assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
    assert rpcs.call("SyncOrder", NATIONAL, request) == {}
    assert len(sandbox.calls()) == 4


def test_a_repeat_while_the_first_call_runs_is_told_so(rpcs, sandbox, details) -> None:
    request = identified(CALLS["SyncOrder"])
    sandbox.fault({"latency_ms": 1000})
    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(rpcs.call, "SyncOrder", NATIONAL, request)
        while not sandbox.state()["in_flight"]:
            assert not first.done()
        with pytest.raises(grpc.RpcError) as failure:
            rpcs.call("SyncOrder", NATIONAL, request)
        assert first.result() == {}
    assert failure.value.code() is grpc.StatusCode.ABORTED
    found = details(failure.value)
    assert found["ErrorInfo"].reason == "ERROR_REASON_REQUEST_IN_PROGRESS"
    assert "RetryInfo" in found
    assert len(sandbox.calls()) == 1


def test_a_call_whose_caller_leaves_is_finished(rpcs, sandbox, details) -> None:
    request = rpcs.request("SyncOrder", identified(CALLS["SyncOrder"]))
    method = rpcs.method("SyncOrder", NATIONAL)
    sandbox.fault({"latency_ms": 500})
    call = method.future(request, timeout=20)
    while not sandbox.state()["in_flight"]:
        assert not call.done()
    call.cancel()
    while sandbox.state()["in_flight"]:
        assert call.cancelled()
    answer = None
    while answer is None:
        try:
            answer = method(request, timeout=20)
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.ABORTED  # noqa: PT017 # its outcome is just being noted
    assert [call["outcome"]["kind"] for call in sandbox.calls()] == ["responded"]
