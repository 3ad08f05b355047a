"""A service is killed at each step of creations whose responses are lost: no order is made twice or lost."""

import random
import time
import uuid

import grpc
import pytest
from nationalsite.ordersync import v1 as protos

from tests.durability.conftest import LONG, SEED
from tests.durability.fast_timeouts import REQUEST_LEASE_MARGIN_S
from tests.support.channels import open_stub
from tests.support.polling import wait_until
from tests.support.purchases import build_creation
from tests.support.replica import Replica
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import summarize_error

pytestmark = pytest.mark.durability

KILLS = 250 if LONG else 25
"""On each engine."""
CREATIONS_PER_KILL = 4
CREATE, LIST = "alibaba.trade.createCrossOrder", "alibaba.trade.getBuyerOrderList"
DEADLINE_S = 2.0
SETTINGS = {
    "NATIONALSITE_DEADLINES": f'{{"CreatePurchaseOrders": {{"default_s": {DEADLINE_S}, "cap_s": 30}}}}',
    "NATIONALSITE_REPLAY_SECONDS": "0",
}
LEASE_S = DEADLINE_S + REQUEST_LEASE_MARGIN_S
LIST_DELAY_MS = 300
RETRY_TIMEOUT_S = LEASE_S + 20
FAULTS = (
    {"drop": "after_request"},
    {"drop": "after_request"},
    {"malformed": True},
    {"hang": True},
    {"response_latency_ms": 150},
    {"latency_ms": 150},
    None,
)
"""Of a creation. `hang` alone creates nothing, but the service cannot know this."""


def count_calls(sandbox: SandboxClient, operation: str) -> int:
    return int(sandbox.state()["operations"].get(operation, {"attempts": 0})["attempts"])


def find_order_ids(sandbox: SandboxClient, out_order_id: str) -> list[int]:
    orders = sandbox.admin("GET", f"orders?out_order_id={out_order_id}")["orders"]
    return sorted(int(order["order_id"]) for order in orders)


def kill_during_creations(
    replica: Replica,
    sandbox: SandboxClient,
    requests: list[protos.CreatePurchaseOrdersRequest],
    rng: random.Random,
) -> None:
    """Start creations, kill the replica at a random moment after one of their steps, and restart it."""
    operation, delay_s = rng.choice(((None, 0.05), (CREATE, 0.05), (CREATE, 0.3), (LIST, 0.05), (LIST, 0.5)))
    calls_before = count_calls(sandbox, operation) if operation else 0
    with open_stub(replica.grpc) as stub:
        calls = [stub.CreatePurchaseOrders.future(request, timeout=DEADLINE_S) for request in requests]
        deadline = time.monotonic() + DEADLINE_S
        while operation and count_calls(sandbox, operation) == calls_before and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, delay_s))
        replica.kill()
        for call in calls:
            call.exception()
    replica.start()


def repeat_until_decided(
    replica: Replica, sandbox: SandboxClient, request: protos.CreatePurchaseOrdersRequest
) -> protos.CreatePurchaseOrdersResponse | None:
    """Repeat a creation until it returns orders, or, if there are none, until its outcome is unknown."""
    deadline = time.monotonic() + RETRY_TIMEOUT_S
    with open_stub(replica.grpc) as stub:
        while True:
            try:
                return stub.CreatePurchaseOrders(request, timeout=DEADLINE_S)
            except grpc.RpcError as error:
                reason = summarize_error(error)[1]
                if reason == "OUTCOME_UNKNOWN" and not find_order_ids(sandbox, request.out_order_id):
                    return None
                assert reason in {"REQUEST_IN_PROGRESS", "OUTCOME_UNKNOWN"}  # may be raised again
                assert time.monotonic() < deadline  # as above
            time.sleep(0.1)


def test_no_order_is_made_twice_or_lost_by_kills(database_url, start_replica, sandbox, report):
    rng = random.Random(SEED)
    sandbox.admin("PUT", "variants", {"list_delay_ms": LIST_DELAY_MS, "several_sellers": "split"})
    replica = start_replica(database_url, SETTINGS)
    created = searched = unknown = 0
    for kill in range(KILLS):
        sandbox.admin("DELETE", "faults")
        requests = [build_creation(sellers=rng.choice((1, 1, 2))) for _ in range(CREATIONS_PER_KILL)]
        for _ in requests:
            if fault := rng.choice(FAULTS):
                sandbox.inject_fault(fault, operation=CREATE)
        kill_during_creations(replica, sandbox, requests, rng)
        sandbox.admin("DELETE", "faults")
        wait_until(lambda: sandbox.state()["in_flight"] == 0)
        for request in requests:
            # An id that the killed service had not stored is free: then this sends it for the first time.
            response = repeat_until_decided(replica, sandbox, request)
            order_ids = find_order_ids(sandbox, request.out_order_id)
            message = f"seed {SEED}, kill {kill}, {request.out_order_id}"
            assert len(order_ids) in {0, len(request.items)}, message
            if response is None:
                assert order_ids == [], message
                unknown += 1
                other = protos.CreatePurchaseOrdersRequest.FromString(request.SerializeToString())
                other.request_id = str(uuid.uuid4())
                with open_stub(replica.grpc) as stub, pytest.raises(grpc.RpcError) as caught:
                    stub.CreatePurchaseOrders(other, timeout=DEADLINE_S)
                assert summarize_error(caught.value)[1] == "OUT_ORDER_ID_REUSED", message
            else:
                assert [order.cbu_order_id for order in response.purchase_orders] == order_ids, message
                created += 1
                searched += response.found_by_search
    report(
        f"seed {SEED}: {KILLS} kills, {created} creations with orders, {searched} of them found by a search, "
        f"{unknown} without orders and unknown"
    )
    assert searched
