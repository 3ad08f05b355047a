"""A buyer's request for a refund, and the rules for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto

from services.sandbox.trade.orders import Order, OrderStatus
from services.sandbox.trade.refunds.refund import DisputeRequest, GoodsStatus, Refund
from services.sandbox.trade.refunds.refund_reasons import (
    REFUND_REASONS,
    RefundReason,
    find_refund_reason,
)

MAX_VOUCHERS = 5
MIN_DESCRIPTION_CHARACTERS, MAX_DESCRIPTION_CHARACTERS = 2, 150


class RejectionReason(StrEnum):
    """Which rule a request violates. REASON: the buyer's reason for the refund is not valid."""

    ENTRIES = auto()
    STATE = auto()
    REASON = auto()
    VOUCHER = auto()
    TOO_MANY_VOUCHERS = auto()
    SHIPPING_FEE = auto()
    AMOUNT = auto()
    DESCRIPTION = auto()
    COUNT = auto()


class RefundRequestRejected(Exception):
    """A request violates a rule."""

    def __init__(self, reason: RejectionReason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """What the buyer asks for."""

    entry_ids: tuple[int, ...]
    dispute_request: DisputeRequest
    goods_status: GoodsStatus
    payment_fen: int
    shipping_fee_fen: int
    reason_id: int
    description: str
    vouchers: tuple[str, ...] = ()
    counts: tuple[tuple[int, int], ...] = ()
    """(entry id, number of pieces that are returned); only if the goods status is RECEIVED."""
    remark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedOrderState:
    """The state that an order and the requested entries must have for a goods status."""

    statuses: frozenset[OrderStatus]
    shipped: bool
    """True: all requested entries must be shipped; False: all must be unshipped."""


def _order_state(*statuses: OrderStatus, shipped: bool = True) -> AllowedOrderState:
    return AllowedOrderState(statuses=frozenset(statuses), shipped=shipped)


ORDER_STATES: Mapping[GoodsStatus, AllowedOrderState] = {
    GoodsStatus.WAIT_SELLER_SEND: _order_state(OrderStatus.WAIT_SELLER_SEND, shipped=False),
    # An order that is partly shipped still waits for the seller.
    GoodsStatus.WAIT_BUYER_RECEIVE: _order_state(
        OrderStatus.WAIT_SELLER_SEND, OrderStatus.WAIT_BUYER_RECEIVE
    ),
    GoodsStatus.RECEIVED: _order_state(OrderStatus.RECEIVED),
    GoodsStatus.AFTER_SALE_NOT_RECEIVED: _order_state(OrderStatus.SUCCESS),
    GoodsStatus.AFTER_SALE_RECEIVED: _order_state(OrderStatus.SUCCESS),
}
RETURNABLE = frozenset({GoodsStatus.RECEIVED, GoodsStatus.AFTER_SALE_RECEIVED})
"""The goods statuses with which the buyer can return the goods."""


def matches_goods_status(order: Order, entry_ids: tuple[int, ...], goods_status: GoodsStatus) -> bool:
    """Return whether the state of the order fits the goods status in a request for these entries."""
    allowed = ORDER_STATES[goods_status]
    return order.status in allowed.statuses and all(
        (entry_id in order.shipped) is allowed.shipped for entry_id in entry_ids
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _RuleInput:
    """The input of the rules."""

    order: Order
    request: RefundRequest
    open_refunds: Sequence[Refund]
    """The order's other refunds whose status can still change."""

    @property
    def reason(self) -> RefundReason | None:
        return find_refund_reason(self.request.goods_status, self.request.reason_id)


def _are_entries_valid(rule_input: _RuleInput) -> bool:
    ids = rule_input.request.entry_ids
    return bool(ids) and len(set(ids)) == len(ids) and set(ids) <= set(rule_input.order.entry_ids)


def _is_state_valid(rule_input: _RuleInput) -> bool:
    order, request = rule_input.order, rule_input.request
    entry_ids = set(request.entry_ids)
    return (
        matches_goods_status(order, request.entry_ids, request.goods_status)
        and entry_ids <= set(order.remaining_entry_ids)
        and all(entry_ids.isdisjoint(refund.entry_ids) for refund in rule_input.open_refunds)
        and (request.dispute_request is DisputeRequest.REFUND or request.goods_status in RETURNABLE)
    )


def _is_reason_valid(rule_input: _RuleInput) -> bool:
    return rule_input.reason is not None


def _has_needed_voucher(rule_input: _RuleInput) -> bool:
    reason = rule_input.reason
    return reason is None or not reason.needs_voucher or bool(rule_input.request.vouchers)


def _is_voucher_count_valid(rule_input: _RuleInput) -> bool:
    return len(rule_input.request.vouchers) <= MAX_VOUCHERS


def _is_shipping_fee_valid(rule_input: _RuleInput) -> bool:
    reason = rule_input.reason
    return reason is None or reason.refunds_shipping_fee or rule_input.request.shipping_fee_fen == 0


def _is_amount_valid(rule_input: _RuleInput) -> bool:
    order, request = rule_input.order, rule_input.request
    remaining_fen = order.remaining_fen(request.entry_ids)
    must_be_full_amount = request.goods_status is GoodsStatus.WAIT_SELLER_SEND
    requested_shipping_fee_fen = sum(refund.apply_shipping_fee_fen for refund in rule_input.open_refunds)
    remaining_shipping_fee_fen = (
        order.shipping_fee_fen - order.refunded_shipping_fee_fen - requested_shipping_fee_fen
    )
    return (
        (
            request.payment_fen == remaining_fen
            if must_be_full_amount
            else 0 <= request.payment_fen <= remaining_fen
        )
        and 0 <= request.shipping_fee_fen <= remaining_shipping_fee_fen
        and request.payment_fen + request.shipping_fee_fen > 0
    )


def _is_description_valid(rule_input: _RuleInput) -> bool:
    length = len(rule_input.request.description)
    return MIN_DESCRIPTION_CHARACTERS <= length <= MAX_DESCRIPTION_CHARACTERS


def _are_counts_valid(rule_input: _RuleInput) -> bool:
    request = rule_input.request
    if not request.counts:
        return True
    if (request.dispute_request, request.goods_status) != (
        DisputeRequest.RETURN_REFUND,
        GoodsStatus.RECEIVED,
    ):
        return False
    quantities = {
        entry.entry_id: entry.quantity for entry in rule_input.order.select_entries(request.entry_ids)
    }
    ids = [entry_id for entry_id, _ in request.counts]
    return len(set(ids)) == len(ids) and all(
        1 <= count <= quantities.get(entry_id, 0) for entry_id, count in request.counts
    )


# The sequence matters: a rule may rely on the rules before it.
RULES: tuple[tuple[RejectionReason, Callable[[_RuleInput], bool]], ...] = (
    (RejectionReason.ENTRIES, _are_entries_valid),
    (RejectionReason.STATE, _is_state_valid),
    (RejectionReason.REASON, _is_reason_valid),
    (RejectionReason.VOUCHER, _has_needed_voucher),
    (RejectionReason.TOO_MANY_VOUCHERS, _is_voucher_count_valid),
    (RejectionReason.SHIPPING_FEE, _is_shipping_fee_valid),
    (RejectionReason.AMOUNT, _is_amount_valid),
    (RejectionReason.DESCRIPTION, _is_description_valid),
    (RejectionReason.COUNT, _are_counts_valid),
)


def check_refund_request(order: Order, request: RefundRequest, open_refunds: Sequence[Refund]) -> None:
    """Raise RefundRequestRejected for the first rule that a request violates.

    `open_refunds` are the order's refunds whose status can still change.
    """
    rule_input = _RuleInput(order=order, request=request, open_refunds=open_refunds)
    for reason, is_met in RULES:
        if not is_met(rule_input):
            raise RefundRequestRejected(reason)


def build_refund_request(
    order: Order,
    open_refunds: Sequence[Refund],
    dispute_request: DisputeRequest,
    entry_ids: tuple[int, ...] | None = None,
) -> RefundRequest | None:
    """Return a valid request for all that is left of some entries, without vouchers; None if there is none.

    `entry_ids` None: all that can be refunded together.
    """
    if entry_ids is None:
        requested = {entry_id for refund in open_refunds for entry_id in refund.entry_ids}
        free = [entry_id for entry_id in order.remaining_entry_ids if entry_id not in requested]
        # Shipped and unshipped entries need requests of their own.
        entry_ids = tuple(
            entry_id for entry_id in free if (entry_id in order.shipped) is (free[0] in order.shipped)
        )
    for goods_status, reasons in REFUND_REASONS.items():
        reason = next(reason for reason in reasons if not reason.needs_voucher)
        request = RefundRequest(
            entry_ids=entry_ids,
            dispute_request=dispute_request,
            goods_status=goods_status,
            payment_fen=order.remaining_fen(entry_ids),
            shipping_fee_fen=0,
            reason_id=reason.reason_id,
            description=reason.name,
        )
        try:
            check_refund_request(order, request, open_refunds)
        except RefundRequestRejected:
            continue
        return request
    return None


def allocate_payment_fen(order: Order, request: RefundRequest) -> dict[int, int]:
    """Distribute the requested amount over the requested entries, one after the other.

    Each gets at most the part of its price that was not refunded before.
    """
    payments_fen, rest_fen = {}, request.payment_fen
    for entry_id in request.entry_ids:
        payments_fen[entry_id] = min(rest_fen, order.remaining_fen([entry_id]))
        rest_fen -= payments_fen[entry_id]
    return payments_fen
