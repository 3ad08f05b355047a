"""Builds the lines of a new order, one SKU of the catalog in each, and computes the shipping fee."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from services.sandbox.catalog.catalog import Catalog
from services.sandbox.catalog.offers import Offer
from services.sandbox.catalog.skus import Sku, build_skus

SHIPPING_FEE_FEN = 800
"""Shipping fee of an order, unless all its offers ship for free."""
DEFAULT_LINE_COUNT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRequest:
    """A requested line. What is None is chosen from the catalog."""

    offer_id: int | None = None
    sku_id: int | None = None
    quantity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """A line of an order: a quantity of one SKU."""

    offer: Offer
    sku: Sku
    quantity: int
    reduction_fen: int = 0
    """By how much promotions and red packets lower the price."""

    @property
    def list_fen(self) -> int:
        """The price without reductions."""
        return self.sku.price_fen * self.quantity


def build_order_lines(catalog: Catalog, requests: Sequence[LineRequest]) -> tuple[OrderLine, ...]:
    """Return the lines of an order; without requests, two lines of different offers.

    Raises ValueError for an unknown offer or SKU, and if the stock does not suffice.
    """
    requested = {request.offer_id for request in requests}
    other_offers = (
        offer for offer in catalog.offers if offer.offer_id not in requested and _list_in_stock(offer)
    )
    return tuple(
        _build_line(catalog, request, other_offers)
        for request in requests or [LineRequest()] * DEFAULT_LINE_COUNT
    )


def compute_shipping_fee_fen(lines: Iterable[OrderLine]) -> int:
    """Return the price of shipping these lines."""
    ships_for_free = all(line.offer.filter_matches["isOnePsaleFreePost"] for line in lines)
    return 0 if ships_for_free else SHIPPING_FEE_FEN


def _list_in_stock(offer: Offer) -> list[Sku]:
    return [sku for sku in build_skus(offer) if sku.stock >= offer.min_order]


def _build_line(catalog: Catalog, request: LineRequest, other_offers: Iterable[Offer]) -> OrderLine:
    if request.offer_id is None:
        if request.sku_id is not None:
            raise ValueError(f"sku_id {request.sku_id}: an offer_id is needed with it")
        # There is always another offer: the catalog has far more offers than any order has lines.
        (offer,) = islice(other_offers, 1)
    else:
        requested_offer = catalog.find(request.offer_id)
        if requested_offer is None:
            raise ValueError(f"offer_id {request.offer_id}: no such offer")
        offer = requested_offer
    sku = _choose_sku(offer, request.sku_id)
    quantity = offer.min_order if request.quantity is None else request.quantity
    if quantity > sku.stock:
        raise ValueError(f"quantity {quantity}: {sku.stock} of sku_id {sku.sku_id} are left")
    return OrderLine(offer=offer, sku=sku, quantity=quantity)


def _choose_sku(offer: Offer, sku_id: int | None) -> Sku:
    if sku_id is None:
        candidates = _list_in_stock(offer)
    else:
        candidates = [sku for sku in build_skus(offer) if sku.sku_id == sku_id]
    if not candidates:
        raise ValueError(f"offer_id {offer.offer_id}: {'sold out' if sku_id is None else 'no such sku_id'}")
    return candidates[0]
