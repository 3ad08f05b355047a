"""The steps that a refund can take, and from where."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.sandbox.trade.order_events import Fact
from services.sandbox.trade.order_state_machine import WrongStep, settle
from services.sandbox.trade.refunds.refund import AFTER_SALE, DisputeRequest, Refund, RefundStatus

APPLIED = "BUYER_APPLY_REFUND"
"""The refundAction that a refund begins with."""


class RefundStep(StrEnum):
    """What buyer and seller do with a refund."""

    AGREE = "agree"
    REFUSE = "refuse"
    SEND = "send"
    """The buyer sends the goods back."""
    RECEIVE = "receive"
    CLOSE = "close"
    OUTRUN_BY_SHIPMENT = "outrun by shipment"
    """The seller ships what the buyer wanted no more."""
    OUTRUN_BY_RECEIPT = "outrun by receipt"
    """The buyer confirms what he said had not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundTransition:
    """One step."""

    before: frozenset[RefundStatus]
    after: RefundStatus
    action: str
    """The refundAction, in the platform's spelling."""


_ASKED = frozenset({RefundStatus.WAIT_SELLER_AGREE})
_UNSENT = _ASKED | {RefundStatus.WAIT_BUYER_MODIFY, RefundStatus.WAIT_BUYER_SEND}
_MONEY, _RETURN = DisputeRequest.REFUND, DisputeRequest.RETURN_REFUND


def _closing(action: str) -> RefundTransition:
    return RefundTransition(before=_UNSENT, after=RefundStatus.CLOSED, action=action)


_REFUSED = RefundTransition(
    before=_ASKED, after=RefundStatus.WAIT_BUYER_MODIFY, action="SELLER_REJECT_REFUND"
)
_OF_BOTH: Mapping[RefundStep, RefundTransition] = {
    RefundStep.REFUSE: _REFUSED,
    RefundStep.CLOSE: _closing("BUYER_CANCEL_REFUND_CLOSE"),
    RefundStep.OUTRUN_BY_SHIPMENT: _closing("SELLER_SEND_GOODS_CLOSE"),
    RefundStep.OUTRUN_BY_RECEIPT: _closing("BUYER_RECEIVE_CLOSE"),
}

TRANSITIONS: Mapping[DisputeRequest, Mapping[RefundStep, RefundTransition]] = {
    _MONEY: {
        **_OF_BOTH,
        RefundStep.AGREE: RefundTransition(
            before=_ASKED, after=RefundStatus.SUCCESS, action="SELLER_AGREE_REFUND"
        ),
    },
    _RETURN: {
        **_OF_BOTH,
        RefundStep.AGREE: RefundTransition(
            before=_ASKED, after=RefundStatus.WAIT_BUYER_SEND, action="SELLER_AGREE_REFUND_PROCOTOL"
        ),
        RefundStep.SEND: RefundTransition(
            before=frozenset({RefundStatus.WAIT_BUYER_SEND}),
            after=RefundStatus.WAIT_SELLER_RECEIVE,
            action="BUYER_SEND_GOODS",
        ),
        RefundStep.RECEIVE: RefundTransition(
            before=frozenset({RefundStatus.WAIT_SELLER_RECEIVE}),
            after=RefundStatus.SUCCESS,
            action="SELLER_RECEIVE_GOODS",
        ),
    },
}


def take_refund_step(refund: Refund, step: RefundStep) -> None:
    """Takes a step. Raises WrongStep, and changes nothing then."""
    transition = TRANSITIONS[refund.dispute_request].get(step)
    if transition is None or refund.status not in transition.before:
        raise WrongStep(f"{step}: the {refund.dispute_request} is {refund.status}")
    refund.status = transition.after
    note(refund, transition.action)
    if refund.status is RefundStatus.SUCCESS:
        refund.order.refunded_fen.update(refund.shares_fen)
        refund.order.refunded_carriage_fen += refund.apply_carriage_fen
        settle(refund.order)


def note(refund: Refund, action: str) -> None:
    """Notes in the order what happened to the refund, with its status as it is now."""
    refund.order.record(
        Fact(
            order_id=refund.order.order_id,
            entry_ids=refund.entry_ids,
            happened=action,
            status=refund.status,
            refund_id=refund.refund_id,
            after_sale=refund.goods_status in AFTER_SALE,
        )
    )
