"""What stands in the `data` of a message, by kind of topic."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.sandbox.controls.clock import spelled_out
from services.sandbox.credentials import MEMBER_ID
from services.sandbox.trade.logistics import Node, Waybill
from services.sandbox.trade.payments import PaymentResult

# The first word of a refundAction -> who acted; whoever else it is acts for the platform.
_OPERATORS = {"BUYER": "buyer", "SELLER": "seller"}


def order_data(order_id: int, status: str, seller_member_id: str, sent_ms: int) -> dict[str, Any]:
    """Of every topic about an order; of one about a refund it is a part, with the refund's status."""
    return {
        "orderId": order_id,
        "currentStatus": status,
        "msgSendTime": spelled_out(sent_ms),
        "buyerMemberId": MEMBER_ID,
        "sellerMemberId": seller_member_id,
    }


def refund_data(refund_id: str, action: str) -> dict[str, Any]:
    """What a refund's topics have besides an order's."""
    operator = _OPERATORS.get(action.partition("_")[0], "system")
    return {"refundAction": action, "operator": operator, "refundId": refund_id}


def batch_pay_data(results: Mapping[int, PaymentResult]) -> dict[str, Any]:
    """The only topic whose ids are text."""
    return {
        "batchPay": [{"orderId": str(order_id), "status": result} for order_id, result in results.items()]
    }


def trace_data(
    logistics_id: str, waybill: Waybill, node: Node, items: Sequence[tuple[int, int]], changed_ms: int
) -> dict[str, Any]:
    """`items` are (order id, entry id). The form of the date is not known; this is what orders have."""
    return {
        "OrderLogisticsTracingModel": {
            "logisticsId": logistics_id,
            "cpCode": waybill.cp_code,
            "mailNo": waybill.mail_no,
            "statusChanged": node,
            "changeTime": spelled_out(changed_ms),
            "orderLogsItems": _items(items),
        }
    }


def mail_no_data(
    logistics_id: str, old: Waybill, new: Waybill, items: Sequence[tuple[int, int]], changed_ms: int
) -> dict[str, Any]:
    """As `trace_data`."""
    return {
        "MailNoChangeModel": {
            "logisticsId": logistics_id,
            "oldCpCode": old.cp_code,
            "newCpCode": new.cp_code,
            "oldMailNo": old.mail_no,
            "newMailNo": new.mail_no,
            "eventTime": spelled_out(changed_ms),
            "orderLogsItems": _items(items),
        }
    }


def _items(items: Sequence[tuple[int, int]]) -> list[dict[str, int]]:
    return [{"orderId": order_id, "orderEntryId": entry_id} for order_id, entry_id in items]
