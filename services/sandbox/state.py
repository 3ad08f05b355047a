"""Everything that the sandbox remembers between calls."""

from dataclasses import dataclass, field, fields

from services.sandbox.clock import Clock
from services.sandbox.faults import Faults
from services.sandbox.journal import Journal
from services.sandbox.limits import Limits
from services.sandbox.market.accounts import Accounts
from services.sandbox.market.likeness import Uploads
from services.sandbox.tokens import Tokens
from services.sandbox.trade.order_book import OrderBook
from services.sandbox.trade.synced import Synced
from services.sandbox.trade.vouchers import Vouchers
from services.sandbox.traffic import Traffic


@dataclass(slots=True, kw_only=True)
class State:
    """What a reset puts back. Its users keep the State and not its parts, which a reset replaces."""

    clock: Clock = field(default_factory=Clock)
    tokens: Tokens = field(default_factory=Tokens)
    limits: Limits = field(default_factory=Limits)
    faults: Faults = field(default_factory=Faults)
    journal: Journal = field(default_factory=Journal)
    traffic: Traffic = field(default_factory=Traffic)
    uploads: Uploads = field(default_factory=Uploads)
    accounts: Accounts = field(default_factory=Accounts)
    book: OrderBook = field(default_factory=OrderBook)
    vouchers: Vouchers = field(default_factory=Vouchers)
    synced: Synced = field(default_factory=Synced)

    def reset(self) -> None:
        """Everything back to the start."""
        start = State()
        for part in fields(self):
            setattr(self, part.name, getattr(start, part.name))
