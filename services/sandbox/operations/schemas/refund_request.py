"""Parses the arguments of a refund request."""

from typing import Any

from services.sandbox.http.arguments import Arguments
from services.sandbox.http.envelopes import InvalidArgument
from services.sandbox.trade.refunds.refund import DisputeRequest, GoodsStatus
from services.sandbox.trade.refunds.refund_request import RefundRequest


def parse_refund_request(arguments: Arguments, goods_status: GoodsStatus) -> RefundRequest:
    """Return the refund request of a buyer. Raises InvalidArgument."""
    dispute_request = arguments.string("disputeRequest")
    if dispute_request not in list(DisputeRequest):
        raise InvalidArgument("disputeRequest: must be refund or returnRefund")
    if arguments.string("customRefund") not in (None, "true", "false"):
        raise InvalidArgument("customRefund: must be true or false")
    return RefundRequest(
        entry_ids=tuple(arguments.integers("orderEntryIds")),
        dispute_request=DisputeRequest(dispute_request),
        goods_status=goods_status,
        payment_fen=_require_integer(arguments, "applyPayment"),
        shipping_fee_fen=_require_integer(arguments, "applyCarriage"),
        reason_id=_require_integer(arguments, "applyReasonId"),
        description=arguments.string("description") or "",
        vouchers=tuple(arguments.strings("vouchers")),
        counts=parse_entry_counts(arguments, "orderEntryCountList"),
        remark=arguments.string("refundRemark"),
    )


def parse_entry_counts(arguments: Arguments, name: str) -> tuple[tuple[int, int], ...]:
    """Return pairs of an entry id and a number of pieces. Raises InvalidArgument."""
    return tuple(_parse_count(name, row) for row in arguments.array(name))


def _require_integer(arguments: Arguments, name: str) -> int:
    number = arguments.integer(name)
    if number is None:
        raise InvalidArgument(f"{name}: must be a number")
    return number


def _parse_count(name: str, row: Any) -> tuple[int, int]:
    if not isinstance(row, dict) or set(row) != {"id", "count"}:
        raise InvalidArgument(f"{name}: must have id and count")
    entry_id, count = row["id"], row["count"]
    if type(entry_id) is not int or type(count) is not int:
        raise InvalidArgument(f"{name}: id and count must be numbers")
    return entry_id, count
