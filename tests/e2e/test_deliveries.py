"""Durable syncs: how deliveries are accepted, ordered, retried, failed permanently and cancelled."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.e2e.conftest import TIMEOUT_S, RpcClient, StartDedicated
from tests.support.log_lines import wait_for_lines
from tests.support.polling import wait_until
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details, summarize_error

EACH_DIALECT = pytest.mark.parametrize("dialect", ["national-site", "open-platform"])
NATIONAL, OPEN = "national-site", "open-platform"
PENDING, DELIVERED, DEAD, CANCELLED = (
    f"DELIVERY_STATE_{state}" for state in ("PENDING", "DELIVERED", "DEAD", "CANCELLED")
)
REJECTION = {"status": 200, "json": {"success": False, "code": "E1", "message": "no"}}


@pytest.fixture(autouse=True)
def cancel_pending_deliveries(client: RpcClient, sandbox: SandboxClient) -> Iterator[None]:
    """Cancel what a test leaves pending; else it reaches the sandbox during the next test."""
    yield
    sandbox.admin("POST", "reset")

    def cancel_all(dialect: str) -> bool:
        pending = client.call("ListDeliveries", dialect, {"states": [PENDING]}).get("deliveries", [])
        for delivery in pending:
            with suppress(grpc.RpcError):  # it is being sent, or it has been sent
                client.call("CancelDelivery", dialect, {"delivery_id": delivery["delivery_id"]})
        return not pending

    for dialect in (NATIONAL, OPEN):
        wait_until(lambda dialect=dialect: cancel_all(dialect))


class Enqueuer:
    """Enqueues syncs of one order and reads their deliveries. No other test uses its ordering key."""

    def __init__(self, dialect: str, client: RpcClient) -> None:
        self.dialect, self.client = dialect, client
        self.order_id = uuid.uuid4().int % 10**17

    def order(self, **changes: Any) -> dict[str, Any]:
        """Return an order that is valid in both dialects."""
        return {
            "national_order_id": str(self.order_id),
            "create_time": "2026-09-03T02:00:00Z",
            "pay_time": "2026-09-03T02:00:00Z",
            "pay_status": "DOWNSTREAM_ORDER_STATUS_PAID",
            "out_member_id": "member-1",
            "offer_id": "620201390233",
            "product_name": "裙",
            "sku_id": "5104790281451",
            "sku_name": "绿",
            "paid_fee": {"currency_code": "CNY", "units": "3"},
        } | changes

    def enqueue(self, sync: dict[str, Any]) -> dict[str, Any]:
        """Enqueue a sync; return its delivery."""
        request = {"request_id": str(uuid.uuid4())} | sync
        return self.client.call("EnqueueSync", self.dialect, request)["delivery"]

    def enqueue_order(self, **changes: Any) -> dict[str, Any]:
        """Enqueue the order; return its delivery."""
        return self.enqueue({"order": self.order(**changes)})

    def get(self, delivery: dict[str, Any]) -> dict[str, Any]:
        """Return the current state of a delivery."""
        return self.call("GetDelivery", delivery)

    def call(self, rpc: str, delivery: dict[str, Any]) -> dict[str, Any]:
        """Call an RPC that takes a delivery's id; return the delivery."""
        response = self.client.call(rpc, self.dialect, {"delivery_id": delivery["delivery_id"]})
        return dict(response["delivery"])

    def wait_for(self, delivery: dict[str, Any], state: str, *, min_attempts: int = 0) -> dict[str, Any]:
        """Wait until a delivery is in a state after so many attempts; return it."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            current = self.get(delivery)
            if current["state"] == state and current.get("attempts", 0) >= min_attempts:
                return current
            assert time.monotonic() < deadline, current
            time.sleep(0.02)

    def fail(self, rpc: str, request: dict[str, Any]) -> tuple[str, str]:
        """Return the status and the reason of a call that must fail."""
        with pytest.raises(grpc.RpcError) as failure:
            self.client.call(rpc, self.dialect, request)
        return summarize_error(failure.value)[:2]


@EACH_DIALECT
def test_a_delivery_reaches_1688(dialect: str, client: RpcClient, sandbox: SandboxClient) -> None:
    enqueuer = Enqueuer(dialect, client)
    accepted = enqueuer.enqueue_order()
    assert accepted["state"] in (PENDING, DELIVERED)
    assert accepted["ordering_key"] == str(enqueuer.order_id)
    delivered = enqueuer.wait_for(accepted, DELIVERED)
    assert delivered["attempts"] == 1
    assert delivered["order"] == enqueuer.order()
    assert {"create_time", "last_attempt_time", "finish_time"} <= delivered.keys()
    assert "next_attempt_time" not in delivered
    synced = sandbox.admin("GET", f"synced/orders/{enqueuer.order_id}")
    assert str(synced["order"]["orderId"]) == str(enqueuer.order_id)


def test_the_same_request_id_returns_the_same_delivery(client: RpcClient, sandbox: SandboxClient) -> None:
    enqueuer = Enqueuer(NATIONAL, client)
    request = {"request_id": str(uuid.uuid4()), "order": enqueuer.order()}
    first, second = (client.call("EnqueueSync", NATIONAL, request)["delivery"] for _ in range(2))
    assert second["delivery_id"] == first["delivery_id"]
    enqueuer.wait_for(first, DELIVERED)
    assert client.call("EnqueueSync", NATIONAL, request)["delivery"]["state"] == DELIVERED
    other = request | {"order": {"national_order_id": "1"}}
    assert enqueuer.fail("EnqueueSync", other) == ("INVALID_ARGUMENT", "REQUEST_ID_REUSED")
    assert len(sandbox.calls()) == 1


def test_invalid_syncs_are_not_accepted(client: RpcClient, sandbox: SandboxClient) -> None:
    for dialect, sync, reason, field in (
        (
            NATIONAL,
            {"order": {"national_order_id": "x"}},
            "INVALID_REQUEST",
            "order.national_order_id",
        ),
        (
            OPEN,
            {"order": {"national_order_id": "x"}},
            "REQUIRED_IN_DIALECT",
            "order.paid_fee",
        ),
        (NATIONAL, {}, "INVALID_REQUEST", "sync"),
        (
            NATIONAL,
            {"relations": {"relations": [{"national_order_id": "x", "cbu_order_id": "1"}]}},
            "INVALID_REQUEST",
            "relations.relations[0].national_order_id",
        ),
        (
            NATIONAL,
            {"order": {"national_order_id": "1"}, "request_id": ""},
            "INVALID_REQUEST",
            "request_id",
        ),
    ):
        with pytest.raises(grpc.RpcError) as failure:
            client.call("EnqueueSync", dialect, {"request_id": str(uuid.uuid4())} | sync)
        details = parse_status_details(failure.value)
        assert details["ErrorInfo"].reason == f"ERROR_REASON_{reason}"
        assert field in [violation.field for violation in details["BadRequest"].field_violations]
    assert sandbox.calls() == []


def test_deliveries_of_one_key_are_sent_in_order(client: RpcClient, sandbox: SandboxClient) -> None:
    enqueuer = Enqueuer(NATIONAL, client)
    sandbox.inject_fault({"malformed": True}, operation="trade.cross.orderSync")
    accepted = [enqueuer.enqueue_order(buy_amount=str(number)) for number in range(1, 6)]
    for delivery in accepted:
        enqueuer.wait_for(delivery, DELIVERED)
    sent = [call["parameters"]["orderParam"] for call in sandbox.calls()]
    amounts = [text.partition('"buyAmount":')[2].partition(",")[0] for text in sent]
    assert amounts == ["1", "1", "2", "3", "4", "5"]
    assert enqueuer.get(accepted[0])["attempts"] == 2


def test_deliveries_of_another_key_do_not_wait(client: RpcClient, sandbox: SandboxClient) -> None:
    slow, fast = Enqueuer(NATIONAL, client), Enqueuer(NATIONAL, client)
    sandbox.inject_fault({"latency_ms": 1500}, operation="trade.cross.orderSync")
    waiting = slow.enqueue_order()
    while not sandbox.state()["in_flight"]:
        assert slow.get(waiting)["state"] == PENDING
    fast.wait_for(fast.enqueue_order(), DELIVERED)
    assert slow.get(waiting)["state"] == PENDING


def test_a_rejected_delivery_is_dead_and_the_next_one_is_sent(
    client: RpcClient, sandbox: SandboxClient
) -> None:
    enqueuer = Enqueuer(NATIONAL, client)
    sandbox.inject_fault(REJECTION, operation="trade.cross.orderSync")
    rejected, following = enqueuer.enqueue_order(buy_amount="1"), enqueuer.enqueue_order(buy_amount="2")
    dead = enqueuer.wait_for(rejected, DEAD)
    enqueuer.wait_for(following, DELIVERED)
    assert dead["last_error"]["code"] == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    info = dead["last_error"]["details"][0]
    assert (info["reason"], info["metadata"]["upstreamCode"]) == ("ERROR_REASON_UPSTREAM_REFUSED", "E1")
    by_id = {"delivery_id": rejected["delivery_id"]}
    assert enqueuer.fail("RetryDelivery", by_id) == ("FAILED_PRECONDITION", "DELIVERY_OVERTAKEN")
    assert enqueuer.fail("CancelDelivery", by_id) == ("FAILED_PRECONDITION", "DELIVERY_STATE")


def test_a_dead_delivery_can_be_retried(client: RpcClient, sandbox: SandboxClient) -> None:
    enqueuer = Enqueuer(NATIONAL, client)
    sandbox.inject_fault(REJECTION, operation="trade.cross.orderSync")
    dead = enqueuer.wait_for(enqueuer.enqueue_order(), DEAD)
    assert enqueuer.call("RetryDelivery", dead)["state"] in (PENDING, DELIVERED)
    delivered = enqueuer.wait_for(dead, DELIVERED)
    assert delivered["attempts"] == 2


def test_a_pending_delivery_blocks_direct_calls_until_it_is_cancelled(
    client: RpcClient, sandbox: SandboxClient
) -> None:
    enqueuer = Enqueuer(NATIONAL, client)
    sandbox.inject_fault(
        {"gateway_error": "gw.QosAppFrequencyLimit"}, operation="trade.cross.orderSync", times=50
    )
    pending = enqueuer.wait_for(enqueuer.enqueue_order(), PENDING, min_attempts=1)
    direct = {"order": enqueuer.order()}
    assert enqueuer.fail("SyncOrder", direct) == ("FAILED_PRECONDITION", "DELIVERY_PENDING")
    while True:  # until no attempt is in flight
        try:
            assert enqueuer.call("CancelDelivery", pending)["state"] == CANCELLED
            break
        except grpc.RpcError as error:
            assert parse_status_details(error)["ErrorInfo"].reason == "ERROR_REASON_DELIVERY_STATE"  # noqa: PT017
    assert enqueuer.call("CancelDelivery", pending)["state"] == CANCELLED
    sandbox.admin("DELETE", "faults")
    assert client.call("SyncOrder", NATIONAL, direct) == {}


@EACH_DIALECT
def test_only_failed_relations_are_sent_again(
    dialect: str, client: RpcClient, sandbox: SandboxClient
) -> None:
    enqueuer = Enqueuer(dialect, client)
    relations = [
        {
            "national_order_id": str(enqueuer.order_id),
            "national_sub_order_id": str(enqueuer.order_id + number),
            "cbu_order_id": "9",
            "cbu_order_entry_id": str(900 + number),
        }
        for number in range(1, 5)
    ]
    sandbox.inject_fault({"malformed": True}, operation="order.relation.write")
    sync = {"relations": {"relations": relations}}
    delivered = enqueuer.wait_for(enqueuer.enqueue(sync), DELIVERED)
    assert delivered["attempts"] == 2
    assert delivered["results"] == [{"status": {}}] * 4
    assert len(sandbox.calls()) == (2 if dialect == NATIONAL else 5)


def test_a_status_needs_a_full_order_first_on_the_open_platform(
    client: RpcClient, sandbox: SandboxClient
) -> None:
    enqueuer = Enqueuer(OPEN, client)
    enqueuer.enqueue_order()
    status = {"national_order_id": str(enqueuer.order_id), "pay_status": "DOWNSTREAM_ORDER_STATUS_SUCCESS"}
    enqueuer.wait_for(enqueuer.enqueue({"order_status": status}), DELIVERED)
    assert sandbox.admin("GET", f"synced/orders/{enqueuer.order_id}")["order"]["status"] == "success"
    unsynced = Enqueuer(OPEN, client)
    status["national_order_id"] = str(unsynced.order_id)
    dead = unsynced.wait_for(unsynced.enqueue({"order_status": status}), DEAD)
    assert dead["last_error"]["details"][0]["reason"] == "ERROR_REASON_NO_FULL_SYNC"


def test_deliveries_are_listed_newest_first(client: RpcClient, sandbox: SandboxClient) -> None:
    enqueuer = Enqueuer(NATIONAL, client)
    key = {"ordering_key": str(enqueuer.order_id)}
    accepted = [enqueuer.enqueue_order(buy_amount=str(number))["delivery_id"] for number in range(1, 6)]
    first = client.call("ListDeliveries", NATIONAL, key | {"page_size": 3})
    rest = client.call("ListDeliveries", NATIONAL, key | {"page_token": first["next_page_token"]})
    listed = [delivery["delivery_id"] for delivery in first["deliveries"] + rest["deliveries"]]
    assert listed == accepted[::-1]
    assert "next_page_token" not in rest
    assert not any("order" in delivery for delivery in first["deliveries"])
    assert first["deliveries"][0]["ordering_key"] == key["ordering_key"]
    for view, has_sync in (("DELIVERY_VIEW_BASIC", False), ("DELIVERY_VIEW_FULL", True)):
        page = client.call("ListDeliveries", NATIONAL, key | {"view": view})
        assert [delivery.get("order", {}).get("buy_amount") for delivery in page["deliveries"]] == (
            ["5", "4", "3", "2", "1"] if has_sync else [None] * 5
        )
    assert client.call("ListDeliveries", NATIONAL, key | {"states": [DEAD]}) == {}
    bad = key | {"page_token": "nonsense"}
    assert enqueuer.fail("ListDeliveries", bad) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
    unknown = {"delivery_id": str(uuid.uuid4())}
    assert enqueuer.fail("GetDelivery", unknown) == ("NOT_FOUND", "DELIVERY_NOT_FOUND")


def test_a_get_waits_until_the_delivery_is_finished(client: RpcClient, sandbox: SandboxClient) -> None:
    enqueuer = Enqueuer(NATIONAL, client)
    sandbox.inject_fault({"latency_ms": 3000}, operation="trade.cross.orderSync")
    get = {"delivery_id": enqueuer.enqueue_order()["delivery_id"], "wait": "20s"}
    start = time.monotonic()
    early = client.call("GetDelivery", NATIONAL, get | {"wait": "0.2s"})["delivery"]
    assert early["state"] == PENDING
    assert time.monotonic() - start >= 0.2
    # The call's own deadline also ends the wait, and the call succeeds.
    assert client.call("GetDelivery", NATIONAL, get, timeout=1)["delivery"]["state"] == PENDING
    finished = client.call("GetDelivery", NATIONAL, get)["delivery"]
    assert (finished["state"], finished["attempts"]) == (DELIVERED, 1)
    assert time.monotonic() - start < 15  # it was notified: without notifications, it would read every 15 s
    for wait in ("20.1s", "-1s"):
        with pytest.raises(grpc.RpcError) as failure:
            client.call("GetDelivery", NATIONAL, get | {"wait": wait})
        (violation,) = parse_status_details(failure.value)["BadRequest"].field_violations
        assert violation.field == "wait"


def _build_large_order(enqueuer: Enqueuer, size: int) -> dict[str, Any]:
    """Return an order of at least `size` bytes, serialized, and only a little more."""
    line = {"product_name": "裙" * 1024, "sku_name": "绿" * 1000}
    count = size // 6080 + 1
    return enqueuer.order(
        sub_orders=[{"national_sub_order_id": str(number + 10**9)} | line for number in range(count)]
    )


def test_a_sync_of_more_than_2_mib_is_rejected(client: RpcClient, sandbox: SandboxClient) -> None:
    enqueuer = Enqueuer(NATIONAL, client)
    large = _build_large_order(enqueuer, 2 * 2**20)
    with pytest.raises(grpc.RpcError) as failure:
        enqueuer.enqueue({"order": large})
    details = parse_status_details(failure.value)
    assert details["ErrorInfo"].reason == "ERROR_REASON_INVALID_REQUEST"
    (violation,) = details["BadRequest"].field_violations
    assert violation.field == "order"
    assert violation.description == "a request must be at most 2,097,152 bytes, serialized"
    large["sub_orders"].pop()
    large["sub_orders"].pop()
    # The other rules still apply to a sync of this size.
    assert (
        enqueuer.fail(
            "EnqueueSync", {"request_id": str(uuid.uuid4()), "order": large | {"paid_fee": {"units": "-1"}}}
        )[1]
        == "INVALID_REQUEST"
    )
    enqueuer.wait_for(enqueuer.enqueue({"order": large}), DELIVERED)


def test_a_list_of_large_syncs_stays_below_the_limit_of_clients(
    client: RpcClient, sandbox: SandboxClient
) -> None:
    enqueuer = Enqueuer(NATIONAL, client)
    large = _build_large_order(enqueuer, 2**20)
    accepted = [enqueuer.enqueue({"order": large})["delivery_id"] for _ in range(5)]
    listed, request = (
        [],
        client.request(
            "ListDeliveries", {"ordering_key": str(enqueuer.order_id), "view": "DELIVERY_VIEW_FULL"}
        ),
    )
    while True:
        page = client.method("ListDeliveries", NATIONAL)(request, timeout=TIMEOUT_S)
        assert 1 <= len(page.deliveries) <= 2
        assert page.ByteSize() <= 3 * 2**20
        listed += [delivery.delivery_id for delivery in page.deliveries]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert listed == accepted[::-1]
    basic = client.call("ListDeliveries", NATIONAL, {"ordering_key": str(enqueuer.order_id)})
    assert len(basic["deliveries"]) == 5
    enqueuer.wait_for({"delivery_id": accepted[-1]}, DELIVERED)


@pytest.mark.slow
def test_deliveries_belong_to_their_caller_and_operators_see_all(
    start_dedicated: StartDedicated, tmp_path: Path
) -> None:
    service = "nationalsite.ordersync.v1.OrderSyncService"
    callers = [f"spiffe://shop.example/{name}" for name in ("web", "other", "operations")]
    policy = tmp_path / "policy.json"
    rules = [
        {"callers": callers[:2], "methods": [f"{service}/delivery", f"{service}/SyncOrder"]},
        {"callers": callers[2:], "methods": [f"{service}/delivery"], "role": "operator"},
    ]
    policy.write_text(json.dumps({"rules": rules}))
    settings = {
        "NATIONALSITE_POLICY_FILE": str(policy),
        "NATIONALSITE_TRUSTED_PROXIES": "loopback",
        "NATIONALSITE_GATEWAY_URL": "http://127.0.0.1:9",  # nothing is delivered
    }
    process, client = start_dedicated("order_sync", NATIONAL, settings)
    web, other, operations = ({"metadata": (("x-forwarded-client-cert", f"URI={uri}"),)} for uri in callers)
    order_id = str(uuid.uuid4().int % 10**17)

    def enqueue(caller: dict[str, Any], order_id: str = order_id) -> dict[str, Any]:
        request = {"request_id": str(uuid.uuid4()), "order": {"national_order_id": order_id}}
        return dict(client.call("EnqueueSync", NATIONAL, request, **caller)["delivery"])

    def list_ids(caller: dict[str, Any]) -> list[str]:
        page = client.call("ListDeliveries", NATIONAL, {}, **caller)
        return [delivery["delivery_id"] for delivery in page.get("deliveries", [])]

    def fail(rpc: str, request: dict[str, Any], caller: dict[str, Any]) -> str:
        with pytest.raises(grpc.RpcError) as failure:
            client.call(rpc, NATIONAL, request, **caller)
        return summarize_error(failure.value)[1]

    delivery = enqueue(web)
    assert delivery["caller"] == callers[0]
    get = {"delivery_id": delivery["delivery_id"]}
    for rpc in ("GetDelivery", "RetryDelivery", "CancelDelivery"):
        assert fail(rpc, get, other) == "DELIVERY_NOT_FOUND"
    assert (list_ids(web), list_ids(other)) == ([delivery["delivery_id"]], [])
    # The order of a key covers all callers.
    assert fail("SyncOrder", {"order": {"national_order_id": order_id}}, other) == "DELIVERY_PENDING"
    followed = enqueue(other)
    assert list_ids(other) == [followed["delivery_id"]]
    assert list_ids(operations) == [followed["delivery_id"], delivery["delivery_id"]]
    assert client.call("GetDelivery", NATIONAL, get, **operations)["delivery"]["caller"] == callers[0]
    both = [followed["delivery_id"], delivery["delivery_id"]]
    audited = wait_for_lines(process, 2, event="audit", role="operator")
    assert [(line["method"].split("/")[1], line["ids"]) for line in audited] == [
        ("ListDeliveries", {"delivery_id": both, "owner": [callers[1], callers[0]]}),
        ("GetDelivery", {"delivery_id": both[1:], "owner": [callers[0]]}),
    ]

    def is_cancelled() -> bool:
        try:
            return bool(
                client.call("CancelDelivery", NATIONAL, get, **operations)["delivery"]["state"] == CANCELLED
            )
        except grpc.RpcError as error:  # it is being sent
            assert summarize_error(error)[1] == "DELIVERY_STATE"  # noqa: PT017
            return False

    wait_until(is_cancelled)
    assert client.call("GetDelivery", NATIONAL, get, **web)["delivery"]["state"] == CANCELLED
