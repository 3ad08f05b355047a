"""What the stores of a release contain: made by its services, and remembered as their callers see it.

`fill_stores` leaves the stores as a crash does: with messages under leases, a delivery that is being sent,
and a call that runs. releases/README.md describes the JSON that it returns.
"""

import uuid
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any

from services.store import migrate
from tests.compatibility.caller import Caller, Json, to_json
from tests.compatibility.store_dumps import now_ms
from tests.support.callbacks import push
from tests.support.polling import wait_until
from tests.support.purchases import build_creation
from tests.support.push_client import TOPICS, build_message
from tests.support.refunds import create_refund_request
from tests.support.sandbox_client import SandboxClient
from tools.local_stack import RunningProcess, kill, start_sandbox, start_service, stop

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "account": {"NATIONALSITE_DIALECT": "open-platform"},
    "order_sync": {"NATIONALSITE_DIALECT": "open-platform", "NATIONALSITE_REPLAY_SECONDS": "0"},
}
"""The services with a store. The open platform, because full orders are stored only for it."""

ORDER_SYNC = "trade.cross.orderSync"
CREATE_REFUND = "alibaba.trade.createRefund"
LOST, REJECTED = {"drop": "after_request"}, {"status": 200, "json": {"success": False, "code": "E1"}}
SEARCH_S = 1.5
"""A call that searches for lost orders ends with its deadline."""

WAREHOUSE, ACCOUNTING = "warehouse", "accounting"
MESSAGES = range(1, 13)
ACKED, POISONED, KEPT, RELEASED = (1, 2), 3, 4, 5
"""What the warehouse does with messages. It has released those that are not named."""
WAITING = (6, 7)
"""Messages of the same purchase order as RELEASED, behind it."""
PURCHASE_ORDER = 1_479_266_113_492_000_000
MAX_DELIVERIES = 10
LEASE = "600s"

BUYER, OTHER_BUYER = "member-hanako", "member-taro"
ADDRESS = "神南1-2-3"
"""Of BUYER only. The erasure has to remove it."""
SENT, REFUSED, CANCELLED, SENDING, FAILING, SYNCED = range(4590347523948001, 4590347523948007)
"""Orders, by what has happened to their sync."""


def fill_stores(urls: Mapping[str, str]) -> Json:
    """Fill the empty stores at the URLs of the services, kill the services, and return the contents."""
    contents: Json = {}
    with ExitStack() as stack:
        gateway = start_sandbox(log="release-sandbox")
        stack.callback(stop, gateway)
        for name, filling in (("account", _AccountFilling), ("order_sync", _OrderSyncFilling)):
            migrate(urls[name])
            settings = {**SETTINGS[name], "NATIONALSITE_DATABASE_URL": urls[name]}
            service = start_service(name, gateway.address, settings, log=f"release-{name}")
            stack.callback(kill, service)
            caller = Caller(service.address)
            stack.callback(caller.close)
            contents[name] = filling(caller, SandboxClient(gateway.address), service).fill()
            kill(service)
    return contents | {"dump_time_ms": now_ms()}


class _Filling:
    """Fills the store of a service."""

    def __init__(self, caller: Caller, sandbox: SandboxClient, service: RunningProcess) -> None:
        self._caller, self._sandbox, self._service = caller, sandbox, service
        self._answers: list[Json] = []

    def _note(self, rpc: str, request: Json, *, reason: str = "", timeout_s: float = 0) -> None:
        """Make a call, and note its answer: later releases have to give the same."""
        question: Json = {"rpc": rpc, "request": request} | ({"timeout_s": timeout_s} if timeout_s else {})
        answer = self._caller.ask(question)
        assert answer.get("error", {}).get("reason", "") == reason, (question, answer)
        self._answers.append(question | answer)


class _AccountFilling(_Filling):
    def fill(self) -> Json:
        registered, lost = _build_registration(1), _build_registration(2)
        self._note("RegisterUser", registered)
        self._sandbox.inject_fault(LOST, operation="account.user.register")
        self._note("RegisterUser", lost, reason="OUTCOME_UNKNOWN")
        other = {**registered["country_account"], "site": "other"}
        self._note("RegisterUser", registered | {"country_account": other}, reason="REQUEST_ID_REUSED")
        return {"answers": self._answers}


