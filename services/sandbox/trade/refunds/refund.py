"""A refund: what the buyer asks for, and where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.sandbox.trade.orders import Order


class RefundStatus(StrEnum):
    """The platform's documented words."""

    WAIT_SELLER_AGREE = "waitselleragree"
    WAIT_BUYER_MODIFY = "waitbuyermodify"
    WAIT_BUYER_SEND = "waitbuyersend"
    WAIT_SELLER_RECEIVE = "waitsellerreceive"
    SUCCESS = "refundsuccess"
    CLOSED = "refundclose"


ENDED = frozenset({RefundStatus.SUCCESS, RefundStatus.CLOSED})


class DisputeRequest(StrEnum):
    """What the buyer wants."""

    REFUND = "refund"
    RETURN_REFUND = "returnRefund"


class GoodsStatus(StrEnum):
    """Where the goods are, as the buyer tells it."""

    WAIT_SELLER_SEND = "refundWaitSellerSend"
    WAIT_BUYER_RECEIVE = "refundWaitBuyerReceive"
    RECEIVED = "refundBuyerReceived"
    AFTER_SALE_NOT_RECEIVED = "aftersaleBuyerNotReceived"
    AFTER_SALE_RECEIVED = "aftersaleBuyerReceived"


AFTER_SALE = frozenset({GoodsStatus.AFTER_SALE_NOT_RECEIVED, GoodsStatus.AFTER_SALE_RECEIVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """The parcel that goes back to the seller."""

    logistics_company_no: str
    freight_bill: str
    description: str | None
    vouchers: tuple[str, ...]


@dataclass(slots=True, kw_only=True, eq=False)
class Refund:
    """One refund. Its status is changed by `refund_life` alone."""

    refund_id: str
    order: Order
    shares_fen: Mapping[int, int]
    """By entry id: what is asked back of each entry's price."""
    apply_carriage_fen: int
    reason_id: int
    description: str
    dispute_request: DisputeRequest
    goods_status: GoodsStatus
    vouchers: tuple[str, ...]
    counts: Mapping[int, int]
    """By entry id: the pieces that go back, where the buyer told."""
    remark: str | None
    status: RefundStatus = RefundStatus.WAIT_SELLER_AGREE
    returned: Return | None = None

    @property
    def entry_ids(self) -> tuple[int, ...]:
        """The entries that it concerns."""
        return tuple(self.shares_fen)

    @property
    def apply_payment_fen(self) -> int:
        """What is asked back, without carriage."""
        return sum(self.shares_fen.values())

    @property
    def is_open(self) -> bool:
        """Whether it can still change."""
        return self.status not in ENDED
