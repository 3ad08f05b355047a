"""The bodies for orders, payments and logistics orders."""

from typing import Annotated, Literal

from pydantic import Field

from services.sandbox.admin.schemas.base import Body
from services.sandbox.trade.order_lines import LineRequest
from services.sandbox.trade.orders import OrderFlags, PaymentResult

MAX_LINES = 50
MAX_BATCH_SIZE = 100


class LineBody(Body):
    """A line to order. Members that are absent are chosen from the catalog."""

    offer_id: int | None = None
    sku_id: int | None = None
    quantity: Annotated[int, Field(ge=1)] | None = None

    def to_line_request(self) -> LineRequest:
        """Return the request for an order line."""
        return LineRequest(offer_id=self.offer_id, sku_id=self.sku_id, quantity=self.quantity)


class FlagsBody(Body):
    """The flags of an order. Flags that are absent have the default."""

    kuajingbao: bool = True
    credit: bool = True
    manual_trade: bool = False
    out_of_stock: bool = False
    owned_by_buyer: bool = True

    def to_flags(self) -> OrderFlags:
        """Return the flags."""
        return OrderFlags(
            kuajingbao=self.kuajingbao,
            credit=self.credit,
            manual_trade=self.manual_trade,
            out_of_stock=self.out_of_stock,
            owned_by_buyer=self.owned_by_buyer,
        )


class OrderBody(FlagsBody):
    """An order to create."""

    entries: list[LineBody] = Field(default_factory=list, max_length=MAX_LINES)


class TransitionBody(Body):
    """The details of a transition of an order."""

    entries: Annotated[list[int], Field(min_length=1)] | None = None
    """The ids of the entries to ship; None: all that are neither shipped nor fully refunded."""
    by: Literal["buyer", "seller", "back_office"] | None = None
    """Who closes the order; None: the buyer."""
    shipping_fee_fen: Annotated[int, Field(ge=0, le=10**9)] | None = None
    """The new shipping fee; None: 0."""
    discount_fen: Annotated[int, Field(ge=-(10**9), le=10**9)] | None = None
    """Changes the price of the first entry; negative for a reduction; None: 0."""
    without_carrier: bool | None = None
    """True: the goods are shipped without a carrier and a waybill number."""


class RefundBody(Body):
    """A refund to request, of all that is left of its entries."""

    entries: Annotated[list[int], Field(min_length=1)] | None = None
    """None: all entries that can be refunded together."""
    dispute_request: Literal["refund", "returnRefund"] = "refund"


class PaymentsBody(Body):
    """Orders to pay in one batch."""

    orders: Annotated[list[int], Field(min_length=1, max_length=MAX_BATCH_SIZE)]
    failures: dict[int, PaymentResult] = Field(default_factory=dict)
    """By order id: the result of an order that is not to be paid."""


class WaybillBody(Body):
    """A new waybill for a logistics order."""

    cp_code: Annotated[str, Field(min_length=1, max_length=32)] = "YTO"
    mail_no: Annotated[str, Field(min_length=1, max_length=64)]
