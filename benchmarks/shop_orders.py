"""What happens to an order of a shop: the messages that 1688 pushes, and the syncs that the shop enqueues.

It is the order of which docs/operations.md computes the capacity: two lines, eight messages, seven syncs.
Messages and syncs are the samples of the tests, with ids and times of their own. What takes days in a shop
takes seconds here.
"""

import copy
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from google.protobuf.json_format import ParseDict
from nationalsite.ordersync import v1 as protos

from tests.support.push_client import BEIJING
from tools.local_stack import ROOT

SAMPLES = ROOT / "tests" / "samples"
TRACE = "LOGISTICS_BUYER_VIEW_TRACE"
REFUND_EVERY = 25
"""One order in so many is refunded, with two messages more."""
STEP_S = 1.0
"""Between two steps of an order."""
LAST_STEP = 10
_IDS_PER_ORDER = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A message that 1688 pushes."""

    step: int
    topic: str
    values: Mapping[str, str] = field(default_factory=dict)
    """Members of the payload that differ from the sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """A sync that the shop enqueues."""

    step: int
    sample: str
    """Of tests/samples/requests."""
    values: Mapping[str, str] = field(default_factory=dict)
    line: int = 0
    """The line of the order that a relation is about."""


PUSHES = (
    Push(step=1, topic="ORDER_BUYER_VIEW_BUYER_MAKE"),
    Push(step=2, topic="ORDER_BUYER_VIEW_ORDER_PAY"),
    Push(step=3, topic="ORDER_BUYER_VIEW_ANNOUNCE_SENDGOODS"),
    Push(step=3, topic=TRACE, values={"statusChanged": "CONSIGN"}),
    Push(step=4, topic=TRACE, values={"statusChanged": "TRANSPORT"}),
    Push(step=5, topic=TRACE, values={"statusChanged": "SIGN"}),
    Push(step=6, topic="ORDER_BUYER_VIEW_ORDER_COMFIRM_RECEIVEGOODS"),
    Push(step=8, topic="ORDER_BUYER_VIEW_ORDER_SUCCESS"),
)
REFUND_PUSHES = tuple(
    Push(step=step, topic="ORDER_BUYER_VIEW_ORDER_REFUND_AFTER_SALES", values={"currentStatus": status})
    for step, status in ((9, "waitselleragree"), (LAST_STEP, "refundsuccess"))
)
SYNCS = (
    Sync(step=0, sample="order_sync.open_platform"),
    Sync(step=1, sample="order_relation_write.open_platform", line=1),
    Sync(step=1, sample="order_relation_write.open_platform", line=2),
    Sync(
        step=6,
        sample="logistics_order_sync.open_platform",
        values={"logistics_status": "DOWNSTREAM_LOGISTICS_STATUS_SENT"},
    ),
    *(
        Sync(
            step=step,
            sample="logistics_status_sync.national_site",
            values={"logistics_status": f"DOWNSTREAM_LOGISTICS_STATUS_{status}"},
        )
        for step, status in ((7, "PARTIALLY_SIGNED"), (8, "SIGNED"))
    ),
    Sync(step=9, sample="order_status_sync.national_site"),
)


def list_pushes(number: int) -> Sequence[Push]:
    """Return the messages about an order."""
    return PUSHES if number % REFUND_EVERY else (*PUSHES, *REFUND_PUSHES)


def message_id(number: int, index: int) -> int:
    """Return the id of a message: the index is that of `list_pushes`."""
    return number * _IDS_PER_ORDER + index


def build_message(number: int, index: int, now_s: float) -> str:
    """Return a message in 1688's format, about something that happens now."""
    push = list_pushes(number)[index]
    message = copy.deepcopy(_MESSAGES[push.topic])
    message |= {"msgId": message_id(number, index), "gmtBorn": round(now_s * 1000)}
    now = f"{datetime.fromtimestamp(now_s, BEIJING):%Y-%m-%d %H:%M:%S}"
    purchase_order = _purchase_order_id(number)
    if push.topic == TRACE:
        payload = message["data"]["OrderLogisticsTracingModel"]
        payload |= {"logisticsId": f"LP{number}", "changeTime": now}
        payload["orderLogsItems"] = [
            {"orderId": purchase_order, "orderEntryId": purchase_order + line} for line in (1, 2)
        ]
    else:
        payload = message["data"]
        payload |= {"orderId": purchase_order, "msgSendTime": now}
    payload |= push.values
    return json.dumps(message, ensure_ascii=False)


def build_sync(number: int, index: int) -> protos.EnqueueSyncRequest:
    """Return a request to enqueue a sync: the index is that of SYNCS."""
    sync = SYNCS[index]
    ((name, sample),) = _REQUESTS[sync.sample].items()
    if name == "relations":
        value = {"relations": [sample[0] | _relation_ids(number, sync.line)]}
    else:
        own = {"national_order_id": _order_id(number), "logistics_id": _logistics_id(number), **sync.values}
        value = sample | {member: own[member] for member in own if member in sample}
    if "sub_orders" in value:
        (line,) = value["sub_orders"]
        value["sub_orders"] = [line | {"national_sub_order_id": _line_id(number, each)} for each in (1, 2)]
    request = {"request_id": str(uuid.uuid4()), name: value}
    return ParseDict(request, protos.EnqueueSyncRequest())


def list_calls(number: int) -> list[tuple[str, str]]:
    """Return the call of 1688 that each of SYNCS causes, as `describe_call` does."""
    order, logistics_order = _order_id(number), _logistics_id(number)
    return [
        (order, "payed"),
        (order, _line_id(number, 1)),
        (order, _line_id(number, 2)),
        (logistics_order, "send"),
        (logistics_order, "partSign"),
        (logistics_order, "sign"),
        (order, "success"),
    ]


def describe_call(form: Mapping[str, str]) -> tuple[str, str]:
    """Return the ordering key of a call of 1688, and the member that differs between the calls of a key."""
    for parameter, (key, step) in _CALLS.items():
        if parameter in form:
            members = json.loads(form[parameter])
            return members[key], members[step]
    raise ValueError(f"not a sync: {sorted(form)}")


_CALLS = {
    "orderParam": ("orderId", "status"),
    "orderRelationParam": ("parentOrderId", "orderId"),
    "orderLogisticsParam": ("logisticsId", "logisticsStatus"),
}
"""Parameter of a call of 1688 -> its members with the ordering key, and with what `describe_call` returns."""


def _order_id(number: int) -> str:
    return str(4_590_000_000_000_000 + number * _IDS_PER_ORDER)


def _line_id(number: int, line: int) -> str:
    return str(int(_order_id(number)) + line)


def _logistics_id(number: int) -> str:
    return f"LG{number}"


def _purchase_order_id(number: int) -> int:
    return 3_209_000_000_000_000 + number * _IDS_PER_ORDER


def _relation_ids(number: int, line: int) -> dict[str, str]:
    return {
        "national_order_id": _order_id(number),
        "national_sub_order_id": _line_id(number, line),
        "cbu_order_id": str(_purchase_order_id(number)),
        "cbu_order_entry_id": str(_purchase_order_id(number) + line),
    }


def _read_sample(path: str) -> dict[str, Any]:
    sample: dict[str, Any] = json.loads((SAMPLES / path).read_text())
    return sample


_MESSAGES = {push.topic: _read_sample(f"messages/{push.topic}.json") for push in (*PUSHES, *REFUND_PUSHES)}
_REQUESTS = {sync.sample: _read_sample(f"requests/{sync.sample}.call.json")["request"] for sync in SYNCS}
