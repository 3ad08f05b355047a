"""Everything that the sandbox remembers between calls."""

from dataclasses import dataclass, field, fields

from services.sandbox.catalog.image_similarity import Uploads
from services.sandbox.controls.call_counters import Traffic
from services.sandbox.controls.call_log import Journal
from services.sandbox.controls.clock import Clock
from services.sandbox.controls.faults import Faults
from services.sandbox.controls.limits import Limits
from services.sandbox.controls.tokens import Tokens
from services.sandbox.messages.event_publisher import Announcer
from services.sandbox.messages.outbox import Outbox
from services.sandbox.messages.push_settings import PushSettings
from services.sandbox.trade.accounts import Accounts
from services.sandbox.trade.order_book import OrderBook
from services.sandbox.trade.refunds.vouchers import Vouchers
from services.sandbox.trade.synced_orders import Synced


@dataclass(slots=True, kw_only=True)
class State:
    """What a reset puts back. Its users keep the State and not its parts, which a reset replaces."""

    callback_url: str | None = None
    """Where messages are pushed at the start."""
    clock: Clock = field(default_factory=Clock)
    tokens: Tokens = field(default_factory=Tokens)
    limits: Limits = field(default_factory=Limits)
    faults: Faults = field(default_factory=Faults)
    journal: Journal = field(default_factory=Journal)
    traffic: Traffic = field(default_factory=Traffic)
    uploads: Uploads = field(default_factory=Uploads)
    accounts: Accounts = field(default_factory=Accounts)
    outbox: Outbox = field(init=False)
    book: OrderBook = field(init=False)
    vouchers: Vouchers = field(default_factory=Vouchers)
    synced: Synced = field(default_factory=Synced)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.clock, PushSettings(callback_url=self.callback_url))
        self.book = OrderBook(Announcer(self.clock, self.outbox))

    def reset(self) -> None:
        """Everything back to the start."""
        self.outbox.close()
        start = State(callback_url=self.callback_url)
        for part in fields(self):
            setattr(self, part.name, getattr(start, part.name))
