"""Purchase orders: their entries, their status and their events."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from services.sandbox.trade.order_events import OrderEvent
from services.sandbox.trade.order_listener import NO_LISTENER, OrderListener

MAX_EVENTS = 200
"""Maximum number of events per order. The oldest is dropped first."""


class OrderStatus(StrEnum):
    """The documented values."""

    WAIT_BUYER_PAY = "waitbuyerpay"
    WAIT_SELLER_SEND = "waitsellersend"
    WAIT_BUYER_RECEIVE = "waitbuyerreceive"
    RECEIVED = "confirm_goods_and_has_subsidy"
    SUCCESS = "success"
    CANCEL = "cancel"


class PaymentResult(StrEnum):
    """The result of one order in a batch payment, as 1688 spells it."""

    PAID = "successed"
    BALANCE_NOT_ENOUGH = "ACCOUNT_BALANCE_NOT_ENOUGH"
    NO_ACCOUNT = "ACCOUNT_NOT_EXIST"
    ACCOUNT_FROZEN = "ACCOUNT_FROZEN"
    PARAM_ILLEGAL = "PARAM_ILLEGAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEntry:
    """An order entry: a quantity of one SKU, as ordered."""

    entry_id: int
    offer_id: int
    sku_id: int
    product_name: str
    sku_name: str
    quantity: int
    sum_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFlags:
    """Properties on which payments and permissions depend."""

    kuajingbao: bool = True
    """Kuajingbao (跨境宝), 1688's cross-border payment channel, can pay for it."""
    credit: bool = True
    """Cheng-e-She (诚e赊), 1688's credit channel, can pay for it."""
    manual_trade: bool = False
    """1688's MANUAL-TRADE order, which it calls an invitation order: it must be paid alone."""
    out_of_stock: bool = False
    """Its stock is deducted on payment, and none is left."""
    owned_by_buyer: bool = True
    """It belongs to the buyer account whose tokens the sandbox accepts."""


@dataclass(slots=True, kw_only=True, eq=False)
class Order:
    """One order. Only `order_state_machine` changes its status."""

    order_id: int
    created_ms: int
    entries: tuple[OrderEntry, ...]
    shipping_fee_fen: int
    flags: OrderFlags
    seller_member_id: str
    """The seller of the first entry."""
    listener: OrderListener = NO_LISTENER
    status: OrderStatus = OrderStatus.WAIT_BUYER_PAY
    paid_fen: int = 0
    shipped: set[int] = field(default_factory=set)
    """Ids of entries."""
    refunded_fen: Counter[int] = field(default_factory=Counter)
    """By entry id, without the shipping fee."""
    refunded_shipping_fee_fen: int = 0
    refund_ids: list[str] = field(default_factory=list)
    logistics_ids: list[str] = field(default_factory=list)
    events: deque[OrderEvent] = field(default_factory=lambda: deque(maxlen=MAX_EVENTS))

    @property
    def goods_fen(self) -> int:
        """The price of all entries together."""
        return sum(entry.sum_fen for entry in self.entries)

    @property
    def entry_ids(self) -> tuple[int, ...]:
        """The ids of the entries, in their order."""
        return tuple(entry.entry_id for entry in self.entries)

    @property
    def remaining_entry_ids(self) -> tuple[int, ...]:
        """The ids of the entries that are not fully refunded."""
        return tuple(entry_id for entry_id in self.entry_ids if self.remaining_fen([entry_id]))

    def select_entries(self, entry_ids: Iterable[int]) -> tuple[OrderEntry, ...]:
        """Return the entries of these ids, in the order of the entries."""
        selected = set(entry_ids)
        return tuple(entry for entry in self.entries if entry.entry_id in selected)

    def remaining_fen(self, entry_ids: Iterable[int]) -> int:
        """Return the price of some entries, less what was refunded of it."""
        return sum(
            entry.sum_fen - self.refunded_fen[entry.entry_id] for entry in self.select_entries(entry_ids)
        )

    def add_event(self, event: str, entry_ids: Iterable[int] | None = None) -> None:
        """Record an event with the current status. `entry_ids` None: of all entries."""
        self.record(
            OrderEvent(
                order_id=self.order_id,
                entry_ids=self.entry_ids if entry_ids is None else tuple(entry_ids),
                event=event,
                status=self.status,
            )
        )

    def record(self, event: OrderEvent) -> None:
        """Store an event, and call the listener."""
        self.events.append(event)
        self.listener.on_order_event(self, event)
