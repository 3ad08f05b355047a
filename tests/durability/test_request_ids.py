"""Request ids: calls whose process dies or whose caller cancels, and retries at another replica."""

import json
import random
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import grpc
import pytest
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.durability.calls import CALL_TIMEOUT_S, expect_failure
from tests.durability.fast_timeouts import REQUEST_LEASE_MARGIN_S
from tests.support.channels import open_stub
from tests.support.polling import wait_until
from tests.support.refunds import create_refund_request
from tests.support.replica import Replica
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import summarize_error

pytestmark = pytest.mark.durability

REFUND, ORDER_SYNC = "alibaba.trade.createRefund", "trade.cross.orderSync"
ORDER_ID = "4590347523948370"
TIMEOUT_S = 20
MAX_DEADLINE_S = 3.0
SHORT_DEADLINES = {
    "NATIONALSITE_DEADLINES": json.dumps(
        {rpc: {"default_s": MAX_DEADLINE_S, "cap_s": MAX_DEADLINE_S} for rpc in ("CreateRefund", "SyncOrder")}
    )
}
REQUEST_LEASE_S = MAX_DEADLINE_S + REQUEST_LEASE_MARGIN_S
"""From the start of a call until the lease of its request id ends, if its process has died."""


@pytest.fixture
def refund(new_refund) -> protos.CreateRefundRequest:
    """A request to refund a paid order, with a new request id."""
    return new_refund()


@pytest.fixture
def new_refund(sandbox) -> Callable[[], protos.CreateRefundRequest]:
    """Return requests, each to refund another paid order."""
    return partial(create_refund_request, sandbox)


@pytest.fixture
def order() -> protos.SyncOrderRequest:
    return protos.SyncOrderRequest(
        request_id=str(uuid.uuid4()),
        order=protos.Order(national_order_id=ORDER_ID, pay_status=protos.DOWNSTREAM_ORDER_STATUS_PAID),
    )


def count_attempts(sandbox: SandboxClient, operation: str) -> int:
    """Return how many requests for an operation the sandbox has received."""
    return int(sandbox.state()["operations"].get(operation, {"attempts": 0})["attempts"])


def kill_during_call(
    replica: Replica, sandbox: SandboxClient, operation: str, rpc: str, request: object
) -> None:
    """Call an RPC, and kill the replica while it waits for 1688's response."""
    sandbox.inject_fault({"hang": True}, operation=operation)
    with open_stub(replica.grpc) as stub:
        call = getattr(stub, rpc).future(request, timeout=CALL_TIMEOUT_S)
        wait_until(lambda: count_attempts(sandbox, operation) == 1)
        replica.kill()
        assert call.exception().code() == grpc.StatusCode.UNAVAILABLE


def test_a_non_idempotent_call_whose_process_died_is_not_sent_again(
    database_url, start_replica, sandbox, refund
):
    replica = start_replica(database_url, SHORT_DEADLINES)
    kill_during_call(replica, sandbox, REFUND, "CreateRefund", refund)
    died = time.monotonic()
    replica.start()

    with open_stub(replica.grpc) as stub:
        aborted = []
        while (error := expect_failure(stub.CreateRefund, refund)).status == "ABORTED":
            aborted.append(error)
            assert time.monotonic() < died + REQUEST_LEASE_S + TIMEOUT_S
            time.sleep(0.1)
        assert error == ("UNKNOWN", "OUTCOME_UNKNOWN", None)
        assert expect_failure(stub.CreateRefund, refund) == error
    assert all(error.reason == "REQUEST_IN_PROGRESS" and error.retry_delay_s > 0 for error in aborted)
    assert count_attempts(sandbox, REFUND) == 1


def test_a_sync_whose_process_died_is_sent_again(database_url, start_replica, sandbox, order):
    replica = start_replica(database_url, SHORT_DEADLINES)
    kill_during_call(replica, sandbox, ORDER_SYNC, "SyncOrder", order)
    replica.start()

    with open_stub(replica.grpc) as stub:

        def succeeds() -> bool:
            try:
                stub.SyncOrder(order, timeout=CALL_TIMEOUT_S)
            except grpc.RpcError as error:
                status, reason, delay_s = summarize_error(error)
                assert (status, reason) == ("ABORTED", "REQUEST_IN_PROGRESS")
                assert delay_s > 0
                return False
            return True

        wait_until(succeeds, REQUEST_LEASE_S + TIMEOUT_S)
        stub.SyncOrder(order, timeout=CALL_TIMEOUT_S)
    assert count_attempts(sandbox, ORDER_SYNC) == 2
    assert sandbox.admin("GET", f"synced/orders/{ORDER_ID}")["order"]


@pytest.fixture
def addresses(database_url, start_replica) -> list[str]:
    """The addresses of two replicas on one store; on SQLite one replica, twice."""
    replicas = [start_replica(database_url) for _ in range(2 if database_url.startswith("postgresql") else 1)]
    return [replicas[0].grpc, replicas[-1].grpc]