class _OrderSyncFilling(_Filling):
    def fill(self) -> Json:
        messages = self._fill_subscriptions()
        self._fill_syncs()
        self._fill_creations()
        self._fill_refunds()
        return {
            "answers": self._answers,
            "messages": messages,
            "pending_deliveries": self._fill_pending_deliveries(),
        }

    def _fill_subscriptions(self) -> Json:
        for number in MESSAGES:
            order_id = PURCHASE_ORDER if number in (RELEASED, *WAITING) else 0
            assert push(self._service.callback, build_message(number, order_id=order_id)) == 200
        self._create_subscription("retired")
        self._caller.call("DeleteSubscription", {"subscription": "retired"})
        paid = self._create_subscription(ACCOUNTING, topics=[TOPICS[1]])
        self._set_lease(ACCOUNTING, paid.values(), "0s")

        first = self._create_subscription(WAREHOUSE)
        assert set(first) == {str(number) for number in MESSAGES if number not in WAITING}
        self._caller.call("AckMessages", {"subscription": WAREHOUSE, "ack_ids": _pick(first, *ACKED)})
        released = set(first) - {str(each) for each in (*ACKED, POISONED, KEPT, RELEASED)}
        self._set_lease(WAREHOUSE, _pick(first, POISONED), "0s")
        for _ in range(MAX_DELIVERIES - 1):
            self._set_lease(WAREHOUSE, self._pull(WAREHOUSE).values(), "0s")
        dead = {"subscription": WAREHOUSE}
        wait_until(lambda: bool(self._caller.call("ListDeadMessages", dead)))
        self._set_lease(WAREHOUSE, _pick(first, *released), "0s")

        self._note("ListDeadMessages", dead)
        self._note("ListSubscriptions", {})
        self._note("GetSubscription", {"subscription": "retired"}, reason="SUBSCRIPTION_NOT_FOUND")
        attempts = dict.fromkeys(released, 2) | {str(RELEASED): 2} | dict.fromkeys(map(str, WAITING), 1)
        return {
            "leased": {"ack": _pick(first, KEPT), "release": _pick(first, RELEASED)},
            "lapsed": _pick(first, POISONED),
            "acknowledged": list(map(str, ACKED)),
            "dead": [str(POISONED)],
            "attempts": {WAREHOUSE: attempts, ACCOUNTING: dict.fromkeys(paid, 2)},
            "in_order": list(map(str, (RELEASED, *WAITING))),
        }

    def _create_subscription(self, name: str, **spec: Any) -> dict[str, str]:
        spec |= {"start_time": "1970-01-01T00:00:01Z"}
        return self._pull(name, create_if_missing=spec)

    def _pull(self, subscription: str, **fields: Any) -> dict[str, str]:
        """Return the ack id of each message, by its id."""
        request = {"subscription": subscription, "max_messages": 50, "lease": LEASE, "wait": "10s", **fields}
        received = self._caller.call("PullMessages", request)["received_messages"]
        return {each["message"]["message_id"]: each["ack_id"] for each in received}

    def _set_lease(self, subscription: str, ack_ids: Iterable[str], lease: str) -> None:
        request = {"subscription": subscription, "ack_ids": list(ack_ids), "lease": lease}
        assert self._caller.call("SetMessageLease", request) == {}

    def _fill_syncs(self) -> None:
        """Deliveries in their final states, and full orders of direct syncs."""
        order = {"order": _build_order(SENT)}
        sent = self._enqueue(order)
        self._note_finished(sent, "DELIVERED")
        request_id = {"request_id": sent["request_id"]}
        self._note("EnqueueSync", request_id | order)
        other = {"order": _build_order(SENT, buy_amount="2")}
        self._note("EnqueueSync", request_id | other, reason="REQUEST_ID_REUSED")
        logistics_order = self._enqueue({"logistics_order": _build_logistics_order(SENT, ADDRESS)})
        self._note_finished(logistics_order, "DELIVERED")
        relations = [_build_relation(SENT, number) for number in (1, 2)]
        self._note_finished(self._enqueue({"relations": {"relations": relations}}), "DELIVERED")
        self._sandbox.inject_fault(REJECTED, operation=ORDER_SYNC)
        self._note_finished(self._enqueue({"order": _build_order(REFUSED)}), "DEAD")

        synced = {"order": _build_order(SYNCED, out_member_id=OTHER_BUYER)}
        self._note("SyncOrder", {"request_id": str(uuid.uuid4()), **synced})
        self._caller.call("SyncLogisticsOrder", {"logistics_order": _build_logistics_order(SYNCED, "大阪")})

    def _fill_pending_deliveries(self) -> list[str]:
        """One is being sent, one waits for it, one has failed; another one that waited was cancelled."""
        self._sandbox.inject_fault({"hang": True}, operation=ORDER_SYNC)
        sending = self._enqueue({"order": _build_order(SENDING)})
        self._wait_until_received(ORDER_SYNC)
        status = {"national_order_id": str(SENDING), "pay_status": "DOWNSTREAM_ORDER_STATUS_SUCCESS"}
        waiting = self._enqueue({"order_status": status})
        cancelled = self._enqueue({"order_status": status})
        self._caller.call("CancelDelivery", {"delivery_id": cancelled["delivery_id"]})
        self._note_finished(cancelled, "CANCELLED")
        self._sandbox.inject_fault({"status": 503}, operation=ORDER_SYNC, times=1000)
        failing = self._enqueue({"order": _build_order(FAILING)})
        wait_until(lambda: "last_error" in self._get_delivery(failing))
        states = ["DELIVERY_STATE_DEAD", "DELIVERY_STATE_CANCELLED"]
        first_page = self._caller.call("ListDeliveries", {"states": states, "page_size": 1})
        self._note("ListDeliveries", {"states": states, "page_token": first_page["next_page_token"]})
        return [each["delivery_id"] for each in (sending, waiting, failing)]

    def _enqueue(self, sync: Json) -> Json:
        """Enqueue a sync; return its delivery."""
        request = {"request_id": str(uuid.uuid4()), **sync}
        delivery: Json = self._caller.call("EnqueueSync", request)["delivery"]
        return delivery

    def _get_delivery(self, delivery: Json) -> Json:
        request = {"delivery_id": delivery["delivery_id"]}
        current: Json = self._caller.call("GetDelivery", request)["delivery"]
        return current

    def _note_finished(self, delivery: Json, state: str) -> None:
        wait_until(lambda: self._get_delivery(delivery)["state"] == f"DELIVERY_STATE_{state}")
        self._note("GetDelivery", {"delivery_id": delivery["delivery_id"]})

    def _wait_until_received(self, operation: str) -> None:
        """Wait until 1688 has received a call that it does not answer."""
        wait_until(lambda: self._sandbox.state()["operations"][operation]["in_flight"] == 1)

    def _fill_creations(self) -> None:
        created, lost = (to_json(build_creation()) for _ in range(2))
        self._note("CreatePurchaseOrders", created)
        again = created | {"request_id": str(uuid.uuid4())}
        self._note("CreatePurchaseOrders", again, reason="OUT_ORDER_ID_REUSED")
        # No order exists, so that a later release finds none either, whatever its sandbox has.
        self._sandbox.inject_fault({"drop": "before_request"}, operation="alibaba.trade.createCrossOrder")
        self._note("CreatePurchaseOrders", lost, reason="OUTCOME_UNKNOWN", timeout_s=SEARCH_S)

    def _fill_refunds(self) -> None:
        created, lost, running = (to_json(create_refund_request(self._sandbox)) for _ in range(3))
        self._note("CreateRefund", created)
        self._note("CreateRefund", created | {"description": "破损"}, reason="REQUEST_ID_REUSED")
        self._sandbox.inject_fault(LOST, operation=CREATE_REFUND)
        self._note("CreateRefund", lost, reason="OUTCOME_UNKNOWN")
        self._sandbox.inject_fault({"hang": True}, operation=CREATE_REFUND)
        self._running = self._caller.begin("CreateRefund", running)  # gRPC cancels a call without references
        self._wait_until_received(CREATE_REFUND)
        after_the_crash = {"error": {"status": "UNKNOWN", "reason": "OUTCOME_UNKNOWN"}}
        self._answers.append({"rpc": "CreateRefund", "request": running} | after_the_crash)


