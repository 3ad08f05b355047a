"""A purchase order: what was bought, and where it stands."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from services.sandbox.trade.order_events import Fact
from services.sandbox.trade.order_listener import NOBODY, Listener

KEPT_FACTS = 200
"""Of each order; the oldest is forgotten first."""


class OrderStatus(StrEnum):
    """The platform's documented words."""

    WAIT_BUYER_PAY = "waitbuyerpay"
    WAIT_SELLER_SEND = "waitsellersend"
    WAIT_BUYER_RECEIVE = "waitbuyerreceive"
    RECEIVED = "confirm_goods_and_has_subsidy"
    SUCCESS = "success"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A sub-order: some pieces of one variant."""

    entry_id: int
    offer_id: int
    sku_id: int
    product_name: str
    sku_name: str
    quantity: int
    sum_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What payments and permissions depend on."""

    kuajingbao: bool = True
    """Kuajingbao can pay for it."""
    credit: bool = True
    """Cheng-e-She can pay for it."""
    manual_trade: bool = False
    """An invitation order without receiver: it is paid alone."""
    stock_gone: bool = False
    """It deducts stock on payment, and there is none left."""
    own: bool = True
    """It belongs to the buyer whose tokens the sandbox knows."""


@dataclass(slots=True, kw_only=True, eq=False)
class Order:
    """One order. Its status is changed by `order_life` alone."""

    order_id: int
    created_ms: int
    entries: tuple[Entry, ...]
    carriage_fen: int
    traits: Traits
    seller_member_id: str
    """Of the first entry's seller."""
    listener: Listener = NOBODY
    status: OrderStatus = OrderStatus.WAIT_BUYER_PAY
    paid_fen: int = 0
    shipped: set[int] = field(default_factory=set)
    """Ids of entries."""
    refunded_fen: Counter[int] = field(default_factory=Counter)
    """By entry id, without carriage."""
    refunded_carriage_fen: int = 0
    refund_ids: list[str] = field(default_factory=list)
    logistics_ids: list[str] = field(default_factory=list)
    """Of its parcels."""
    facts: deque[Fact] = field(default_factory=lambda: deque(maxlen=KEPT_FACTS))

    @property
    def goods_fen(self) -> int:
        """The price of every entry together."""
        return sum(entry.sum_fen for entry in self.entries)

    @property
    def entry_ids(self) -> tuple[int, ...]:
        """The ids of the entries, in their order."""
        return tuple(entry.entry_id for entry in self.entries)

    @property
    def left(self) -> tuple[int, ...]:
        """The ids of the entries that are not wholly refunded."""
        return tuple(entry_id for entry_id in self.entry_ids if self.left_fen([entry_id]))

    def chosen(self, entry_ids: Iterable[int]) -> tuple[Entry, ...]:
        """The entries of these ids, in the order's order."""
        wanted = set(entry_ids)
        return tuple(entry for entry in self.entries if entry.entry_id in wanted)

    def left_fen(self, entry_ids: Iterable[int]) -> int:
        """The price of some entries, less what was refunded of it."""
        return sum(entry.sum_fen - self.refunded_fen[entry.entry_id] for entry in self.chosen(entry_ids))

    def note(self, happened: str, entry_ids: Iterable[int] | None = None) -> None:
        """Notes what happened, with the status as it is now. By default it happened to every entry."""
        self.record(
            Fact(
                order_id=self.order_id,
                entry_ids=self.entry_ids if entry_ids is None else tuple(entry_ids),
                happened=happened,
                status=self.status,
            )
        )

    def record(self, fact: Fact) -> None:
        """Keeps a fact, and tells the listener."""
        self.facts.append(fact)
        self.listener.happened(self, fact)
