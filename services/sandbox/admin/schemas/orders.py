"""The JSON bodies that the admin paths of orders take."""

from typing import Annotated, Literal

from pydantic import Field

from services.sandbox.admin.schemas.controls import Body
from services.sandbox.trade.order_lines import Wanted
from services.sandbox.trade.orders import Traits
from services.sandbox.trade.payments import PaymentResult

MAX_LINES = 50
MAX_PAID = 100


class LineBody(Body):
    """What to buy; what is left out the market picks."""

    offer_id: int | None = None
    sku_id: int | None = None
    quantity: Annotated[int, Field(ge=1)] | None = None

    def wanted(self) -> Wanted:
        """As the basket takes it."""
        return Wanted(offer_id=self.offer_id, sku_id=self.sku_id, quantity=self.quantity)


class TraitsBody(Body):
    """What an order is like; what is left out is as usual."""

    kuajingbao: bool = True
    credit: bool = True
    manual_trade: bool = False
    stock_gone: bool = False
    own: bool = True

    def traits(self) -> Traits:
        """As the order takes it."""
        return Traits(
            kuajingbao=self.kuajingbao,
            credit=self.credit,
            manual_trade=self.manual_trade,
            stock_gone=self.stock_gone,
            own=self.own,
        )


class OrderBody(TraitsBody):
    """An order to make."""

    entries: list[LineBody] = Field(default_factory=list, max_length=MAX_LINES)


class StepBody(Body):
    """How to take a step."""

    entries: Annotated[list[int], Field(min_length=1)] | None = None
    """The ids of the entries to ship; None = all that are left."""
    by: Literal["buyer", "seller", "back_office"] | None = None
    """Who closes it; None = the buyer."""
    carriage_fen: Annotated[int, Field(ge=0, le=10**9)] | None = None
    """The new carriage; None = it is waived."""


class PaymentsBody(Body):
    """Orders to pay together."""

    orders: Annotated[list[int], Field(min_length=1, max_length=MAX_PAID)]
    failures: dict[int, PaymentResult] = Field(default_factory=dict)
    """By order id: what is to come of it instead."""


class WaybillBody(Body):
    """Another waybill for a parcel."""

    cp_code: Annotated[str, Field(min_length=1, max_length=32)] = "YTO"
    mail_no: Annotated[str, Field(min_length=1, max_length=64)]
