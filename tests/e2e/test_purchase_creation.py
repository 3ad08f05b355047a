"""Creations of purchase orders whose responses are lost: no order is made twice, and none is lost."""

import concurrent.futures
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator

import grpc
import pytest
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.support.polling import wait_until
from tests.support.purchases import build_creation
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details, summarize_error
from tools.local_stack import ROOT, RunningProcess, start_service, stop

CREATE, LIST, READ = (
    "alibaba.trade.createCrossOrder",
    "alibaba.trade.getBuyerOrderList",
    "alibaba.trade.get.buyerView",
)
TIMEOUT_S = 20
LOST = {"drop": "after_request"}
NEVER_MS = 3_600_000


@pytest.fixture(scope="module")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('creations')}/store.db"


@pytest.fixture(scope="module")
def creation_stub(running_sandbox: RunningProcess, store_url: str) -> Iterator[OrderSyncServiceStub]:
    """A stub of a service of these tests only: its searches go on after their calls."""
    service = start_service(
        "order_sync",
        running_sandbox.address,
        {"NATIONALSITE_REPLAY_SECONDS": "0", "NATIONALSITE_DATABASE_URL": store_url},
        log="test-purchase-creation",
    )
    with grpc.insecure_channel(service.address) as channel:
        yield OrderSyncServiceStub(channel)
    assert stop(service) == 0


def find_order_ids(sandbox: SandboxClient, request: protos.CreatePurchaseOrdersRequest) -> list[int]:
    """Return the ids of the orders that exist at the sandbox."""
    orders = sandbox.admin("GET", f"orders?out_order_id={request.out_order_id}")["orders"]
    return sorted(int(order["order_id"]) for order in orders)


def count_calls(sandbox: SandboxClient, operation: str) -> int:
    return int(sandbox.state()["operations"].get(operation, {"attempts": 0})["attempts"])


def create(
    stub: OrderSyncServiceStub, request: protos.CreatePurchaseOrdersRequest, timeout: float = TIMEOUT_S
) -> protos.CreatePurchaseOrdersResponse:
    return stub.CreatePurchaseOrders(request, timeout=timeout)


def expect_unknown(
    stub: OrderSyncServiceStub, request: protos.CreatePurchaseOrdersRequest, timeout: float
) -> None:
    """Create orders. The outcome must be unknown, and the error must name both ids."""
    with pytest.raises(grpc.RpcError) as caught:
        create(stub, request, timeout)
    assert summarize_error(caught.value)[:2] == ("UNKNOWN", "OUTCOME_UNKNOWN")
    metadata = parse_status_details(caught.value)["ErrorInfo"].metadata
    assert metadata["requestId"] == request.request_id
    assert metadata["outOrderId"] == request.out_order_id


def create_when_free(
    stub: OrderSyncServiceStub, request: protos.CreatePurchaseOrdersRequest
) -> protos.CreatePurchaseOrdersResponse:
    """Create orders, or get them, as soon as the first call with the request id has ended."""
    responses: list[protos.CreatePurchaseOrdersResponse] = []

    def has_response() -> bool:
        try:
            responses.append(create(stub, request))
        except grpc.RpcError as error:
            if summarize_error(error)[1] != "REQUEST_IN_PROGRESS":
                raise
        return bool(responses)

    wait_until(has_response)
    return responses[0]


def get_ids(response: protos.CreatePurchaseOrdersResponse) -> list[int]:
    return [order.cbu_order_id for order in response.purchase_orders]


