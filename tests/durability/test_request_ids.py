"""A call with a request id, whose process dies, whose caller leaves, or that is repeated elsewhere."""

import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.type import money_pb2
from nationalsite.ordersync import v1 as protos

from tests.durability.calls import CALL_S, expect_failure, parse_failure, stub_of
from tests.durability.fast_timeouts import REQUEST_LEASE_MARGIN_S

pytestmark = pytest.mark.durability

REFUND, ORDER_SYNC = "alibaba.trade.createRefund", "trade.cross.orderSync"
ORDER_ID = "4590347523948370"
WITHIN_S = 20
MAX_DEADLINE_S = 3.0
SHORT_DEADLINES = {
    "NATIONALSITE_DEADLINES": json.dumps(
        {rpc: {"default_s": MAX_DEADLINE_S, "cap_s": MAX_DEADLINE_S} for rpc in ("CreateRefund", "SyncOrder")}
    )
}
REQUEST_LEASE_S = MAX_DEADLINE_S + REQUEST_LEASE_MARGIN_S
"""From the start of a call until the lease of its request id ends, if its process has died."""


@pytest.fixture
def refund(sandbox) -> protos.CreateRefundRequest:
    """A refund of a whole paid order, with a new request id."""
    order = sandbox.admin("POST", "orders", {})
    sandbox.admin("POST", f"orders/{order['order_id']}/pay", {})
    units, fen = divmod(order["goods_fen"], 100)
    return protos.CreateRefundRequest(
        request_id=str(uuid.uuid4()),
        cbu_order_id=order["order_id"],
        cbu_order_entry_ids=[entry["entry_id"] for entry in order["entries"]],
        dispute_request=protos.DISPUTE_KIND_REFUND,
        apply_payment=money_pb2.Money(currency_code="CNY", units=units, nanos=fen * 10**7),
        apply_carriage=money_pb2.Money(currency_code="CNY"),
        apply_reason_id=20006,
        description="不想买了",
        goods_status=protos.GOODS_STATUS_REFUND_WAIT_SELLER_SEND,
    )


@pytest.fixture
def order() -> protos.SyncOrderRequest:
    return protos.SyncOrderRequest(
        request_id=str(uuid.uuid4()),
        order=protos.Order(national_order_id=ORDER_ID, pay_status=protos.DOWNSTREAM_ORDER_STATUS_PAID),
    )


