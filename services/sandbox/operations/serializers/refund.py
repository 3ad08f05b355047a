"""Serializes refunds and their operations. Amounts are fen; inside the texts of operations they are yuan."""

from collections.abc import Mapping
from typing import Any

from services.sandbox.controls.variants import Variants
from services.sandbox.credentials import MEMBER_ID
from services.sandbox.operations.serializers.carriers import find_carrier_name
from services.sandbox.operations.serializers.dates import format_date
from services.sandbox.operations.serializers.formatting import format_yuan
from services.sandbox.operations.serializers.parties import (
    BUYER_LOGIN_ID,
    BUYER_USER_ID,
    SELLER_MOBILE,
    SELLER_NAME,
    SELLER_STREET,
    find_seller_account,
)
from services.sandbox.operations.serializers.purchase_order import format_alipay_trade_id
from services.sandbox.trade.refunds.refund import (
    DisputeRequest,
    GoodsStatus,
    Refund,
    RefundOperation,
    RefundStatus,
)
from services.sandbox.trade.refunds.refund_reasons import find_refund_reason
from services.sandbox.trade.refunds.refund_state_machine import REFUND_REJECTED, REFUND_REQUESTED

Json = dict[str, Any]

STEP_TIMEOUT_MS = 7 * 24 * 3600 * 1000
"""Time for each step of a refund. An assumption: not documented."""
_FIRST_OPERATION_NUMBER = 70_000_000_000
_REJECT_REASON_ID, _REJECT_REASON = 30_001, "与买家协商一致"

_DISPUTE_REQUESTS = {DisputeRequest.REFUND: 1, DisputeRequest.RETURN_REFUND: 3}
# 1: not received, 2: received, 3: returned.
_GOODS_STATUSES = {
    GoodsStatus.WAIT_SELLER_SEND: 1,
    GoodsStatus.WAIT_BUYER_RECEIVE: 1,
    GoodsStatus.RECEIVED: 2,
    GoodsStatus.AFTER_SALE_NOT_RECEIVED: 1,
    GoodsStatus.AFTER_SALE_RECEIVED: 2,
}
_RETURNED = 3
_DISPUTE_REQUEST_TEXTS = {DisputeRequest.REFUND: "仅退款", DisputeRequest.RETURN_REFUND: "退货退款"}
# refundAction -> operateTypeInt and operateRemark. The samples have 1, 8, 10, 15 and 19; 4 and 11 are
# assumptions, since 1688 does not document the list.
_OPERATIONS: Mapping[str, tuple[int, str]] = {
    REFUND_REQUESTED: (1, "买家申请"),
    "SELLER_AGREE_REFUND": (8, "退款成功"),
    "SELLER_AGREE_REFUND_PROCOTOL": (11, "卖家同意退货"),
    "BUYER_SEND_GOODS": (10, "买家已发货"),
    "SELLER_RECEIVE_GOODS": (19, "卖家确认收货并退款"),
    REFUND_REJECTED: (15, "卖家拒绝"),
    "BUYER_CANCEL_REFUND_CLOSE": (4, "买家撤销"),
    "SELLER_SEND_GOODS_CLOSE": (4, "卖家已发货，退款关闭"),
    "BUYER_RECEIVE_CLOSE": (4, "买家已收货，退款关闭"),
}
_BUYER_ROLE, _SELLER_ROLE = 1, 2


