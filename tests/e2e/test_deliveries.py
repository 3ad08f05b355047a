"""Durable syncs through running services: accepted, sent in order and again, given up, retried, cancelled."""

import time
import uuid
from contextlib import suppress
from typing import Any

import grpc
import pytest

EVERY_DIALECT = pytest.mark.parametrize("dialect", ["national-site", "open-platform"])
NATIONAL, OPEN = "national-site", "open-platform"
PENDING, DELIVERED, DEAD, CANCELLED = (
    f"DELIVERY_STATE_{state}" for state in ("PENDING", "DELIVERED", "DEAD", "CANCELLED")
)
REFUSAL = {"status": 200, "json": {"success": False, "code": "E1", "message": "no"}}
WITHIN_S = 20


@pytest.fixture(autouse=True)
def nothing_left(rpcs, sandbox):
    """What still waits would reach the sandbox while another test looks."""
    yield
    sandbox.admin("POST", "reset")
    for dialect in (NATIONAL, OPEN):
        deadline = time.monotonic() + WITHIN_S
        while left := rpcs.call("ListDeliveries", dialect, {"states": [PENDING]}).get("deliveries"):
            assert time.monotonic() < deadline, left
            for each in left:
                with suppress(grpc.RpcError):  # it is being sent, or done by now
                    rpcs.call("CancelDelivery", dialect, {"delivery_id": each["delivery_id"]})


