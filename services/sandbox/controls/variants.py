"""Variants: where the reference is open, or shows several forms of a response, tests choose one."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.sandbox.trade.promotions import Reductions

CANCEL_DELAY_MS = 10_000
HISTORY_AGE_MS = 90 * 24 * 3600 * 1000
UTC_OFFSET_HOURS = 8

DetailSuccess = Literal["text", "boolean", "absent"]
GoodsList = Literal["logisticsOrderGoods", "logisticsOrderSendGood"]
_Delay = Annotated[int, Field(ge=0, le=10**12)]
"""In milliseconds."""


class ShopPromotion(BaseModel):
    """A promotion of each seller."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    discount_fen: int = Field(ge=0, le=10**9)
    free_postage: bool = False


class Variants(BaseModel):
    """The chosen variants. The defaults are what the reference documents, or else what is hardest to read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    several_sellers: Literal["reject", "split"] = "reject"
    """`reject`: offers of several sellers are an error; `split`: each seller gets an order."""
    invalid_lines: Literal["reject", "omit"] = "reject"
    """`reject`: an invalid line fails the creation; `omit`: the other lines are ordered."""
    repeated_out_order_id: Literal["new_order", "same_order"] = "new_order"
    """What a creation does whose outOrderId was used before."""
    flat_creation: bool = False
    """A creation returns its order without `result`, and with `success` false."""
    web_checkout_offers: tuple[int, ...] = Field(default=(), max_length=1_000)
    """Ids of the offers that only the web checkout can order: their previews have no trade types."""
    promoted_offers: tuple[int, ...] = Field(default=(), max_length=1_000)
    """Ids of the offers that have a promotion: they are bought at the promotion price of their detail."""
    shop_promotions: tuple[ShopPromotion, ...] = Field(default=(), max_length=10)
    """The promotions of each seller. An order has the one that it names, or else the first."""
    red_packet_fen: int = Field(default=0, ge=0, le=10**9)
    """What the buyer's red packets pay of each order, at most, unless its creation excludes them."""
    list_ignores_out_order_id: bool = False
    list_delay_ms: _Delay = 0
    """How long after its creation an order appears in the list."""
    history_age_ms: _Delay = HISTORY_AGE_MS
    """How long after its end an order moves to the history list (isHis)."""
    cancel_delay_ms: _Delay = CANCEL_DELAY_MS
    """How long after its creation an order can be cancelled."""
    rounded_ids: bool = True
    """Some ids are rounded to a double: `id` and `subItemID` of an order detail, `orderId` of a trace."""
    sub_item_texts: Literal["all", "first"] = "all"
    """Which entries of an order detail have subItemIDString."""
    detail_success: DetailSuccess = "text"
    """The form of `success` in an order detail."""
    utc_offset_hours: int = Field(default=UTC_OFFSET_HOURS, ge=-12, le=14)
    """The zone of the dates of orders and refunds."""
    logistics_delay_ms: _Delay = 0
    """How long after its shipment a logistics order can be read."""
    goods_list: GoodsList = "logisticsOrderGoods"
    """The member of a logistics order that lists its goods."""
    empty_trace: Literal["text", "code"] = "text"
    """How a missing trace is returned: a text beside `success` true, or code 404."""
    refund_page_base: Literal[0, 1] = 0
    """The number of the first page of the refund list. With 1, page 0 is the first page too."""
    double_encoded_errors: bool = False
    """The JSON text in the errors of refund reads is encoded twice."""

    @property
    def reductions(self) -> Reductions:
        """What reduces the price of orders."""
        return Reductions(
            promoted_offers=self.promoted_offers,
            shop_promotions=[(each.discount_fen, each.free_postage) for each in self.shop_promotions],
            red_packet_fen=self.red_packet_fen,
        )

    def is_web_checkout_only(self, offer_ids: Iterable[int]) -> bool:
        """Whether the API cannot order these offers together."""
        return not set(self.web_checkout_offers).isdisjoint(offer_ids)
