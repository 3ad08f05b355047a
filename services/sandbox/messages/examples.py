"""Example data for messages of any topic, without an order in the order store."""

from collections.abc import Callable, Mapping
from typing import Any

from services.sandbox.catalog.sellers import build_seller
from services.sandbox.controls.clock import format_time
from services.sandbox.messages.payloads import (
    build_batch_pay_data,
    build_mail_no_data,
    build_order_data,
    build_refund_data,
    build_trace_data,
)
from services.sandbox.messages.topics import TOPIC_STATUSES, Topic
from services.sandbox.trade.logistics import LogisticsStatus, Waybill
from services.sandbox.trade.orders import PaymentResult

# Ids have 19 digits and differ from those of the order store. No float can represent them.
FIRST_ORDER_ID = 1_479_266_113_491_823_520
ORDER_ID_STEP = 7_001_000_000
_ENTRY_OFFSET = 1_000_000
_LOGISTICS_ID, _REFUND_ID = "LP00123456789", "TQ34931008034741532"
_OLD_WAYBILL = Waybill(cp_code="ZTO", mail_no="3110044550034338")
_NEW_WAYBILL = Waybill(cp_code="YTO", mail_no="YT7700000000001")

ExampleBuilder = Callable[[int, int], dict[str, Any]]
"""Order id, time in epoch ms -> data."""


def _order(status: str) -> ExampleBuilder:
    return lambda order_id, now_ms: build_order_data(order_id, status, build_seller(0).member_id, now_ms)


def _refund(status: str, refund_action: str) -> ExampleBuilder:
    build_order = _order(status)
    return lambda order_id, now_ms: (
        build_order(order_id, now_ms) | build_refund_data(_REFUND_ID, refund_action)
    )


EXAMPLES: Mapping[str, ExampleBuilder] = {
    **{topic: _order(status) for topic, status in TOPIC_STATUSES.items()},
    Topic.REFUND_IN_SALES: _refund("refundsuccess", "SYSTEM_AGREE_REFUND_PROTOCOL"),
    Topic.REFUND_AFTER_SALES: _refund("waitbuyersend", "SELLER_AGREE_REFUND_PROCOTOL"),
    Topic.BATCH_PAID: lambda order_id, now_ms: build_batch_pay_data({order_id: PaymentResult.PAID}),
    Topic.LOGISTICS_STATUS_CHANGED: lambda order_id, now_ms: build_trace_data(
        _LOGISTICS_ID,
        _OLD_WAYBILL,
        LogisticsStatus.CONSIGN,
        [(order_id, order_id + _ENTRY_OFFSET)],
        now_ms,
    ),
    Topic.MAIL_NO_CHANGED: lambda order_id, now_ms: build_mail_no_data(
        _LOGISTICS_ID, _OLD_WAYBILL, _NEW_WAYBILL, [(order_id, order_id + _ENTRY_OFFSET)], now_ms
    ),
}


def build_example(
    topic: str, order_number: int, sent_ms: int, *, members: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return data of a topic about an order that does not exist.

    With `members`, or for an unknown topic, the data has only these members, the order id and the time.
    """
    order_id = FIRST_ORDER_ID + order_number * ORDER_ID_STEP
    if members is None and topic in EXAMPLES:
        return EXAMPLES[topic](order_id, sent_ms)
    return {**(members or {}), "orderId": order_id, "msgSendTime": format_time(sent_ms)}