def serialize_refund(
    refund: Refund, variants: Variants, *, flag_prefix: str = "", with_timeout: bool = False
) -> Json:
    """Return a refund without its operations.

    `flag_prefix` is put before the names of the booleans. `with_timeout`: with the deadline of the step.
    """
    order, seller = refund.order, find_seller_account(refund.order.seller_member_id)
    returns_goods = refund.dispute_request is DisputeRequest.RETURN_REFUND
    goods_status = _RETURNED if refund.return_shipment else _GOODS_STATUSES[refund.goods_status]
    reason = find_refund_reason(refund.goods_status, refund.reason_id)
    rejections = sum(operation.action == REFUND_REJECTED for operation in refund.operations)
    entries = order.select_entries(refund.entry_ids)
    # A closed refund shows its amounts, too, although no money came back.
    refunded = not refund.is_open
    serialized: Json = {
        "id": int(refund.refund_id.removeprefix("TQ")),
        "refundId": refund.refund_id,
        "orderId": order.order_id,
        "orderEntryIdList": list(reversed(refund.entry_ids)),
        "orderEntryCountMap": {
            str(entry.entry_id): refund.counts.get(entry.entry_id, entry.quantity) for entry in entries
        },
        "status": refund.status,
        "applyPayment": refund.apply_payment_fen,
        "applyCarriage": refund.apply_shipping_fee_fen,
        "refundPayment": refund.apply_payment_fen if refunded else 0,
        "refundCarriage": refund.apply_shipping_fee_fen if refunded else 0,
        "canRefundPayment": sum(entry.sum_fen for entry in entries),
        "applyExpect": None,
        "frozenFund": -1,
        "prepaidBalance": 0,
        "disputeRequest": _DISPUTE_REQUESTS[refund.dispute_request],
        "disputeType": 2 if refund.is_after_sale else 1,
        "goodsStatus": goods_status,
        "applyReasonId": refund.reason_id,
        "applyReason": reason and reason.name,
        "applySubReasonId": -1,
        "applySubReason": "",
        "rejectReasonId": _REJECT_REASON_ID if rejections else None,
        "rejectReason": _REJECT_REASON if rejections else None,
        "rejectTimes": rejections,
        "gmtApply": format_date(refund.created_ms, variants),
        "gmtCreate": format_date(refund.created_ms, variants),
        "gmtModified": format_date(refund.modified_ms, variants),
        "productName": entries[0].product_name,
        "tradeTypeStr": "50060",
        "alipayPaymentId": format_alipay_trade_id(order),
        "buyerMemberId": MEMBER_ID,
        "sellerMemberId": seller.member_id,
        "buyerUserId": BUYER_USER_ID,
        "sellerUserId": seller.user_id,
        "buyerLoginId": BUYER_LOGIN_ID,
        "sellerLoginId": seller.login_id,
        "extInfo": {
            "payMode": "alipay",
            "workflowName": "cbu_return_and_refund" if returns_goods else "cbu_refund",
        },
        "refundOfficialSolutionCost": 0,
    }
    flags = {
        "aftersaleAgreeTimeout": False,
        "aftersaleAutoDisburse": False,
        "buyerSendGoods": refund.status is RefundStatus.WAIT_SELLER_RECEIVE,
        "crmModifyRefund": False,
        "goodsReceived": _GOODS_STATUSES[refund.goods_status] != 1,
        "insufficientAccount": False,
        "insufficientBail": False,
        "newRefundReturn": returns_goods,
        "onlyRefund": not returns_goods,
        "refundGoods": returns_goods,
        "sellerDelayDisburse": False,
        "supportNewSteppay": True,
        "timeOutFreeze": False,
    }
    serialized |= {_prefix(flag_prefix, name): value for name, value in flags.items()}
    if not refund.is_open:
        serialized["gmtCompleted"] = format_date(refund.modified_ms, variants)
    elif with_timeout:
        serialized["gmtTimeOut"] = format_date(refund.modified_ms + STEP_TIMEOUT_MS, variants)
        serialized["timeOutOperateType"] = "close"
    if refund.status in (RefundStatus.WAIT_BUYER_SEND, RefundStatus.WAIT_SELLER_RECEIVE):
        serialized |= {
            "sellerReceiveAddress": SELLER_STREET,
            "sellerRealName": SELLER_NAME,
            "sellerMobile": SELLER_MOBILE,
            "sellerTel": "",
        }
    if refund.return_shipment:
        serialized["freightBill"] = refund.return_shipment.freight_bill
        serialized["buyerLogisticsName"] = find_carrier_name(refund.return_shipment.logistics_company_no)
    return serialized


def serialize_refund_operations(refund: Refund, variants: Variants) -> list[Json]:
    """Return the steps of a refund, the newest first."""
    steps = [
        _serialize_operation(refund, number, operation, variants)
        for number, operation in enumerate(refund.operations, 1)
    ]
    return steps[::-1]


def _prefix(prefix: str, name: str) -> str:
    return prefix + name[0].upper() + name[1:] if prefix else name


def _serialize_operation(refund: Refund, number: int, operation: RefundOperation, variants: Variants) -> Json:
    seller = find_seller_account(refund.order.seller_member_id)
    operate_type, remark = _OPERATIONS[operation.action]
    is_by_buyer = operation.action.startswith("BUYER")
    date = format_date(operation.occurred_ms, variants)
    is_request = operation.status_before is None
    # The status before and after are equal in every sample, and the request has neither.
    statuses = (
        {}
        if is_request
        else {
            "beforeOperateStatus": operation.status_before,
            "afterOperateStatus": operation.status_before,
        }
    )
    serialized: Json = {
        # The refund's own digits make the numbers of all refunds differ.
        "id": _FIRST_OPERATION_NUMBER + int(refund.refund_id[-8:]) * 100 + number,
        "refundId": refund.refund_id,
        "operateTypeInt": operate_type,
        "operateRemark": remark,
        "discription": _describe(refund) if is_request else remark,
        **statuses,
        "operatorRoleId": _BUYER_ROLE if is_by_buyer else _SELLER_ROLE,
        "operatorLoginId": BUYER_LOGIN_ID if is_by_buyer else seller.login_id,
        "operatorId": MEMBER_ID if is_by_buyer else seller.member_id,
        "operatorUserId": BUYER_USER_ID if is_by_buyer else seller.user_id,
        "gmtCreate": date,
        "gmtModified": date,
        "vouchers": (list(refund.vouchers) or None) if is_request else None,
        "msgType": 7,
        "messageStatus": 3,
        "closeRefundStepId": 0,
        "crmModifyRefund": False,
    }
    if operation.action == REFUND_REJECTED:
        serialized["rejectReason"] = _REJECT_REASON
    if operation.action == "BUYER_SEND_GOODS" and refund.return_shipment:
        serialized["freightBill"] = refund.return_shipment.freight_bill
        serialized["vouchers"] = list(refund.return_shipment.vouchers) or None
    return serialized


def _describe(refund: Refund) -> str:
    """Return what the buyer asked for, with the amounts in yuan."""
    return "|".join(
        (
            f"退款诉求：{_DISPUTE_REQUEST_TEXTS[refund.dispute_request]}",
            f"退款货品金额：{format_yuan(refund.apply_payment_fen)}",
            f"退款运费金额：{format_yuan(refund.apply_shipping_fee_fen)}",
            f"退款说明：{refund.description}",
        )
    )