def until(condition: Callable[[], bool], within_s: float = WITHIN_S) -> float:
    """Wait until a condition holds; return how long that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + within_s
        time.sleep(0.02)
    return time.monotonic() - began


def attempts(sandbox, operation: str) -> int:
    return sandbox.state()["operations"].get(operation, {"attempts": 0})["attempts"]


def killed_during(replica, sandbox, operation: str, call: str, request) -> None:
    """Kill the replica while 1688 answers nothing."""
    sandbox.inject_fault({"hang": True}, operation=operation)
    with stub_of(replica.grpc) as stub:
        calling = getattr(stub, call).future(request, timeout=CALL_S)
        until(lambda: attempts(sandbox, operation) == 1)
        replica.kill()
        assert calling.exception().code() == grpc.StatusCode.UNAVAILABLE


def test_an_unrepeatable_call_whose_process_died_is_never_sent_again(url, started, sandbox, refund):
    replica = started(url, SHORT_DEADLINES)
    killed_during(replica, sandbox, REFUND, "CreateRefund", refund)
    died = time.monotonic()
    replica.start()

    with stub_of(replica.grpc) as stub:
        answers = []
        while (answer := expect_failure(stub.CreateRefund, refund))[0] == "ABORTED":
            answers.append(answer)
            assert time.monotonic() < died + REQUEST_LEASE_S + WITHIN_S
            time.sleep(0.1)
        assert answer == ("UNKNOWN", "OUTCOME_UNKNOWN", None)
        assert expect_failure(stub.CreateRefund, refund) == answer
    assert all(each[1] == "REQUEST_IN_PROGRESS" and each[2] > 0 for each in answers)
    assert attempts(sandbox, REFUND) == 1


def test_a_sync_whose_process_died_is_sent_again(url, started, sandbox, order):
    replica = started(url, SHORT_DEADLINES)
    killed_during(replica, sandbox, ORDER_SYNC, "SyncOrder", order)
    replica.start()

    with stub_of(replica.grpc) as stub:

        def succeeds() -> bool:
            try:
                stub.SyncOrder(order, timeout=CALL_S)
            except grpc.RpcError as error:
                status, reason, delay_s = parse_failure(error)
                assert (status, reason) == ("ABORTED", "REQUEST_IN_PROGRESS")
                assert delay_s > 0
                return False
            return True

        until(succeeds, REQUEST_LEASE_S + WITHIN_S)
        stub.SyncOrder(order, timeout=CALL_S)
    assert attempts(sandbox, ORDER_SYNC) == 2
    assert sandbox.admin("GET", f"synced/orders/{ORDER_ID}")["order"]


@pytest.fixture
def two(url, started) -> list[str]:
    """The addresses of two replicas on one store; on SQLite one process, twice."""
    replicas = [started(url) for _ in range(2 if url.startswith("postgresql") else 1)]
    return [replicas[0].grpc, replicas[-1].grpc]


def test_repeats_wait_while_the_first_runs_and_then_get_its_answer(two, sandbox, refund):
    sandbox.inject_fault({"latency_ms": 1000}, operation=REFUND)
    with stub_of(two[0]) as first, stub_of(two[1]) as second, ThreadPoolExecutor(10) as pool:
        calling = first.CreateRefund.future(refund, timeout=CALL_S)
        until(lambda: attempts(sandbox, REFUND) == 1)
        repeats = [(first, second)[number % 2] for number in range(10)]
        answers = list(pool.map(lambda stub: expect_failure(stub.CreateRefund, refund), repeats))
        assert {answer[:2] for answer in answers} == {("ABORTED", "REQUEST_IN_PROGRESS")}
        assert all(answer[2] > 0 for answer in answers)

        response = calling.result()
        assert response.refund_id
        assert [stub.CreateRefund(refund, timeout=CALL_S) for stub in (first, second)] == [response] * 2

        other = protos.CreateRefundRequest()
        other.CopyFrom(refund)
        other.description = "其他"
        assert expect_failure(second.CreateRefund, other)[:2] == ("INVALID_ARGUMENT", "REQUEST_ID_REUSED")
    assert attempts(sandbox, REFUND) == 1
    assert sandbox.state()["refunds"] == 1


def test_many_at_once_are_carried_out_once(two, sandbox, refund):
    sandbox.inject_fault({"latency_ms": 300}, operation=REFUND, times=20)
    with stub_of(two[0]) as first, stub_of(two[1]) as second, ThreadPoolExecutor(20) as pool:

        def call(stub) -> str:
            try:
                return stub.CreateRefund(refund, timeout=CALL_S).refund_id
            except grpc.RpcError as error:
                assert parse_failure(error)[:2] == ("ABORTED", "REQUEST_IN_PROGRESS")
                return ""

        answers = list(pool.map(call, [first, second] * 10))
    assert len(set(answers) - {""}) == 1
    assert attempts(sandbox, REFUND) == 1


def test_a_call_whose_caller_leaves_is_finished(two, sandbox, refund):
    sandbox.inject_fault({"latency_ms": 500}, operation=REFUND)
    with stub_of(two[0]) as first, stub_of(two[1]) as second:
        calling = first.CreateRefund.future(refund, timeout=CALL_S)
        until(lambda: attempts(sandbox, REFUND) == 1)
        calling.cancel()
        until(lambda: sandbox.state()["refunds"] == 1)

        found = []

        def answered() -> bool:
            try:
                found.append(second.CreateRefund(refund, timeout=CALL_S))
            except grpc.RpcError as error:
                assert parse_failure(error)[1] == "REQUEST_IN_PROGRESS"
            return bool(found)

        until(answered)
        assert found[0].refund_id
    assert attempts(sandbox, REFUND) == 1