class Outbox:
    """Enqueues, and waits for what becomes of it. Its keys are its own."""

    def __init__(self, dialect: str, rpcs: Any) -> None:
        self.dialect, self.rpcs = dialect, rpcs
        self.number = uuid.uuid4().int % 10**17

    def order(self, **more: Any) -> dict[str, Any]:
        """Return an order that either dialect takes."""
        return {
            "national_order_id": str(self.number),
            "create_time": "2026-09-03T02:00:00Z",
            "pay_time": "2026-09-03T02:00:00Z",
            "pay_status": "DOWNSTREAM_ORDER_STATUS_PAID",
            "out_member_id": "member-1",
            "offer_id": "620201390233",
            "product_name": "裙",
            "sku_id": "5104790281451",
            "sku_name": "绿",
            "paid_fee": {"currency_code": "CNY", "units": "3"},
        } | more

    def enqueue(self, sync: dict[str, Any], **more: Any) -> dict[str, Any]:
        request = {"request_id": str(uuid.uuid4())} | sync | more
        return self.rpcs.call("EnqueueSync", self.dialect, request)["delivery"]

    def enqueue_order(self, **more: Any) -> dict[str, Any]:
        return self.enqueue({"sync_order": {"order": self.order(**more)}})

    def get(self, delivery: dict[str, Any]) -> dict[str, Any]:
        return self.act("GetDelivery", delivery)

    def act(self, rpc: str, delivery: dict[str, Any]) -> dict[str, Any]:
        return self.rpcs.call(rpc, self.dialect, {"delivery_id": delivery["delivery_id"]})["delivery"]

    def until(self, delivery: dict[str, Any], state: str, *, attempts: int = 0) -> dict[str, Any]:
        """Wait until a delivery is in a state, and was sent so often."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            found = self.get(delivery)
            if found["state"] == state and found.get("attempts", 0) >= attempts:
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.02)

    def fails(self, rpc: str, request: dict[str, Any], details: Any) -> tuple[str, str]:
        """Return status and reason of a call that fails."""
        with pytest.raises(grpc.RpcError) as failure:
            self.rpcs.call(rpc, self.dialect, request)
        reason = details(failure.value)["ErrorInfo"].reason.removeprefix("ERROR_REASON_")
        return failure.value.code().name, reason


@EVERY_DIALECT
def test_a_delivery_reaches_1688(dialect: str, rpcs, sandbox) -> None:
    outbox = Outbox(dialect, rpcs)
    accepted = outbox.enqueue_order()
    assert accepted["state"] in (PENDING, DELIVERED)
    assert accepted["ordering_key"] == str(outbox.number)
    done = outbox.until(accepted, DELIVERED)
    assert done["attempts"] == 1
    assert done["sync_order"]["order"] == outbox.order()
    assert {"create_time", "last_attempt_time", "finish_time"} <= done.keys()
    assert "next_attempt_time" not in done
    synced = sandbox.admin("GET", f"synced/orders/{outbox.number}")
    assert str(synced["order"]["orderId"]) == str(outbox.number)


def test_the_same_request_is_the_same_delivery(rpcs, sandbox, details) -> None:
    outbox = Outbox(NATIONAL, rpcs)
    request = {"request_id": str(uuid.uuid4()), "sync_order": {"order": outbox.order()}}
    first, again = (rpcs.call("EnqueueSync", NATIONAL, request)["delivery"] for _ in range(2))
    assert again["delivery_id"] == first["delivery_id"]
    outbox.until(first, DELIVERED)
    assert rpcs.call("EnqueueSync", NATIONAL, request)["delivery"]["state"] == DELIVERED
    other = request | {"sync_order": {"order": {"national_order_id": "1"}}}
    assert outbox.fails("EnqueueSync", other, details) == ("INVALID_ARGUMENT", "REQUEST_ID_REUSED")
    assert len(sandbox.calls()) == 1


def test_what_cannot_be_sent_is_not_accepted(rpcs, sandbox, details) -> None:
    for dialect, sync, reason, field in (
        (
            NATIONAL,
            {"sync_order": {"order": {"national_order_id": "x"}}},
            "INVALID_REQUEST",
            "sync_order.order.national_order_id",
        ),
        (
            OPEN,
            {"sync_order": {"order": {"national_order_id": "x"}}},
            "REQUIRED_IN_DIALECT",
            "sync_order.order.paid_fee",
        ),
        (NATIONAL, {}, "INVALID_REQUEST", "sync"),
        (
            NATIONAL,
            {"sync_order": {"request_id": str(uuid.uuid4()), "order": {"national_order_id": "1"}}},
            "INVALID_REQUEST",
            "sync_order",
        ),
        (
            NATIONAL,
            {"sync_order": {"order": {"national_order_id": "1"}}, "request_id": ""},
            "INVALID_REQUEST",
            "request_id",
        ),
    ):
        with pytest.raises(grpc.RpcError) as failure:
            rpcs.call("EnqueueSync", dialect, {"request_id": str(uuid.uuid4())} | sync)
        found = details(failure.value)
        assert found["ErrorInfo"].reason == f"ERROR_REASON_{reason}"
        assert field in [each.field for each in found["BadRequest"].field_violations]
    assert sandbox.calls() == []


def test_deliveries_of_one_key_go_one_after_the_other(rpcs, sandbox) -> None:
    outbox = Outbox(NATIONAL, rpcs)
    sandbox.fault({"malformed": True}, operation="trade.cross.orderSync")
    accepted = [outbox.enqueue_order(buy_amount=str(number)) for number in range(1, 6)]
    for delivery in accepted:
        outbox.until(delivery, DELIVERED)
    sent = [call["parameters"]["orderParam"] for call in sandbox.calls()]
    amounts = [text.partition('"buyAmount":')[2].partition(",")[0] for text in sent]
    assert amounts == ["1", "1", "2", "3", "4", "5"]
    assert outbox.get(accepted[0])["attempts"] == 2


def test_another_key_does_not_wait(rpcs, sandbox) -> None:
    slow, fast = Outbox(NATIONAL, rpcs), Outbox(NATIONAL, rpcs)
    sandbox.fault({"latency_ms": 1500}, operation="trade.cross.orderSync")
    waiting = slow.enqueue_order()
    while not sandbox.state()["in_flight"]:
        assert slow.get(waiting)["state"] == PENDING
    fast.until(fast.enqueue_order(), DELIVERED)
    assert slow.get(waiting)["state"] == PENDING


def test_a_refused_one_is_dead_and_lets_the_next_pass(rpcs, sandbox, details) -> None:
    outbox = Outbox(NATIONAL, rpcs)
    sandbox.fault(REFUSAL, operation="trade.cross.orderSync")
    refused, next_one = outbox.enqueue_order(buy_amount="1"), outbox.enqueue_order(buy_amount="2")
    dead = outbox.until(refused, DEAD)
    outbox.until(next_one, DELIVERED)
    assert dead["last_error"]["code"] == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    info = dead["last_error"]["details"][0]
    assert (info["reason"], info["metadata"]["code"]) == ("ERROR_REASON_UPSTREAM_REFUSED", "E1")
    by_id = {"delivery_id": refused["delivery_id"]}
    assert outbox.fails("RetryDelivery", by_id, details) == ("FAILED_PRECONDITION", "DELIVERY_OVERTAKEN")
    assert outbox.fails("CancelDelivery", by_id, details) == ("FAILED_PRECONDITION", "DELIVERY_STATE")


def test_a_dead_one_is_sent_again_by_hand(rpcs, sandbox) -> None:
    outbox = Outbox(NATIONAL, rpcs)
    sandbox.fault(REFUSAL, operation="trade.cross.orderSync")
    dead = outbox.until(outbox.enqueue_order(), DEAD)
    assert outbox.act("RetryDelivery", dead)["state"] in (PENDING, DELIVERED)
    done = outbox.until(dead, DELIVERED)
    assert done["attempts"] == 2


def test_a_pending_one_is_cancelled_and_holds_direct_calls_back_until_then(rpcs, sandbox, details) -> None:
    outbox = Outbox(NATIONAL, rpcs)
    sandbox.fault({"gateway_error": "gw.QosAppFrequencyLimit"}, operation="trade.cross.orderSync", times=50)
    pending = outbox.until(outbox.enqueue_order(), PENDING, attempts=1)
    direct = {"order": outbox.order()}
    assert outbox.fails("SyncOrder", direct, details) == ("FAILED_PRECONDITION", "DELIVERY_PENDING")
    while True:  # unless it is being sent just now
        try:
            assert outbox.act("CancelDelivery", pending)["state"] == CANCELLED
            break
        except grpc.RpcError as error:
            assert details(error)["ErrorInfo"].reason == "ERROR_REASON_DELIVERY_STATE"  # noqa: PT017
    assert outbox.act("CancelDelivery", pending)["state"] == CANCELLED
    sandbox.admin("DELETE", "faults")
    assert rpcs.call("SyncOrder", NATIONAL, direct) == {}


@EVERY_DIALECT
def test_of_relations_only_the_failed_ones_go_again(dialect: str, rpcs, sandbox) -> None:
    outbox = Outbox(dialect, rpcs)
    relations = [
        {
            "national_order_id": str(outbox.number),
            "national_sub_order_id": str(outbox.number + number),
            "cbu_order_id": "9",
            "cbu_order_entry_id": str(900 + number),
        }
        for number in range(1, 5)
    ]
    sandbox.fault({"malformed": True}, operation="order.relation.write")
    sync = {"write_order_relations": {"relations": relations}}
    done = outbox.until(outbox.enqueue(sync), DELIVERED)
    assert done["attempts"] == 2
    assert done["results"] == [{}] * 4
    assert len(sandbox.calls()) == (2 if dialect == NATIONAL else 5)


def test_a_status_waits_for_its_whole_order_on_the_open_platform(rpcs, sandbox) -> None:
    outbox = Outbox(OPEN, rpcs)
    outbox.enqueue_order()
    status = {"national_order_id": str(outbox.number), "pay_status": "DOWNSTREAM_ORDER_STATUS_SUCCESS"}
    outbox.until(outbox.enqueue({"sync_order_status": {"order_status": status}}), DELIVERED)
    assert sandbox.admin("GET", f"synced/orders/{outbox.number}")["order"]["status"] == "success"
    never = Outbox(OPEN, rpcs)
    status["national_order_id"] = str(never.number)
    dead = never.until(never.enqueue({"sync_order_status": {"order_status": status}}), DEAD)
    assert dead["last_error"]["details"][0]["reason"] == "ERROR_REASON_NO_FULL_SYNC"


def test_deliveries_are_listed_newest_first(rpcs, sandbox, details) -> None:
    outbox = Outbox(NATIONAL, rpcs)
    key = {"ordering_key": str(outbox.number)}
    accepted = [outbox.enqueue_order(buy_amount=str(number))["delivery_id"] for number in range(1, 6)]
    first = rpcs.call("ListDeliveries", NATIONAL, key | {"page_size": 3})
    rest = rpcs.call("ListDeliveries", NATIONAL, key | {"page_token": first["next_page_token"]})
    listed = [each["delivery_id"] for each in first["deliveries"] + rest["deliveries"]]
    assert listed == accepted[::-1]
    assert "next_page_token" not in rest
    assert rpcs.call("ListDeliveries", NATIONAL, key | {"states": [DEAD]}) == {}
    bad = key | {"page_token": "nonsense"}
    assert outbox.fails("ListDeliveries", bad, details) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
    unknown = {"delivery_id": str(uuid.uuid4())}
    assert outbox.fails("GetDelivery", unknown, details) == ("NOT_FOUND", "DELIVERY_NOT_FOUND")
