"""What an order is made of: variants of the market's own offers, and the carriage."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from services.sandbox.catalog.catalog import Catalogue
from services.sandbox.catalog.offers import Offer
from services.sandbox.catalog.skus import Sku, skus

CARRIAGE_FEN = 800
"""Of an order; nothing if every offer in it ships for free."""
DEFAULT_LINES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to buy; what is left out the market picks."""

    offer_id: int | None = None
    sku_id: int | None = None
    quantity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Some pieces of one variant."""

    offer: Offer
    sku: Sku
    quantity: int


def fill(catalogue: Catalogue, wanted: Sequence[Wanted]) -> tuple[Line, ...]:
    """The lines of an order; if nothing is wanted, two of different offers.

    Raises ValueError for what the market does not have, and for more than there is in stock.
    """
    taken = {want.offer_id for want in wanted}
    others = (offer for offer in catalogue.offers if offer.offer_id not in taken and _in_stock(offer))
    return tuple(_line(catalogue, want, others) for want in wanted or [Wanted()] * DEFAULT_LINES)


def carriage_fen(lines: Iterable[Line]) -> int:
    """What it costs to send these lines."""
    return 0 if all(line.offer.choices["isOnePsaleFreePost"] for line in lines) else CARRIAGE_FEN


def _in_stock(offer: Offer) -> list[Sku]:
    return [sku for sku in skus(offer) if sku.stock >= offer.min_order]


def _line(catalogue: Catalogue, want: Wanted, others: Iterable[Offer]) -> Line:
    if want.offer_id is None:
        if want.sku_id is not None:
            raise ValueError(f"sku_id {want.sku_id}: an offer_id is needed with it")
        # The market has far more offers than any order has lines.
        (offer,) = islice(others, 1)
    else:
        found = catalogue.find(want.offer_id)
        if found is None:
            raise ValueError(f"offer_id {want.offer_id}: no such offer")
        offer = found
    sku = _sku(offer, want.sku_id)
    quantity = offer.min_order if want.quantity is None else want.quantity
    if quantity > sku.stock:
        raise ValueError(f"quantity {quantity}: {sku.stock} of sku_id {sku.sku_id} are left")
    return Line(offer=offer, sku=sku, quantity=quantity)


def _sku(offer: Offer, sku_id: int | None) -> Sku:
    choices = _in_stock(offer) if sku_id is None else [sku for sku in skus(offer) if sku.sku_id == sku_id]
    if not choices:
        raise ValueError(f"offer_id {offer.offer_id}: {'sold out' if sku_id is None else 'no such sku_id'}")
    return choices[0]
