"""The downstream orders and logistics orders that national sites have synced."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

MAX_ENTRIES = 10_000
"""Maximum number of orders, and of logistics orders. The oldest is dropped first."""
MAX_RECORDS_PER_ORDER = 200
"""Maximum number of records of one kind about one order or logistics order. The oldest is dropped first."""

Record = Mapping[str, Any]
"""A JSON object as received."""
T = TypeVar("T")
K = TypeVar("K")


@dataclass(slots=True, kw_only=True)
class SyncedOrder:
    """The records about one downstream order."""

    order: Record | None = None
    dialect: str | None = None
    """The dialect of `order`."""
    statuses: list[Record] = field(default_factory=list)
    relations: OrderedDict[tuple[str, str], Record] = field(default_factory=OrderedDict)
    """By the ids of the downstream sub-order and the order entry."""
    logistics: OrderedDict[str, Record] = field(default_factory=OrderedDict)
    """By logistics id."""


@dataclass(slots=True, kw_only=True)
class SyncedLogistics:
    """The records about one downstream logistics order."""

    logistics: Record | None = None
    dialect: str | None = None
    """The dialect of `logistics`."""
    statuses: list[Record] = field(default_factory=list)


class SyncedData:
    """All that was synced.

    Ids are text here: they are numbers in one dialect and text in the other. An order, a logistics order or
    a relation that is sent again replaces the earlier one.
    """

    def __init__(self) -> None:
        self._orders: OrderedDict[str, SyncedOrder] = OrderedDict()
        self._logistics: OrderedDict[str, SyncedLogistics] = OrderedDict()

    @property
    def order_count(self) -> int:
        """The number of orders."""
        return len(self._orders)

    @property
    def logistics_count(self) -> int:
        """The number of logistics orders."""
        return len(self._logistics)

    def find_order(self, order_id: str) -> SyncedOrder | None:
        """Return what was synced about an order."""
        return self._orders.get(order_id)

    def find_logistics(self, logistics_id: str) -> SyncedLogistics | None:
        """Return what was synced about a logistics order."""
        return self._logistics.get(logistics_id)

    def save_order(self, order_id: str, order: Record, dialect: str) -> None:
        """Store an order."""
        synced = self._get_or_add_order(order_id)
        synced.order, synced.dialect = order, dialect

    def save_order_status(self, order_id: str, status: Record) -> None:
        """Store a status of an order, even if the order is unknown."""
        _append(self._get_or_add_order(order_id).statuses, status)

    def save_relation(self, order_id: str, sub_order_id: str, cbu_entry_id: str, relation: Record) -> None:
        """Store the relation of a downstream sub-order to an entry of a purchase order."""
        relations = self._get_or_add_order(order_id).relations
        _put(relations, (sub_order_id, cbu_entry_id), relation, MAX_RECORDS_PER_ORDER)

    def save_logistics(self, order_id: str, logistics_id: str, logistics: Record, dialect: str) -> None:
        """Store a logistics order of a downstream order, even if the downstream order is unknown."""
        _put(self._get_or_add_order(order_id).logistics, logistics_id, logistics, MAX_RECORDS_PER_ORDER)
        synced = self._get_or_add_logistics(logistics_id)
        synced.logistics, synced.dialect = logistics, dialect

    def save_logistics_status(self, logistics_id: str, status: Record) -> None:
        """Store a status of a logistics order, even if the logistics order is unknown."""
        _append(self._get_or_add_logistics(logistics_id).statuses, status)

    def _get_or_add_order(self, order_id: str) -> SyncedOrder:
        return _put(self._orders, order_id, self._orders.get(order_id) or SyncedOrder(), MAX_ENTRIES)

    def _get_or_add_logistics(self, logistics_id: str) -> SyncedLogistics:
        synced = self._logistics.get(logistics_id) or SyncedLogistics()
        return _put(self._logistics, logistics_id, synced, MAX_ENTRIES)


def _append(records: list[Record], record: Record) -> None:
    records.append(record)
    del records[:-MAX_RECORDS_PER_ORDER]


def _put(store: "OrderedDict[K, T]", key: K, value: T, max_size: int) -> T:
    """Store a value, drop the oldest if there are more than `max_size`, and return the value."""
    store[key] = value
    if len(store) > max_size:
        store.popitem(last=False)
    return value
