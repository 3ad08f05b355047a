"""The cart of a purchase: the lines that a buyer asks for, and what is wrong with them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto

from services.sandbox.catalog.catalog import Catalog
from services.sandbox.catalog.offers import Offer
from services.sandbox.catalog.skus import Sku, build_skus
from services.sandbox.trade.order_lines import OrderLine


class LineProblem(StrEnum):
    """Why a line cannot be ordered."""

    NOT_FOR_SALE = auto()
    """There is no such offer."""
    SPEC_MISSING = auto()
    SPEC_UNKNOWN = auto()
    """The SKU is not one of the offer."""
    OUT_OF_STOCK = auto()
    BELOW_MINIMUM = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class CartItem:
    """A line as requested."""

    offer_id: int
    spec_id: str
    """Names the SKU. 1688 does not accept the SKU's id here."""
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """A line with its offer and SKU, if they exist."""

    item: CartItem
    offer: Offer | None = None
    sku: Sku | None = None
    problem: LineProblem | None = None

    @property
    def order_line(self) -> OrderLine:
        """The line of an order. Raises ValueError without offer or SKU."""
        if self.offer is None or self.sku is None:
            raise ValueError(f"{self.problem}: offer {self.item.offer_id}")
        return OrderLine(offer=self.offer, sku=self.sku, quantity=self.item.quantity)


def build_cart(catalog: Catalog, items: Iterable[CartItem]) -> tuple[CartLine, ...]:
    """Return the lines, each with the first problem it has."""
    return tuple(_build_line(catalog, item) for item in items)


def split_by_seller(lines: Iterable[CartLine]) -> tuple[Sequence[CartLine], ...]:
    """Return the lines of each seller, in the sequence of the sellers' first lines."""
    by_seller: dict[str, list[CartLine]] = {}
    for line in lines:
        by_seller.setdefault(line.order_line.offer.seller.member_id, []).append(line)
    return tuple(by_seller.values())


def _build_line(catalog: Catalog, item: CartItem) -> CartLine:
    offer = catalog.find(item.offer_id)
    if offer is None:
        return CartLine(item=item, problem=LineProblem.NOT_FOR_SALE)
    if not item.spec_id:
        return CartLine(item=item, offer=offer, problem=LineProblem.SPEC_MISSING)
    sku = next((sku for sku in build_skus(offer) if sku.spec_id == item.spec_id), None)
    if sku is None:
        return CartLine(item=item, offer=offer, problem=LineProblem.SPEC_UNKNOWN)
    problem = None
    if item.quantity < offer.min_order:
        problem = LineProblem.BELOW_MINIMUM
    elif item.quantity > sku.stock:
        problem = LineProblem.OUT_OF_STOCK
    return CartLine(item=item, offer=offer, sku=sku, problem=problem)
