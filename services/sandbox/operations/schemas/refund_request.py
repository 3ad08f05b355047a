"""Reads what a buyer writes to get his money back."""

from typing import Any

from services.sandbox.http.envelopes import BadArgument
from services.sandbox.http.operation import Arguments
from services.sandbox.trade.refunds.refund import DisputeRequest, GoodsStatus
from services.sandbox.trade.refunds.refund_request import Application


def application_of(arguments: Arguments, goods_status: GoodsStatus) -> Application:
    """What a buyer asks for. Raises BadArgument."""
    dispute_request = arguments.text("disputeRequest")
    if dispute_request not in list(DisputeRequest):
        raise BadArgument("disputeRequest: refund or returnRefund is needed")
    if arguments.text("customRefund") not in (None, "true", "false"):
        raise BadArgument("customRefund: true or false is needed")
    return Application(
        entry_ids=tuple(arguments.longs("orderEntryIds")),
        dispute_request=DisputeRequest(dispute_request),
        goods_status=goods_status,
        payment_fen=_needed(arguments, "applyPayment"),
        carriage_fen=_needed(arguments, "applyCarriage"),
        reason_id=_needed(arguments, "applyReasonId"),
        description=arguments.text("description") or "",
        vouchers=tuple(arguments.texts("vouchers")),
        counts=tuple(map(_count, arguments.items("orderEntryCountList"))),
        remark=arguments.text("refundRemark"),
    )


def _needed(arguments: Arguments, name: str) -> int:
    number = arguments.integer(name)
    if number is None:
        raise BadArgument(f"{name}: a number is needed")
    return number


def _count(row: Any) -> tuple[int, int]:
    if not isinstance(row, dict) or set(row) != {"id", "count"}:
        raise BadArgument("orderEntryCountList: id and count are needed")
    entry_id, count = row["id"], row["count"]
    if type(entry_id) is not int or type(count) is not int:
        raise BadArgument("orderEntryCountList: numbers are needed")
    return entry_id, count
