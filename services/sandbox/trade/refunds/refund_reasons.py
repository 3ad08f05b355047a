"""The reasons for refunds."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.sandbox.trade.refunds.refund import GoodsStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReason:
    """One reason with its consequences."""

    reason_id: int
    name: str
    needs_voucher: bool = False
    refunds_shipping_fee: bool = True
    tip: str | None = None


_UNWANTED = RefundReason(reason_id=20006, name="不想买了/等不及/拍错", refunds_shipping_fee=False)
_OUT_OF_STOCK = RefundReason(reason_id=20002, name="卖家缺货")
_LATE = RefundReason(reason_id=20004, name="未按约定时间发货", needs_voucher=True, tip="请上传聊天记录")
_DIFFERENT = RefundReason(reason_id=20021, name="颜色/图案/款式不符", needs_voucher=True)
_SENT_BACK = RefundReason(reason_id=20028, name="不想买了", refunds_shipping_fee=False)

# Ids and names are examples from docs/upstream. Which reasons 1688 offers for which goods status is assumed.
REFUND_REASONS: Mapping[GoodsStatus, tuple[RefundReason, ...]] = {
    GoodsStatus.WAIT_SELLER_SEND: (_UNWANTED, _OUT_OF_STOCK, _LATE),
    GoodsStatus.WAIT_BUYER_RECEIVE: (_UNWANTED, _LATE),
    GoodsStatus.RECEIVED: (_DIFFERENT, _SENT_BACK),
    GoodsStatus.AFTER_SALE_NOT_RECEIVED: (_UNWANTED, _LATE),
    GoodsStatus.AFTER_SALE_RECEIVED: (_DIFFERENT, _SENT_BACK),
}


def find_refund_reason(goods_status: GoodsStatus, reason_id: int) -> RefundReason | None:
    """Return the reason with this id, if it is offered for this goods status."""
    return next((reason for reason in REFUND_REASONS[goods_status] if reason.reason_id == reason_id), None)
