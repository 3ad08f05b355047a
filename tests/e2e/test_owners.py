"""What belongs to a caller is not shown to other callers: those with another identity, and those without."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.e2e.conftest import RpcClient
from tests.e2e.test_request_ids import CALLS, with_request_id
from tests.support.callbacks import push
from tests.support.polling import wait_until
from tests.support.purchases import build_creation
from tests.support.push_client import build_message, now_ms
from tests.support.sample_cases import SERVICES
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import summarize_error
from tools.local_stack import RunningProcess, start_service, stop

NATIONAL = "national-site"
SYNC = "trade.cross.orderSync"
CASES = json.loads((Path(__file__).parent / "owner_cases.json").read_text())
TESTED_HERE = {"EnqueueSync", "CreatePurchaseOrders", *CALLS}
"""RPCs with an owner that have a test of their own below."""
OWNED_FIELDS = {"delivery_id", "subscription", "request_id", "out_order_id", "ack_ids"}
REQUEST_IDS_ONLY = {
    "CancelPurchaseOrder",
    "CancelRefund",
    "ConfirmPurchaseReceipt",
    "CreateAlipayUrl",
    "CreateRefund",
    "SubmitReturnGoods",
}
"""The store handles their request ids as those of CALLS."""
NOT_OWNED = {"ListPurchaseOrders"}
"""Purchase orders belong to the account at 1688, which all callers share."""


def as_caller(name: str) -> dict[str, Any]:
    """Return the options of a call by a caller; an empty name: one without an identity."""
    uri = f"URI=spiffe://shop.example/{name}"
    return {"metadata": (("x-forwarded-client-cert", uri),) if name else (), "timeout": 20}


OWNER = as_caller("owner")
STRANGERS = pytest.mark.parametrize("stranger", ["stranger", ""], ids=["another identity", "none"])


@pytest.fixture(scope="module")
def service(running_sandbox: RunningProcess) -> Iterator[RunningProcess]:
    settings = {
        "NATIONALSITE_DIALECT": NATIONAL,
        "NATIONALSITE_TRUSTED_PROXIES": "loopback",
        "NATIONALSITE_ALLOW_UNAUTHENTICATED_CALLERS": "on",
        "NATIONALSITE_REPLAY_SECONDS": "0",
    }
    service = start_service("order_sync", running_sandbox.address, settings, log="test-owners")
    yield service
    assert stop(service) == 0


@pytest.fixture(scope="module")
def owned_client(service: RunningProcess) -> Iterator[RpcClient]:
    client = RpcClient({("order_sync", NATIONAL): service})
    yield client
    client.close()


@pytest.fixture(autouse=True)
def cancel_pending_deliveries(request: pytest.FixtureRequest) -> Iterator[None]:
    """Cancel what a test leaves pending; else it reaches the sandbox during the next test."""
    yield
    if "owned_client" not in request.fixturenames:
        return
    client: RpcClient = request.getfixturevalue("owned_client")
    callers = [as_caller(name) for name in ("owner", "stranger", "")]

    def cancel_all() -> bool:
        pending = [
            (caller, {"delivery_id": delivery["delivery_id"]})
            for caller in callers
            for delivery in client.call(
                "ListDeliveries", NATIONAL, {"states": ["DELIVERY_STATE_PENDING"]}, **caller
            ).get("deliveries", [])
        ]
        for caller, delivery in pending:
            call_as(client, "CancelDelivery", delivery, caller)
        return not pending

    wait_until(cancel_all)


@pytest.fixture
def owned(owned_client: RpcClient, service: RunningProcess, sandbox: SandboxClient) -> dict[str, str]:
    """What the owner has: a pending delivery, and a subscription with a leased message."""
    sandbox.inject_fault({"status": 503}, operation=SYNC, times=1000)
    order_id, subscription = str(uuid.uuid4().int % 10**17), f"owned-{uuid.uuid4().hex[:12]}"

    def call(rpc: str, request: dict[str, Any]) -> dict[str, Any]:
        return owned_client.call(rpc, NATIONAL, request, **OWNER)

    for _ in range(2):
        enqueue = {"request_id": str(uuid.uuid4()), "order": {"national_order_id": order_id}}
        delivery = call("EnqueueSync", enqueue)["delivery"]
    for name in (f"a{subscription}", subscription):
        call("PullMessages", {"subscription": name, "create_if_missing": {}, "wait": "0s"})
    assert push(service.callback, build_message(uuid.uuid4().int % 10**15, event_time_ms=now_ms())) == 200
    (received,) = call("PullMessages", {"subscription": subscription})["received_messages"]
    return {
        "delivery_id": delivery["delivery_id"],
        "order_id": order_id,
        "page_token": call("ListDeliveries", {"page_size": 1})["next_page_token"],
        "subscription": subscription,
        "subscription_page_token": call("ListSubscriptions", {"page_size": 1})["next_page_token"],
        "ack_id": received["ack_id"],
        "message_id": received["message"]["message_id"],
    }


def call_as(client: RpcClient, rpc: str, request: dict[str, Any], caller: dict[str, Any]) -> Any:
    """Return the response of a call, or the reason of its error."""
    try:
        if rpc != "StreamMessages":
            return client.call(rpc, NATIONAL, request, **caller)
        stub = OrderSyncServiceStub(client.channel("order_sync", NATIONAL))
        message = json_format.ParseDict(request, protos.StreamMessagesRequest())
        return [json_format.MessageToDict(each) for each in stub.StreamMessages(iter([message]), **caller)]
    except grpc.RpcError as error:
        return summarize_error(error)[1]


def read_state(client: RpcClient, owned: dict[str, str]) -> dict[str, Any]:
    """Return what only the owner's own calls may change."""
    delivery = call_as(client, "GetDelivery", {"delivery_id": owned["delivery_id"]}, OWNER)["delivery"]
    request = {"subscription": owned["subscription"]}
    subscription = call_as(client, "GetSubscription", request, OWNER)["subscription"]
    return {"delivery": delivery["state"], "subscription": subscription}