@pytest.mark.parametrize("sellers", [1, 2])
@pytest.mark.parametrize("fault", [LOST, {"malformed": True}, {"truncate": 40}], ids=str)
def test_orders_whose_response_was_lost_are_found(creation_stub, sandbox, fault, sellers):
    sandbox.admin("PUT", "variants", {"several_sellers": "split"})
    sandbox.inject_fault(fault, operation=CREATE)
    request = build_creation(sellers=sellers)
    response = create(creation_stub, request)
    assert get_ids(response) == find_order_ids(sandbox, request)
    assert len(response.purchase_orders) == sellers
    assert response.found_by_search
    for created in response.purchase_orders:
        order = sandbox.admin("GET", f"orders/{created.cbu_order_id}")
        paid_fen = order["goods_fen"] + order["shipping_fee_fen"]
        assert created.total_amount.units * 100 + created.total_amount.nanos // 10**7 == paid_fen
    assert create(creation_stub, request) == response
    assert count_calls(sandbox, CREATE) == 1


@pytest.mark.slow
def test_the_search_waits_for_the_list(creation_stub, sandbox):
    sandbox.admin("PUT", "variants", {"list_delay_ms": 1500})
    sandbox.inject_fault(LOST, operation=CREATE)
    request = build_creation()
    assert get_ids(create(creation_stub, request)) == find_order_ids(sandbox, request)


@pytest.mark.slow
def test_only_orders_with_the_id_are_adopted(creation_stub, sandbox):
    """The list ignores the filter, and has two pages of other orders."""
    for _ in range(150):
        sandbox.admin("POST", "orders", {})
    create(creation_stub, build_creation())
    sandbox.admin("PUT", "variants", {"list_ignores_out_order_id": True})
    sandbox.inject_fault(LOST, operation=CREATE)
    request = build_creation()
    assert get_ids(create(creation_stub, request)) == find_order_ids(sandbox, request)


@pytest.mark.slow
def test_an_order_in_the_archive_is_found(creation_stub, sandbox):
    sandbox.admin("PUT", "variants", {"list_delay_ms": NEVER_MS})
    sandbox.inject_fault(LOST, operation=CREATE)
    request = build_creation()
    expect_unknown(creation_stub, request, 1)
    (order_id,) = find_order_ids(sandbox, request)
    sandbox.admin("POST", f"orders/{order_id}/close", {})
    sandbox.admin("PUT", "variants", {"history_age_ms": 0})
    assert get_ids(create(creation_stub, request)) == [order_id]


@pytest.mark.slow
def test_all_of_several_orders_are_found_although_the_list_shows_one_first(creation_stub, sandbox):
    sandbox.admin("PUT", "variants", {"several_sellers": "split", "list_delay_ms": NEVER_MS})
    sandbox.inject_fault(LOST, operation=CREATE)
    request = build_creation(sellers=2)
    expect_unknown(creation_stub, request, 1)
    order_ids = find_order_ids(sandbox, request)
    sandbox.admin("PUT", f"orders/{order_ids[0]}", {"owned_by_buyer": False})
    sandbox.admin("PUT", "variants", {"several_sellers": "split"})
    wait_until(lambda: count_calls(sandbox, READ) == 1)  # the search goes on, and has found one
    sandbox.admin("PUT", f"orders/{order_ids[0]}", {})
    assert get_ids(create(creation_stub, request)) == order_ids


@pytest.mark.slow
def test_a_search_goes_on_after_the_deadline(creation_stub, sandbox):
    sandbox.admin("PUT", "variants", {"list_delay_ms": 1500})
    sandbox.inject_fault(LOST, operation=CREATE)
    request = build_creation()
    expect_unknown(creation_stub, request, 1)
    wait_until(lambda: count_calls(sandbox, READ) == 1)
    sandbox.inject_fault({"status": 503}, operation=LIST, times=100)  # the repeat does not need the list
    sandbox.inject_fault({"status": 503}, operation=CREATE, times=100)
    assert get_ids(create(creation_stub, request)) == find_order_ids(sandbox, request)
    sandbox.admin("DELETE", "faults")