def test_retries_are_aborted_while_the_first_call_runs_and_then_get_its_response(addresses, sandbox, refund):
    sandbox.inject_fault({"latency_ms": 1000}, operation=REFUND)
    with open_stub(addresses[0]) as first, open_stub(addresses[1]) as second, ThreadPoolExecutor(10) as pool:
        call = first.CreateRefund.future(refund, timeout=CALL_TIMEOUT_S)
        wait_until(lambda: count_attempts(sandbox, REFUND) == 1)
        stubs = [(first, second)[number % 2] for number in range(10)]
        errors = list(pool.map(lambda stub: expect_failure(stub.CreateRefund, refund), stubs))
        assert {error[:2] for error in errors} == {("ABORTED", "REQUEST_IN_PROGRESS")}
        assert all(error.retry_delay_s > 0 for error in errors)

        response = call.result()
        assert response.refund_id
        assert [stub.CreateRefund(refund, timeout=CALL_TIMEOUT_S) for stub in (first, second)] == [
            response
        ] * 2

        other = protos.CreateRefundRequest()
        other.CopyFrom(refund)
        other.description = "其他"
        assert expect_failure(second.CreateRefund, other)[:2] == ("INVALID_ARGUMENT", "REQUEST_ID_REUSED")
    assert count_attempts(sandbox, REFUND) == 1
    assert sandbox.state()["refunds"] == 1


def test_concurrent_calls_are_executed_once(addresses, sandbox, refund):
    sandbox.inject_fault({"latency_ms": 300}, operation=REFUND, times=20)
    with open_stub(addresses[0]) as first, open_stub(addresses[1]) as second, ThreadPoolExecutor(20) as pool:

        def create_refund(stub: OrderSyncServiceStub) -> str:
            """Return the refund id, or an empty text if another call is in progress."""
            try:
                return stub.CreateRefund(refund, timeout=CALL_TIMEOUT_S).refund_id
            except grpc.RpcError as error:
                assert summarize_error(error)[:2] == ("ABORTED", "REQUEST_IN_PROGRESS")
                return ""

        refund_ids = list(pool.map(create_refund, [first, second] * 10))
    assert len(set(refund_ids) - {""}) == 1
    assert count_attempts(sandbox, REFUND) == 1


def test_a_cancelled_call_is_completed(addresses, sandbox, refund):
    sandbox.inject_fault({"latency_ms": 500}, operation=REFUND)
    with open_stub(addresses[0]) as first, open_stub(addresses[1]) as second:
        call = first.CreateRefund.future(refund, timeout=CALL_TIMEOUT_S)
        wait_until(lambda: count_attempts(sandbox, REFUND) == 1)
        call.cancel()
        wait_until(lambda: sandbox.state()["refunds"] == 1)

        assert create_refund_when_free(second, refund)
    assert count_attempts(sandbox, REFUND) == 1


def create_refund_when_free(stub: OrderSyncServiceStub, refund: protos.CreateRefundRequest) -> str:
    """Return the id of a refund, as soon as no other call with its request id is in progress."""
    refund_ids = []

    def has_response() -> bool:
        try:
            refund_ids.append(stub.CreateRefund(refund, timeout=CALL_TIMEOUT_S).refund_id)
        except grpc.RpcError as error:
            assert summarize_error(error)[1] == "REQUEST_IN_PROGRESS"
        return bool(refund_ids)

    wait_until(has_response)
    return refund_ids[0]


def test_a_call_that_is_cancelled_at_any_time_takes_no_id_without_using_it(addresses, sandbox, new_refund):
    random_delays = random.Random(5)  # not a secret
    with open_stub(addresses[0]) as first, open_stub(addresses[1]) as second:
        first.ListSubscriptions(protos.ListSubscriptionsRequest(), timeout=CALL_TIMEOUT_S)
        refunds = [new_refund() for _ in range(60)]
        for refund in refunds:
            call = first.CreateRefund.future(refund, timeout=CALL_TIMEOUT_S)
            time.sleep(random_delays.uniform(0.0005, 0.012))
            call.cancel()
        assert all(create_refund_when_free(second, refund) for refund in refunds)
    assert count_attempts(sandbox, REFUND) == len(refunds)


def test_a_call_is_completed_when_its_replica_shuts_down(database_url, start_replica, sandbox, refund):
    replica = start_replica(database_url, {"NATIONALSITE_GRACE_SECONDS": "0"})
    sandbox.inject_fault({"latency_ms": 2000}, operation=REFUND)
    with open_stub(replica.grpc) as stub:
        call = stub.CreateRefund.future(refund, timeout=CALL_TIMEOUT_S)
        wait_until(lambda: count_attempts(sandbox, REFUND) == 1)
        replica.terminate()
        assert summarize_error(call.exception())[:2] == ("UNKNOWN", "OUTCOME_UNKNOWN")
    assert replica.wait_for_exit() == 0
    replica.start()
    with open_stub(replica.grpc) as stub:
        assert stub.CreateRefund(refund, timeout=CALL_TIMEOUT_S).refund_id
    assert count_attempts(sandbox, REFUND) == 1