@pytest.mark.slow
@STRANGERS
def test_a_request_id_of_another_caller_is_another_call(
    stranger: str, owned_client: RpcClient, sandbox: SandboxClient
) -> None:
    for rpc in sorted(CALLS.keys() - {"RegisterUser"}):
        sandbox.admin("DELETE", "calls")
        request = with_request_id(CALLS[rpc])
        for caller, count in ((OWNER, 1), (OWNER, 1), (as_caller(stranger), 2)):
            owned_client.call(rpc, NATIONAL, request, **caller)
            assert len(sandbox.calls()) == count, rpc
    sync = {"request_id": str(uuid.uuid4()), "order": {"national_order_id": "77"}}
    first, again, other = (
        call_as(owned_client, "EnqueueSync", sync, caller)["delivery"]["delivery_id"]
        for caller in (OWNER, OWNER, as_caller(stranger))
    )
    assert first == again != other


@pytest.mark.slow
@STRANGERS
def test_the_orders_of_an_out_order_id_are_not_returned_to_another_caller(
    stranger: str, owned_client: RpcClient, sandbox: SandboxClient
) -> None:
    creation = json_format.MessageToDict(build_creation(), preserving_proto_field_name=True)
    assert "purchase_orders" in call_as(owned_client, "CreatePurchaseOrders", creation, OWNER)
    for request_id in (creation["request_id"], str(uuid.uuid4())):
        request = creation | {"request_id": request_id}
        assert call_as(owned_client, "CreatePurchaseOrders", request, as_caller(stranger)) == (
            "OUT_ORDER_ID_REUSED"
        )


@pytest.mark.slow
@STRANGERS
@pytest.mark.parametrize("rpc", CASES)
def test_an_rpc_does_not_reach_what_belongs_to_another_caller(
    rpc: str, stranger: str, owned_client: RpcClient, owned: dict[str, str]
) -> None:
    caller = as_caller(stranger)
    before = read_state(owned_client, owned)
    assert before["delivery"] == "DELIVERY_STATE_PENDING"
    for case in CASES[rpc]:
        request = json.loads(Template(json.dumps(case["request"])).substitute(owned))
        own = {"subscription": owned["subscription"]}
        if case.get("own_subscription"):
            call_as(owned_client, "PullMessages", own | {"create_if_missing": {}, "wait": "0s"}, caller)
        result = call_as(owned_client, rpc, request, caller)
        if case["reason"]:
            assert result == case["reason"], case
        else:  # a list of what the stranger has itself
            assert isinstance(result, dict)
            assert not any(owned[name] in str(result) for name in ("delivery_id", "order_id", "subscription"))
        if case.get("own_subscription"):
            call_as(owned_client, "DeleteSubscription", own, caller)
    assert read_state(owned_client, owned) == before


@pytest.mark.slow
@STRANGERS
def test_a_key_that_another_caller_chose_does_not_block_an_order(
    stranger: str, owned_client: RpcClient, sandbox: SandboxClient
) -> None:
    order_id = str(uuid.uuid4().int % 10**17)
    sandbox.inject_fault({"status": 503}, operation=SYNC, times=1000)
    foreign: dict[str, Any] = {"request_id": str(uuid.uuid4()), "ordering_key": order_id}
    foreign |= {"order": {"national_order_id": str(uuid.uuid4().int % 10**17)}}
    call_as(owned_client, "EnqueueSync", foreign, as_caller(stranger))
    direct = {"order": {"national_order_id": order_id}}
    assert call_as(owned_client, "SyncOrder", direct, OWNER) != "DELIVERY_PENDING"
    own = foreign | {"request_id": str(uuid.uuid4()), "ordering_key": "", **direct}
    call_as(owned_client, "EnqueueSync", own, as_caller(stranger))
    assert call_as(owned_client, "SyncOrder", direct, OWNER) == "DELIVERY_PENDING"


def test_every_rpc_with_an_owner_is_tested() -> None:
    owned = {
        method.name
        for method in SERVICES["order_sync"].methods
        if OWNED_FIELDS & {field.name for field in method.input_type.fields}
    }
    tested = CASES.keys() | TESTED_HERE | REQUEST_IDS_ONLY
    assert owned | {"StreamMessages", "ListDeliveries", "ListSubscriptions"} <= tested | NOT_OWNED
