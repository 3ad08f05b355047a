"""What the downstream site tells of its own orders."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

KEPT = 10_000
"""Orders, and parcels, that are remembered; the oldest is forgotten first."""
KEPT_EACH = 200
"""Of each kind of fact about one of them; again the oldest goes first."""

Received = Mapping[str, Any]
"""A fact, as received."""
T = TypeVar("T")
K = TypeVar("K")


@dataclass(slots=True, kw_only=True)
class SyncedOrder:
    """What is known of one downstream order."""

    order: Received | None = None
    dialect: str | None = None
    """The dialect of `order`."""
    statuses: list[Received] = field(default_factory=list)
    relations: OrderedDict[tuple[str, str], Received] = field(default_factory=OrderedDict)
    """By the ids of the two sub-orders."""
    logistics: OrderedDict[str, Received] = field(default_factory=OrderedDict)
    """By the id of the parcel."""


@dataclass(slots=True, kw_only=True)
class SyncedLogistics:
    """What is known of one downstream parcel."""

    logistics: Received | None = None
    dialect: str | None = None
    """The dialect of `logistics`."""
    statuses: list[Received] = field(default_factory=list)


class Synced:
    """Everything that was synced.

    Ids are text here, as they are numbers in one dialect and text in the other. An order, a parcel or a
    relation that is sent again replaces what was known.
    """

    def __init__(self) -> None:
        self._orders: OrderedDict[str, SyncedOrder] = OrderedDict()
        self._logistics: OrderedDict[str, SyncedLogistics] = OrderedDict()

    @property
    def orders(self) -> int:
        """How many orders are known."""
        return len(self._orders)

    @property
    def logistics(self) -> int:
        """How many parcels are known."""
        return len(self._logistics)

    def find_order(self, order_id: str) -> SyncedOrder | None:
        """What is known of an order."""
        return self._orders.get(order_id)

    def find_logistics(self, logistics_id: str) -> SyncedLogistics | None:
        """What is known of a parcel."""
        return self._logistics.get(logistics_id)

    def keep_order(self, order_id: str, order: Received, dialect: str) -> None:
        """Takes in an order."""
        known = self._order(order_id)
        known.order, known.dialect = order, dialect

    def keep_order_status(self, order_id: str, status: Received) -> None:
        """Takes in a status of an order, known or not."""
        _append(self._order(order_id).statuses, status)

    def keep_relation(self, order_id: str, sub_order_id: str, cbu_entry_id: str, relation: Received) -> None:
        """Takes in that a downstream sub-order was bought as an entry of a purchase order."""
        _put(self._order(order_id).relations, (sub_order_id, cbu_entry_id), relation, KEPT_EACH)

    def keep_logistics(self, order_id: str, logistics_id: str, logistics: Received, dialect: str) -> None:
        """Takes in a parcel of an order, known or not."""
        _put(self._order(order_id).logistics, logistics_id, logistics, KEPT_EACH)
        known = self._parcel(logistics_id)
        known.logistics, known.dialect = logistics, dialect

    def keep_logistics_status(self, logistics_id: str, status: Received) -> None:
        """Takes in a status of a parcel, known or not."""
        _append(self._parcel(logistics_id).statuses, status)

    def _order(self, order_id: str) -> SyncedOrder:
        known = self._orders.get(order_id)
        return _put(self._orders, order_id, known or SyncedOrder(), KEPT)

    def _parcel(self, logistics_id: str) -> SyncedLogistics:
        known = self._logistics.get(logistics_id)
        return _put(self._logistics, logistics_id, known or SyncedLogistics(), KEPT)


def _append(facts: list[Received], fact: Received) -> None:
    facts.append(fact)
    del facts[:-KEPT_EACH]


def _put(store: "OrderedDict[K, T]", key: K, value: T, kept: int) -> T:
    """Stores a value under a key, and forgets the oldest beyond `kept`."""
    store[key] = value
    if len(store) > kept:
        store.popitem(last=False)
    return value
