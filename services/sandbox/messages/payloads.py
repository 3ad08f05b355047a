"""Builds the `data` of messages, by kind of topic."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.sandbox.controls.clock import format_time
from services.sandbox.credentials import MEMBER_ID
from services.sandbox.trade.logistics import LogisticsStatus, Waybill
from services.sandbox.trade.orders import PaymentResult

# The first word of a refundAction -> the operator. The operator of all other actions is `system`.
_OPERATORS = {"BUYER": "buyer", "SELLER": "seller"}


def build_order_data(order_id: int, status: str, seller_member_id: str, sent_ms: int) -> dict[str, Any]:
    """Return the data of a topic about an order. For a refund, `status` is the refund's."""
    return {
        "orderId": order_id,
        "currentStatus": status,
        "msgSendTime": format_time(sent_ms),
        "buyerMemberId": MEMBER_ID,
        "sellerMemberId": seller_member_id,
    }


def build_refund_data(refund_id: str, refund_action: str) -> dict[str, Any]:
    """Return the members that topics about a refund have in addition to those of an order."""
    operator = _OPERATORS.get(refund_action.partition("_")[0], "system")
    return {"refundAction": refund_action, "operator": operator, "refundId": refund_id}


def build_batch_pay_data(results: Mapping[int, PaymentResult]) -> dict[str, Any]:
    """Return the data of a batch payment. Only this topic has ids as text."""
    return {
        "batchPay": [{"orderId": str(order_id), "status": result} for order_id, result in results.items()]
    }


def build_trace_data(
    logistics_id: str,
    waybill: Waybill,
    status: LogisticsStatus,
    items: Sequence[tuple[int, int]],
    changed_ms: int,
) -> dict[str, Any]:
    """Return the data of a new logistics status. `items` are (order id, entry id).

    The format of the date is not known. This is the format of the topics about orders.
    """
    return {
        "OrderLogisticsTracingModel": {
            "logisticsId": logistics_id,
            "cpCode": waybill.cp_code,
            "mailNo": waybill.mail_no,
            "statusChanged": status,
            "changeTime": format_time(changed_ms),
            "orderLogsItems": _build_items(items),
        }
    }


def build_mail_no_data(
    logistics_id: str, old: Waybill, new: Waybill, items: Sequence[tuple[int, int]], changed_ms: int
) -> dict[str, Any]:
    """Return the data of a new waybill. `items` and the date are as in `build_trace_data`."""
    return {
        "MailNoChangeModel": {
            "logisticsId": logistics_id,
            "oldCpCode": old.cp_code,
            "newCpCode": new.cp_code,
            "oldMailNo": old.mail_no,
            "newMailNo": new.mail_no,
            "eventTime": format_time(changed_ms),
            "orderLogsItems": _build_items(items),
        }
    }


def _build_items(items: Sequence[tuple[int, int]]) -> list[dict[str, int]]:
    return [{"orderId": order_id, "orderEntryId": entry_id} for order_id, entry_id in items]
