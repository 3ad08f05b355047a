"""Purchase orders: their entries, their status and their events."""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from services.sandbox.trade.addresses import DEFAULT_ADDRESS_ID, SAVED_ADDRESSES, Address
from services.sandbox.trade.order_events import OrderEvent

PAYMENT_TIMEOUT_MS = 7 * 24 * 3600 * 1000
"""Time from the creation of an order until it can no longer be paid. An assumption: not documented."""
MAX_EVENTS = 200
"""Maximum number of events per order. The oldest is dropped first."""


class OrderStatus(StrEnum):
    """The documented statuses of an order."""

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
    list_fen: int
    """The price of the SKU times the quantity."""
    sum_fen: int
    """What the buyer pays for the entry, without the shipping fee."""
    discount_fen: int = 0
    """By how much the seller has changed `sum_fen`; negative for a reduction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFlags:
    """Properties on which payments and permissions depend."""

    kuajingbao: bool = True
    """Kuajingbao (跨境宝), 1688's cross-border payment channel, can pay for it."""
    credit: bool = True
    """Cheng-e-She (诚e赊), 1688's credit channel, can pay for it."""
    manual_trade: bool = False
    """A MANUAL-TRADE order, also called an invitation order: it cannot be paid together with others."""
    out_of_stock: bool = False
    """The stock is deducted when the order is paid, and there is no stock left."""
    owned_by_buyer: bool = True
    """The order belongs to the buyer account whose tokens the sandbox accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """What the buyer asked for when ordering. Orders that the admin API creates have the defaults."""

    address: Address = SAVED_ADDRESSES[DEFAULT_ADDRESS_ID]
    out_order_id: str | None = None
    """The id of the order at the site."""
    trade_type: str = "assureTrade"
    message: str = ""
    """For the seller."""
    red_packet_fen: int = 0
    """What red packets pay of the order. The prices of its entries are without it."""
    pay_channel: str | None = None
    """A mark that the site sets when ordering. It does not choose how the order is paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderClosing:
    """Why the buyer closed an order, in 1688's words."""

    reason: str = "buyerCancel"
    remark: str = ""


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
    terms: OrderTerms
    now_ms: Callable[[], int]
    """The clock."""
    on_event: "Callable[[Order, OrderEvent], None]"
    """Is called for each event."""
    status: OrderStatus = OrderStatus.WAIT_BUYER_PAY
    paid_fen: int = 0
    shipped: set[int] = field(default_factory=set)
    """The ids of the entries that were shipped."""
    received: set[int] = field(default_factory=set)
    """The ids of the entries whose receipt the buyer has confirmed."""
    closing: OrderClosing = OrderClosing()
    """Applies to an order that the buyer closed."""
    refunded_fen: Counter[int] = field(default_factory=Counter)
    """By entry id, without the shipping fee."""
    refunded_shipping_fee_fen: int = 0
    refund_ids: list[str] = field(default_factory=list)
    logistics_ids: list[str] = field(default_factory=list)
    events: deque[OrderEvent] = field(default_factory=lambda: deque(maxlen=MAX_EVENTS))
    modified_ms: int = 0
    """When the latest event happened."""
    first_event_ms: dict[str, int] = field(default_factory=dict)
    """When each kind of event happened for the first time."""

    @property
    def goods_fen(self) -> int:
        """The price of all entries together."""
        return sum(entry.sum_fen for entry in self.entries)

    @property
    def list_fen(self) -> int:
        """The price of all entries together, before all reductions."""
        return sum(entry.list_fen for entry in self.entries)

    @property
    def total_fen(self) -> int:
        """What the buyer pays for the order."""
        return self.goods_fen + self.shipping_fee_fen

    @property
    def discount_fen(self) -> int:
        """By how much the seller has changed the price of the entries; negative for a reduction."""
        return sum(entry.discount_fen for entry in self.entries)

    @property
    def entry_ids(self) -> tuple[int, ...]:
        """The ids of the entries, in the sequence of `entries`."""
        return tuple(entry.entry_id for entry in self.entries)

    @property
    def remaining_entry_ids(self) -> tuple[int, ...]:
        """The ids of the entries that are not fully refunded."""
        return tuple(entry_id for entry_id in self.entry_ids if self.remaining_fen([entry_id]))

    def select_entries(self, entry_ids: Iterable[int]) -> tuple[OrderEntry, ...]:
        """Return the entries with these ids, in the sequence of `entries`."""
        selected = set(entry_ids)
        return tuple(entry for entry in self.entries if entry.entry_id in selected)

    def remaining_fen(self, entry_ids: Iterable[int]) -> int:
        """Return the price of some entries, minus what was refunded of it."""
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
        """Store an event, and call `on_event`."""
        self.modified_ms = self.now_ms()
        self.first_event_ms.setdefault(event.event, self.modified_ms)
        self.events.append(event)
        self.on_event(self, event)
