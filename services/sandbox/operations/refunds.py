"""Refunds: reasons, limits, vouchers, requests, the return of goods, and the cancellation."""

import re
from collections.abc import Mapping
from typing import Any

from services.sandbox.context import SandboxContext
from services.sandbox.http import envelopes
from services.sandbox.http.arguments import Arguments
from services.sandbox.http.envelopes import BusinessError, InvalidArgument
from services.sandbox.operations.registry import trade_operation
from services.sandbox.operations.schemas.refund_request import parse_entry_counts, parse_refund_request
from services.sandbox.state import State
from services.sandbox.trade.order_state_machine import InvalidTransition
from services.sandbox.trade.orders import Order
from services.sandbox.trade.refunds.refund import GoodsStatus, Refund, ReturnShipment
from services.sandbox.trade.refunds.refund_reasons import REFUND_REASONS, RefundReason, find_refund_reason
from services.sandbox.trade.refunds.refund_request import (
    RefundRequestRejected,
    RejectionReason,
    matches_goods_status,
)
from services.sandbox.trade.refunds.refund_state_machine import RefundTransition, transition_refund
from services.sandbox.trade.refunds.vouchers import VOUCHER_DOMAIN

MAX_RETURN_VOUCHERS = 10
MIN_RETURN_DESCRIPTION_CHARACTERS, MAX_RETURN_DESCRIPTION_CHARACTERS = 2, 200
_REFUND_ID = re.compile(r"TQ\d{10,20}")
# Both patterns are assumptions: 1688 documents one carrier code (ZTO), and no rule for tracking numbers.
_CARRIER_CODE = re.compile(r"[A-Za-z0-9_]{2,32}")
_WAYBILL = re.compile(r"[A-Za-z0-9]{8,32}")

_ORDER_NOT_FOUND = ("5001", "订单不存在")
_NOT_THE_BUYERS_ORDER = ("5002", "订单买家与用户身份不一致")
_OTHER_ERROR = ("5100", "其他未知错误")
_VOUCHER_REQUIRED = ("5005", "需要上传凭证")
REJECTION_ERRORS: Mapping[RejectionReason, tuple[str, str]] = {
    # The order does not have this entry. There is no documented code for this.
    RejectionReason.ENTRIES: _OTHER_ERROR,
    RejectionReason.STATE: ("5010", "退货状态错误"),
    RejectionReason.REASON: ("5004", "退款退货原因错误，请确认原因id"),
    RejectionReason.VOUCHER: _VOUCHER_REQUIRED,
    RejectionReason.TOO_MANY_VOUCHERS: _OTHER_ERROR,
    RejectionReason.SHIPPING_FEE: ("5006", "退运费大于0"),
    RejectionReason.AMOUNT: ("5011", "退款金额错误"),
    RejectionReason.DESCRIPTION: ("5012", "退款描述长度错误"),
    RejectionReason.COUNT: ("5013", "子订单退货数量"),
}
"""Code and message for each reason to reject a refund request."""


@trade_operation(
    "alibaba.trade.getRefundReasonList",
    envelopes.NESTED_NULL_CODE,
    required=("orderId", "orderEntryIds", "goodsStatus"),
    invalid_argument=_OTHER_ERROR,
)
async def get_refund_reasons(context: SandboxContext, arguments: Arguments) -> Any:
    """Return the reasons for a goods status. The error codes are those of createRefund."""
    order = _find_order(context.state, arguments)
    goods_status = _parse_goods_status(arguments, "货物状态不合法")
    entry_ids = tuple(arguments.integers("orderEntryIds"))
    if not entry_ids or not set(entry_ids) <= set(order.entry_ids):
        raise BusinessError(*REJECTION_ERRORS[RejectionReason.ENTRIES])
    if not matches_goods_status(order, entry_ids, goods_status):
        raise BusinessError("5003", "货物状态不合法")
    return {"reasons": [_serialize_reason(reason) for reason in REFUND_REASONS[goods_status]]}


