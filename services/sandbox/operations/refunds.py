"""The operations that get a buyer's money back."""

import re
from collections.abc import Mapping
from typing import Any

from services.sandbox.http import envelopes
from services.sandbox.http.envelopes import BadArgument, Refused
from services.sandbox.http.operation import Arguments, Operation
from services.sandbox.operations.registry import trade_operation
from services.sandbox.operations.schemas.refund_request import application_of
from services.sandbox.state import State
from services.sandbox.trade.order_state_machine import WrongStep
from services.sandbox.trade.orders import Order
from services.sandbox.trade.refunds.refund import GoodsStatus, Refund, Return
from services.sandbox.trade.refunds.refund_reasons import REASONS, Reason, find_reason
from services.sandbox.trade.refunds.refund_request import ApplicationRefused, Problem, goods_are_there
from services.sandbox.trade.refunds.vouchers import DOMAIN

MAX_RETURN_VOUCHERS = 10
RETURN_DESCRIPTION_CHARACTERS = range(2, 201)
_REFUND_ID = re.compile(r"TQ\d{10,20}")
# Only the code ZTO is known, and no waybill rule of any carrier.
_COMPANY = re.compile(r"[A-Za-z0-9_]{2,32}")
_WAYBILL = re.compile(r"[A-Za-z0-9]{8,32}")

_NO_ORDER = ("5001", "订单不存在")
_NOT_THE_BUYERS = ("5002", "订单买家与用户身份不一致")
_OTHER = ("5100", "其他未知错误")
_NO_PROOF = ("5005", "需要上传凭证")
PROBLEMS: Mapping[Problem, tuple[str, str]] = {
    # The order has no such sub-order; no code is about that alone.
    Problem.ENTRIES: _OTHER,
    Problem.STATE: ("5010", "退货状态错误"),
    Problem.REASON: ("5004", "退款退货原因错误，请确认原因id"),
    Problem.VOUCHER: _NO_PROOF,
    Problem.TOO_MANY_VOUCHERS: _OTHER,
    Problem.CARRIAGE: ("5006", "退运费大于0"),
    Problem.AMOUNT: ("5011", "退款金额错误"),
    Problem.DESCRIPTION: ("5012", "退款描述长度错误"),
    Problem.COUNT: ("5013", "子订单退货数量"),
}
"""Code and text for each thing that can be wrong with an application."""