def _pick(ack_ids: Mapping[str, str], *messages: int | str) -> list[str]:
    return [ack_ids[str(message)] for message in messages]


def _build_registration(number: int) -> Json:
    account = {
        "country": "japan",
        "site": "sniff",
        "out_login_name": f"hanako-{number}",
        "out_member_id": f"{BUYER}-{number}",
        "email": f"hanako-{number}@example.com",
        "mobile": "09012345678",
        "mobile_area": "JP",
        "ip": "192.0.2.10",
    }
    return {"request_id": str(uuid.uuid4()), "country_account": account}


def _build_order(order_id: int, **changes: Any) -> Json:
    return {
        "national_order_id": str(order_id),
        "create_time": "2026-09-03T02:00:00Z",
        "pay_time": "2026-09-03T02:00:00Z",
        "pay_status": "DOWNSTREAM_ORDER_STATUS_PAID",
        "out_member_id": BUYER,
        "offer_id": "620201390233",
        "product_name": "裙",
        "sku_id": "5104790281451",
        "sku_name": "绿",
        "paid_fee": {"currency_code": "CNY", "units": "3"},
    } | changes


def _build_logistics_order(order_id: int, address: str) -> Json:
    return {
        "national_order_id": str(order_id),
        "logistics_id": f"L{order_id}",
        "create_time": "2026-09-05T02:00:00Z",
        "logistics_status": "DOWNSTREAM_LOGISTICS_STATUS_SENT",
        "country": "japan",
        "province": "東京都",
        "city": "渋谷区",
        "area": "神南",
        "address": address,
    }


def _build_relation(order_id: int, number: int) -> Json:
    return {
        "national_order_id": str(order_id),
        "national_sub_order_id": str(order_id * 10 + number),
        "cbu_order_id": "9",
        "cbu_order_entry_id": str(900 + number),
    }