@trade_operation(
    "alibaba.trade.getMaxRefundFee",
    envelopes.NESTED_NULL_CODE,
    wrapper="input",
    required=("orderId", "goodsStatus", "refundGoodsCountList"),
    invalid_argument=_OTHER_ERROR,
)
async def get_max_refund_fee(context: SandboxContext, arguments: Arguments) -> Any:
    """Return the most that can be refunded of some pieces. The error codes are those of createRefund."""
    order = _find_order(context.state, arguments)
    goods_status = _parse_goods_status(arguments, "货物状态不合法")
    counts = dict(parse_entry_counts(arguments, "refundGoodsCountList"))
    if not counts or not counts.keys() <= set(order.entry_ids):
        raise BusinessError(*REJECTION_ERRORS[RejectionReason.ENTRIES])
    if not matches_goods_status(order, tuple(counts), goods_status):
        raise BusinessError("5003", "货物状态不合法")
    goods_fen = 0
    for entry in order.select_entries(counts):
        if not 1 <= counts[entry.entry_id] <= entry.quantity:
            raise BusinessError(*REJECTION_ERRORS[RejectionReason.COUNT])
        pieces_fen = entry.sum_fen * counts[entry.entry_id] // entry.quantity
        goods_fen += min(pieces_fen, order.remaining_fen([entry.entry_id]))
    # A refund under way does not reduce its own limit.
    own_id = arguments.string("refundId")
    requested_fen = sum(
        refund.apply_shipping_fee_fen
        for refund in context.state.order_store.list_refunds(order)
        if refund.is_open and refund.refund_id != own_id
    )
    shipping_fee_fen = order.shipping_fee_fen - order.refunded_shipping_fee_fen - requested_fen
    return {
        "maxRefundFee": goods_fen + shipping_fee_fen,
        "maxGoodsFee": goods_fen,
        "maxPostFee": shipping_fee_fen,
        "maxSubstituteFetchFee": 0,
    }


@trade_operation("alibaba.trade.uploadRefundVoucher", envelopes.NESTED_NULL_CODE)
async def upload_refund_voucher(context: SandboxContext, arguments: Arguments) -> Any:
    """Store a voucher, and return its address."""
    file = arguments.files.get("imageData")
    path = context.state.vouchers.save(file.content) if file else None
    if path is None:
        raise BusinessError("4000", "imageData参数错误")
    return {"imageDomain": VOUCHER_DOMAIN, "imageRelativeUrl": path}


@trade_operation(
    "alibaba.trade.createRefund",
    envelopes.NESTED_NULL_CODE,
    required=(
        "orderId",
        "orderEntryIds",
        "disputeRequest",
        "applyPayment",
        "applyCarriage",
        "applyReasonId",
        "description",
        "goodsStatus",
    ),
    invalid_argument=_OTHER_ERROR,
)
async def create_refund(context: SandboxContext, arguments: Arguments) -> Any:
    """Create a refund, and return its id."""
    order = _find_order(context.state, arguments)
    goods_status = _parse_goods_status(arguments, "货物状态状态不合法")
    request = parse_refund_request(arguments, goods_status)
    if not all(address in context.state.vouchers for address in request.vouchers):
        raise BusinessError(*_VOUCHER_REQUIRED)
    try:
        refund = context.state.order_store.create_refund(order, request)
    except RefundRequestRejected as rejected:
        raise BusinessError(*REJECTION_ERRORS[rejected.reason]) from rejected
    reason = find_refund_reason(goods_status, request.reason_id)
    return {
        "refundId": refund.refund_id,
        "innerReasonId": request.reason_id,
        "innerReason": reason and reason.name,
        # Without customRefund=true, 1688 applies undocumented rules to the shipping fee.
        "innerPostFee": request.shipping_fee_fen,
        "isVoucher": "1" if reason and reason.needs_voucher else "0",
        # The amount that 1688 itself pays. Its rules for this are not documented.
        "refundOfficialSolutionCost": 0,
    }