class RefundOperations:
    """Handlers over the order book, and their rows for the table of operations."""

    def __init__(self, state: State) -> None:
        self._state = state

    def table(self) -> tuple[Operation, ...]:
        """Every operation on refunds."""
        return (
            trade_operation(
                "alibaba.trade.getRefundReasonList",
                self.reasons,
                envelopes.NESTED_NULLS,
                required=("orderId", "orderEntryIds", "goodsStatus"),
                bad_argument=_OTHER,
            ),
            trade_operation("alibaba.trade.uploadRefundVoucher", self.upload_voucher, envelopes.NESTED_NULLS),
            trade_operation(
                "alibaba.trade.createRefund",
                self.create_refund,
                envelopes.NESTED_NULLS,
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
                bad_argument=_OTHER,
            ),
            trade_operation(
                "alibaba.trade.refund.returnGoods",
                self.return_goods,
                envelopes.NESTED_ERROR,
                required=("refundId", "logisticsCompanyNo", "freightBill"),
            ),
        )

    async def reasons(self, arguments: Arguments) -> Any:
        """The reasons that fit where the goods are. Its codes are those of createRefund."""
        order = self._own_order(arguments)
        goods_status = _goods_status(arguments, "货物状态不合法")
        entry_ids = tuple(arguments.longs("orderEntryIds"))
        if not entry_ids or not set(entry_ids) <= set(order.entry_ids):
            raise Refused(*PROBLEMS[Problem.ENTRIES])
        if not goods_are_there(order, entry_ids, goods_status):
            raise Refused("5003", "货物状态不合法")
        return {"reasons": [_reason_row(reason) for reason in REASONS[goods_status]]}

    async def upload_voucher(self, arguments: Arguments) -> Any:
        """Where an uploaded voucher can be seen."""
        file = arguments.files.get("imageData")
        path = self._state.vouchers.keep(file.content) if file else None
        if path is None:
            raise Refused("4000", "imageData参数错误")
        return {"imageDomain": DOMAIN, "imageRelativeUrl": path}

    async def create_refund(self, arguments: Arguments) -> Any:
        """A new refund."""
        order = self._own_order(arguments)
        goods_status = _goods_status(arguments, "货物状态状态不合法")
        asked = application_of(arguments, goods_status)
        if not all(address in self._state.vouchers for address in asked.vouchers):
            raise Refused(*_NO_PROOF)
        try:
            refund = self._state.book.apply(order, asked)
        except ApplicationRefused as refused:
            raise Refused(*PROBLEMS[refused.problem]) from refused
        reason = find_reason(goods_status, asked.reason_id)
        return {
            "refundId": refund.refund_id,
            "innerReasonId": asked.reason_id,
            "innerReason": reason and reason.name,
            # The platform's own rules for carriage, which customRefund turns off, are not known.
            "innerPostFee": asked.carriage_fen,
            "isVoucher": "1" if reason and reason.needs_voucher else "0",
            # What the platform pays itself, by rules of its own.
            "refundOfficialSolutionCost": 0,
        }

    async def return_goods(self, arguments: Arguments) -> Any:
        """True: the goods are on their way back. The texts are translations: only 4004 has a known one."""
        refund = self._own_refund(arguments.text("refundId") or "")
        parcel = self._parcel(arguments)
        try:
            self._state.book.send_back(refund, parcel)
        except WrongStep as wrong:
            raise Refused("4007", "退款单状态不允许退货") from wrong
        return True

    def _own_order(self, arguments: Arguments) -> Order:
        order = self._state.book.find(arguments.integer("orderId") or 0)
        if order is None:
            raise Refused(*_NO_ORDER)
        if not order.traits.own:
            raise Refused(*_NOT_THE_BUYERS)
        return order

    def _own_refund(self, refund_id: str) -> Refund:
        if not _REFUND_ID.fullmatch(refund_id):
            raise Refused("4008", "退款单编号错误")
        refund = self._state.book.find_refund(refund_id)
        if refund is None:
            raise Refused("4005", "退款单不存在")
        if not refund.order.traits.own:
            raise Refused("4006", "没有权限操作该退款单")
        return refund

    def _parcel(self, arguments: Arguments) -> Return:
        company, waybill = (
            (arguments.text(name) or "").strip() for name in ("logisticsCompanyNo", "freightBill")
        )
        if not company or not waybill:
            raise Refused("4002", "物流公司编号和运单号不能为空")
        vouchers = arguments.texts("vouchers")
        if len(vouchers) > MAX_RETURN_VOUCHERS:
            raise Refused("4003", "凭证数量超过限制")
        if not all(address in self._state.vouchers for address in vouchers):
            raise Refused("4003", "凭证地址不合法")
        if not _COMPANY.fullmatch(company) or not _WAYBILL.fullmatch(waybill):
            raise Refused("4004", "物流公司编号和运单号校验不通过")
        description = arguments.text("description") or None
        if description and len(description) not in RETURN_DESCRIPTION_CHARACTERS:
            raise BadArgument("description: 2 to 200 characters are needed")
        return Return(
            logistics_company_no=company,
            freight_bill=waybill,
            description=description,
            vouchers=tuple(vouchers),
        )


def _reason_row(reason: Reason) -> dict[str, Any]:
    return {
        "id": reason.reason_id,
        "name": reason.name,
        "needVoucher": reason.needs_voucher,
        "noRefundCarriage": not reason.refunds_carriage,
        "tip": reason.tip,
    }


def _goods_status(arguments: Arguments, message: str) -> GoodsStatus:
    word = arguments.text("goodsStatus") or ""
    if word not in list(GoodsStatus):
        raise Refused("5003", message)
    return GoodsStatus(word)
