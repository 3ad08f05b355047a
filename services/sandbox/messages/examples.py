"""Payloads of messages that no order stands behind, for any topic."""

from collections.abc import Callable, Mapping
from typing import Any

from services.sandbox.catalog.sellers import seller
from services.sandbox.controls.clock import spelled_out
from services.sandbox.messages.payloads import (
    batch_pay_data,
    mail_no_data,
    order_data,
    refund_data,
    trace_data,
)
from services.sandbox.messages.topics import STATUS, Topic
from services.sandbox.trade.logistics import Node, Waybill
from services.sandbox.trade.payments import PaymentResult

# 19 digits, above 2**53 and apart from the order book's; no float holds any of them.
FIRST_ORDER_ID = 1_479_266_113_491_823_520
ORDER_ID_STEP = 7_001_000_000
_ENTRY = 1_000_000
_PARCEL, _REFUND = "LP00123456789", "TQ34931008034741532"
_WAYBILL, _NEW_WAYBILL = (
    Waybill(cp_code="ZTO", mail_no="3110044550034338"),
    Waybill(cp_code="YTO", mail_no="YT7700000000001"),
)

Example = Callable[[int, int], dict[str, Any]]
"""Order id, time in epoch ms -> data."""


def _order(status: str) -> Example:
    return lambda order_id, now_ms: order_data(order_id, status, seller(0).member_id, now_ms)


def _refund(status: str, action: str) -> Example:
    return lambda order_id, now_ms: _order(status)(order_id, now_ms) | refund_data(_REFUND, action)


EXAMPLES: Mapping[str, Example] = {
    **{topic: _order(status) for topic, status in STATUS.items()},
    Topic.REFUND_IN_SALES: _refund("refundsuccess", "SYSTEM_AGREE_REFUND_PROTOCOL"),
    Topic.REFUND_AFTER_SALES: _refund("waitbuyersend", "SELLER_AGREE_REFUND_PROCOTOL"),
    Topic.BATCH_PAID: lambda order_id, now_ms: batch_pay_data({order_id: PaymentResult.PAID}),
    Topic.PARCEL_MOVED: lambda order_id, now_ms: trace_data(
        _PARCEL, _WAYBILL, Node.CONSIGN, [(order_id, order_id + _ENTRY)], now_ms
    ),
    Topic.MAIL_NO_CHANGED: lambda order_id, now_ms: mail_no_data(
        _PARCEL, _WAYBILL, _NEW_WAYBILL, [(order_id, order_id + _ENTRY)], now_ms
    ),
}


def example(topic: str, order: int, sent_ms: int, *, over: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Data of a topic about the made-up order of this number.

    `over` stands in place of everything but the order and the time. An unknown topic has only these.
    """
    order_id = FIRST_ORDER_ID + order * ORDER_ID_STEP
    if over is None and topic in EXAMPLES:
        return EXAMPLES[topic](order_id, sent_ms)
    return {**(over or {}), "orderId": order_id, "msgSendTime": spelled_out(sent_ms)}