@trade_operation(
    "alibaba.trade.refund.returnGoods",
    envelopes.NESTED_ERROR_INFO,
    required=("refundId", "logisticsCompanyNo", "freightBill"),
)
async def return_goods(context: SandboxContext, arguments: Arguments) -> Any:
    """Record that the buyer sends the goods back, and return True.

    The error messages are our translations into Chinese; 1688's own text is known only for 4004.
    """
    refund = _find_refund(context.state, arguments.string("refundId") or "")
    shipment = _parse_return_shipment(context.state, arguments)
    try:
        context.state.order_store.return_goods(refund, shipment)
    except InvalidTransition as invalid:
        raise BusinessError("4007", "退款单状态不允许退货") from invalid
    return True


@trade_operation("alibaba.trade.cancelRefund", envelopes.CONFIRMATION, required=("refundId",))
async def cancel_refund(context: SandboxContext, arguments: Arguments) -> Any:
    """Close a refund for the buyer. 1688 documents no errors; the sample has the code 500."""
    refund = context.state.order_store.find_refund(arguments.string("refundId") or "")
    if refund is None or not refund.order.flags.owned_by_buyer:
        raise BusinessError("500", "退款单不存在")
    try:
        transition_refund(refund, RefundTransition.CLOSE)
    except InvalidTransition as invalid:
        raise BusinessError("500", "退款单状态不允许撤销") from invalid
    return True


def _find_order(state: State, arguments: Arguments) -> Order:
    order = state.order_store.find_order(arguments.integer("orderId") or 0)
    if order is None:
        raise BusinessError(*_ORDER_NOT_FOUND)
    if not order.flags.owned_by_buyer:
        raise BusinessError(*_NOT_THE_BUYERS_ORDER)
    return order


def _find_refund(state: State, refund_id: str) -> Refund:
    if not _REFUND_ID.fullmatch(refund_id):
        raise BusinessError("4008", "退款单编号错误")
    refund = state.order_store.find_refund(refund_id)
    if refund is None:
        raise BusinessError("4005", "退款单不存在")
    if not refund.order.flags.owned_by_buyer:
        raise BusinessError("4006", "没有权限操作该退款单")
    return refund


def _parse_return_shipment(state: State, arguments: Arguments) -> ReturnShipment:
    carrier_code, waybill = (
        (arguments.string(name) or "").strip() for name in ("logisticsCompanyNo", "freightBill")
    )
    if not carrier_code or not waybill:
        raise BusinessError("4002", "物流公司编号和运单号不能为空")
    vouchers = arguments.strings("vouchers")
    if len(vouchers) > MAX_RETURN_VOUCHERS:
        raise BusinessError("4003", "凭证数量超过限制")
    if not all(address in state.vouchers for address in vouchers):
        raise BusinessError("4003", "凭证地址不合法")
    if not _CARRIER_CODE.fullmatch(carrier_code) or not _WAYBILL.fullmatch(waybill):
        raise BusinessError("4004", "物流公司编号和运单号校验不通过")
    description = arguments.string("description") or None
    if (
        description
        and not MIN_RETURN_DESCRIPTION_CHARACTERS <= len(description) <= MAX_RETURN_DESCRIPTION_CHARACTERS
    ):
        raise InvalidArgument("description: must have 2 to 200 characters")
    return ReturnShipment(
        logistics_company_no=carrier_code,
        freight_bill=waybill,
        description=description,
        vouchers=tuple(vouchers),
    )


def _parse_goods_status(arguments: Arguments, error_message: str) -> GoodsStatus:
    text = arguments.string("goodsStatus") or ""
    if text not in list(GoodsStatus):
        raise BusinessError("5003", error_message)
    return GoodsStatus(text)


def _serialize_reason(reason: RefundReason) -> dict[str, Any]:
    return {
        "id": reason.reason_id,
        "name": reason.name,
        "needVoucher": reason.needs_voucher,
        "noRefundCarriage": not reason.refunds_shipping_fee,
        "tip": reason.tip,
    }