@pytest.mark.slow
def test_a_creation_goes_on_after_the_deadline(creation_stub, sandbox):
    sandbox.inject_fault({"response_latency_ms": 2000}, operation=CREATE)
    request = build_creation()
    expect_unknown(creation_stub, request, 1)
    with pytest.raises(grpc.RpcError) as caught:
        create(creation_stub, request)
    assert summarize_error(caught.value)[1] == "REQUEST_IN_PROGRESS"
    response = create_when_free(creation_stub, request)
    assert get_ids(response) == find_order_ids(sandbox, request)
    assert not response.found_by_search
    assert (count_calls(sandbox, CREATE), count_calls(sandbox, LIST)) == (1, 0)


@pytest.mark.slow
def test_what_is_not_found_is_never_sent_again(creation_stub, sandbox):
    sandbox.inject_fault({"drop": "before_request"}, operation=CREATE)
    request = build_creation()
    for _ in range(2):
        expect_unknown(creation_stub, request, 1.5)
    assert find_order_ids(sandbox, request) == []
    assert count_calls(sandbox, CREATE) == 1


@pytest.mark.slow
def test_what_an_operator_resolves_as_not_executed_is_never_sent(creation_stub, sandbox, store_url):
    sandbox.inject_fault({"drop": "before_request"}, operation=CREATE)
    request = build_creation()
    expect_unknown(creation_stub, request, 1)
    resolve = ["creations", "resolve", "--out-order-id", request.out_order_id, "--not-executed"]
    subprocess.run(  # noqa: S603 # our own module
        [sys.executable, "-m", "services.order_sync", *resolve],
        cwd=ROOT,
        env=os.environ | {"NATIONALSITE_DATABASE_URL": store_url},
        check=True,
        timeout=60,
    )
    with pytest.raises(grpc.RpcError) as caught:
        create(creation_stub, request)
    assert summarize_error(caught.value)[:2] == ("FAILED_PRECONDITION", "NOT_EXECUTED")
    assert (find_order_ids(sandbox, request), count_calls(sandbox, CREATE)) == ([], 1)


def test_concurrent_calls_with_one_out_order_id_make_one_order(creation_stub, sandbox):
    request = build_creation()

    def create_with_another_request_id(_: int) -> str:
        other = protos.CreatePurchaseOrdersRequest.FromString(request.SerializeToString())
        other.request_id = str(uuid.uuid4())
        try:
            create(creation_stub, other)
        except grpc.RpcError as error:
            metadata = parse_status_details(error)["ErrorInfo"].metadata
            return f"{summarize_error(error)[1]} {metadata['outOrderId']}"
        return ""

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        reasons = sorted(pool.map(create_with_another_request_id, range(8)))
    assert reasons == ["", *[f"OUT_ORDER_ID_REUSED {request.out_order_id}"] * 7]
    assert len(find_order_ids(sandbox, request)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"gateway_error": "gw.APIACLDecline"},
        {"business_error": {"code": "400", "message": "AddressId invalid"}},
    ],
    ids=["not executed", "refused"],
)
def test_both_ids_are_free_after_a_call_that_created_nothing(creation_stub, sandbox, fault):
    sandbox.inject_fault(fault, operation=CREATE)
    request = build_creation()
    with pytest.raises(grpc.RpcError):
        create(creation_stub, request)
    request.request_id = str(uuid.uuid4())
    response = create(creation_stub, request)
    assert get_ids(response) == find_order_ids(sandbox, request)
    assert not response.found_by_search


def test_a_refused_creation_whose_order_exists_is_a_success(creation_stub, sandbox):
    rejection = {"code": "400", "message": "AddressId invalid", "after_request": True}
    sandbox.inject_fault({"business_error": rejection}, operation=CREATE)
    request = build_creation()
    response = create(creation_stub, request)
    assert get_ids(response) == find_order_ids(sandbox, request)
    assert response.rejection.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert create(creation_stub, request) == response


def test_an_out_order_id_has_no_control_characters(creation_stub, sandbox):
    request = build_creation()
    request.out_order_id += "\0"
    with pytest.raises(grpc.RpcError) as caught:
        create(creation_stub, request)
    assert summarize_error(caught.value)[:2] == ("INVALID_ARGUMENT", "INVALID_REQUEST")
