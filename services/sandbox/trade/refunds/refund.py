"""A refund: the buyer's request and its status."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.sandbox.trade.orders import Order


class RefundStatus(StrEnum):
    """The documented statuses of a refund."""

    WAIT_SELLER_AGREE = "waitselleragree"
    WAIT_BUYER_MODIFY = "waitbuyermodify"
    WAIT_BUYER_SEND = "waitbuyersend"
    WAIT_SELLER_RECEIVE = "waitsellerreceive"
    SUCCESS = "refundsuccess"
    CLOSED = "refundclose"


FINAL_STATUSES = frozenset({RefundStatus.SUCCESS, RefundStatus.CLOSED})


class DisputeRequest(StrEnum):
    """What the buyer asks for: the money only, or the money for goods sent back."""

    REFUND = "refund"
    RETURN_REFUND = "returnRefund"


class GoodsStatus(StrEnum):
    """The goods status in the buyer's request: whether the goods are shipped or received."""

    WAIT_SELLER_SEND = "refundWaitSellerSend"
    WAIT_BUYER_RECEIVE = "refundWaitBuyerReceive"
    RECEIVED = "refundBuyerReceived"
    AFTER_SALE_NOT_RECEIVED = "aftersaleBuyerNotReceived"
    AFTER_SALE_RECEIVED = "aftersaleBuyerReceived"


AFTER_SALE = frozenset({GoodsStatus.AFTER_SALE_NOT_RECEIVED, GoodsStatus.AFTER_SALE_RECEIVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnShipment:
    """The shipment of the goods back to the seller."""

    logistics_company_no: str
    freight_bill: str
    description: str | None
    vouchers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOperation:
    """One step of a refund."""

    action: str
    """The refundAction, as 1688 spells it."""
    status_before: RefundStatus | None
    """None for the request itself."""
    occurred_ms: int


@dataclass(slots=True, kw_only=True, eq=False)
class Refund:
    """One refund. Only `refund_state_machine` changes its status."""

    refund_id: str
    order: Order
    payments_fen: Mapping[int, int]
    """By entry id: the amount to refund of its price."""
    apply_shipping_fee_fen: int
    reason_id: int
    description: str
    dispute_request: DisputeRequest
    goods_status: GoodsStatus
    vouchers: tuple[str, ...]
    counts: Mapping[int, int]
    """By entry id: the number of pieces that are returned, if the request has it."""
    remark: str | None
    created_ms: int
    status: RefundStatus = RefundStatus.WAIT_SELLER_AGREE
    return_shipment: ReturnShipment | None = None
    operations: list[RefundOperation] = field(default_factory=list)
    """The steps so far, the oldest first."""

    @property
    def entry_ids(self) -> tuple[int, ...]:
        """The ids of the entries to refund."""
        return tuple(self.payments_fen)

    @property
    def apply_payment_fen(self) -> int:
        """The amount to refund, without the shipping fee."""
        return sum(self.payments_fen.values())

    @property
    def is_after_sale(self) -> bool:
        """Whether it was requested after the order had succeeded."""
        return self.goods_status in AFTER_SALE

    @property
    def modified_ms(self) -> int:
        """When its status changed for the last time."""
        return self.operations[-1].occurred_ms if self.operations else self.created_ms

    @property
    def is_open(self) -> bool:
        """Whether its status can still change."""
        return self.status not in FINAL_STATUSES
