"""The transitions of a refund."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.sandbox.trade.order_events import OrderEvent
from services.sandbox.trade.order_state_machine import InvalidTransition, update_after_refund
from services.sandbox.trade.refunds.refund import DisputeRequest, Refund, RefundOperation, RefundStatus

REFUND_REQUESTED = "BUYER_APPLY_REFUND"
"""The refundAction of a new refund."""
REFUND_REJECTED = "SELLER_REJECT_REFUND"
"""The refundAction of a refund that the seller rejects."""


class RefundTransition(StrEnum):
    """The transitions that buyer and seller can make, or that follow from transitions of the order."""

    AGREE = "agree"
    REJECT = "reject"
    SEND = "send"
    """The buyer sends the goods back."""
    RECEIVE = "receive"
    CLOSE = "close"
    """The buyer closes the refund."""
    CLOSE_BY_SHIPMENT = "close by shipment"
    """The seller ships the goods although the buyer asked for a refund."""
    CLOSE_BY_RECEIPT = "close by receipt"
    """The buyer confirms the receipt of goods that were reported missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundTransitionRule:
    """One transition."""

    before: frozenset[RefundStatus]
    after: RefundStatus
    refund_action: str
    """As 1688 spells it."""


_REQUESTED = frozenset({RefundStatus.WAIT_SELLER_AGREE})
_NOT_SENT_BACK = _REQUESTED | {RefundStatus.WAIT_BUYER_MODIFY, RefundStatus.WAIT_BUYER_SEND}


def _close(refund_action: str) -> RefundTransitionRule:
    return RefundTransitionRule(before=_NOT_SENT_BACK, after=RefundStatus.CLOSED, refund_action=refund_action)


_COMMON_RULES: Mapping[RefundTransition, RefundTransitionRule] = {
    RefundTransition.REJECT: RefundTransitionRule(
        before=_REQUESTED, after=RefundStatus.WAIT_BUYER_MODIFY, refund_action=REFUND_REJECTED
    ),
    RefundTransition.CLOSE: _close("BUYER_CANCEL_REFUND_CLOSE"),
    RefundTransition.CLOSE_BY_SHIPMENT: _close("SELLER_SEND_GOODS_CLOSE"),
    RefundTransition.CLOSE_BY_RECEIPT: _close("BUYER_RECEIVE_CLOSE"),
}

RULES: Mapping[DisputeRequest, Mapping[RefundTransition, RefundTransitionRule]] = {
    DisputeRequest.REFUND: {
        **_COMMON_RULES,
        RefundTransition.AGREE: RefundTransitionRule(
            before=_REQUESTED, after=RefundStatus.SUCCESS, refund_action="SELLER_AGREE_REFUND"
        ),
    },
    DisputeRequest.RETURN_REFUND: {
        **_COMMON_RULES,
        RefundTransition.AGREE: RefundTransitionRule(
            before=_REQUESTED,
            after=RefundStatus.WAIT_BUYER_SEND,
            refund_action="SELLER_AGREE_REFUND_PROCOTOL",
        ),
        RefundTransition.SEND: RefundTransitionRule(
            before=frozenset({RefundStatus.WAIT_BUYER_SEND}),
            after=RefundStatus.WAIT_SELLER_RECEIVE,
            refund_action="BUYER_SEND_GOODS",
        ),
        RefundTransition.RECEIVE: RefundTransitionRule(
            before=frozenset({RefundStatus.WAIT_SELLER_RECEIVE}),
            after=RefundStatus.SUCCESS,
            refund_action="SELLER_RECEIVE_GOODS",
        ),
    },
}


def transition_refund(refund: Refund, transition: RefundTransition) -> None:
    """Make a transition. Raises InvalidTransition, and then changes nothing."""
    rule = RULES[refund.dispute_request].get(transition)
    if rule is None or refund.status not in rule.before:
        raise InvalidTransition(f"{transition}: the refund ({refund.dispute_request}) is {refund.status}")
    status_before, refund.status = refund.status, rule.after
    add_refund_event(refund, rule.refund_action, status_before)
    if refund.status is RefundStatus.SUCCESS:
        refund.order.refunded_fen.update(refund.payments_fen)
        refund.order.refunded_shipping_fee_fen += refund.apply_shipping_fee_fen
        update_after_refund(refund.order)


def list_refund_transitions(refund: Refund) -> list[RefundTransition]:
    """Return the transitions that the status of a refund allows."""
    rules = RULES[refund.dispute_request]
    return [each for each in RefundTransition if each in rules and refund.status in rules[each].before]


def add_refund_event(refund: Refund, refund_action: str, status_before: RefundStatus | None = None) -> None:
    """Add a step of the refund, and an event with its current status to the events of the order."""
    refund.operations.append(
        RefundOperation(action=refund_action, status_before=status_before, occurred_ms=refund.order.now_ms())
    )
    refund.order.record(
        OrderEvent(
            order_id=refund.order.order_id,
            entry_ids=refund.entry_ids,
            event=refund_action,
            status=refund.status,
            refund_id=refund.refund_id,
            after_sale=refund.is_after_sale,
        )
    )
