"""What reduces the price of an order: promotions of offers and of the seller, and red packets."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from services.sandbox.catalog.offers import PROMOTION_PERCENT
from services.sandbox.trade.order_lines import OrderLine, compute_shipping_fee_fen


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopPromotion:
    """A promotion of a seller, of which an order has at most one."""

    promotion_id: str
    discount_fen: int
    free_postage: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reductions:
    """What the buyer can have."""

    promoted_offers: Collection[int] = ()
    """Ids of the offers that have a promotion."""
    shop_promotions: Sequence[tuple[int, bool]] = ()
    """The promotions of each seller: the discount in fen, and whether the shipping is free."""
    red_packet_fen: int = 0
    """What red packets pay of an order, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedLine:
    """A line, and by how much each reduction lowers its price."""

    line: OrderLine
    promotion_fen: int
    """The promotion of the offer."""
    shop_promotion_fen: int
    """The part of the seller's promotion."""
    red_packet_fen: int
    """The part that red packets would pay."""

    @property
    def unit_price_fen(self) -> int:
        """The price of a piece, with the promotion of the offer."""
        return self.line.sku.price_fen - self.promotion_fen // self.line.quantity

    @property
    def amount_fen(self) -> int:
        """The price of the line with promotions, and without red packets."""
        return self.line.list_fen - self.promotion_fen - self.shop_promotion_fen


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The price of an order."""

    lines: tuple[QuotedLine, ...]
    promotions: tuple[ShopPromotion, ...]
    """Those of the seller."""
    selected: ShopPromotion | None
    shipping_fee_fen: int

    @property
    def goods_fen(self) -> int:
        """The price of all lines with promotions, and without red packets."""
        return sum(line.amount_fen for line in self.lines)

    @property
    def shop_promotion_fen(self) -> int:
        """The discount of the seller's promotion."""
        return sum(line.shop_promotion_fen for line in self.lines)

    @property
    def red_packet_fen(self) -> int:
        """What red packets would pay."""
        return sum(line.red_packet_fen for line in self.lines)


def quote_order(lines: Sequence[OrderLine], reductions: Reductions, promotion_id: str = "") -> Quote:
    """Return the price of the lines of one seller.

    The seller's promotion is the one with this id, by default the first.
    """
    promotions = tuple(_list_promotions(lines, reductions))
    chosen = (each for each in promotions if each.promotion_id == promotion_id)
    selected = next(chosen, promotions[0] if promotions else None)
    offer_discounts = [
        line.list_fen - line.sku.price_fen * PROMOTION_PERCENT // 100 * line.quantity
        if line.offer.offer_id in reductions.promoted_offers
        else 0
        for line in lines
    ]
    prices = [line.list_fen - discount for line, discount in zip(lines, offer_discounts, strict=True)]
    shop_discounts = _allocate(selected.discount_fen if selected else 0, prices)
    prices = [price - discount for price, discount in zip(prices, shop_discounts, strict=True)]
    red_packets = _allocate(reductions.red_packet_fen, prices)
    return Quote(
        lines=tuple(
            QuotedLine(
                line=line, promotion_fen=promotion, shop_promotion_fen=discount, red_packet_fen=red_packet
            )
            for line, promotion, discount, red_packet in zip(
                lines, offer_discounts, shop_discounts, red_packets, strict=True
            )
        ),
        promotions=promotions,
        selected=selected,
        shipping_fee_fen=0 if selected and selected.free_postage else compute_shipping_fee_fen(lines),
    )


def _list_promotions(lines: Sequence[OrderLine], reductions: Reductions) -> Iterator[ShopPromotion]:
    seller = lines[0].offer.seller.member_id
    for number, (discount_fen, free_postage) in enumerate(reductions.shop_promotions, 1):
        promotion_id = f"{seller}-shop-{number}"
        yield ShopPromotion(promotion_id=promotion_id, discount_fen=discount_fen, free_postage=free_postage)


def _allocate(amount_fen: int, prices: Sequence[int]) -> list[int]:
    """Distribute a reduction over the lines, one after the other. One fen of each price is left."""
    parts = []
    for price_fen in prices:
        parts.append(min(amount_fen, price_fen - 1))
        amount_fen -= parts[-1]
    return parts
