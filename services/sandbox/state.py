"""All state that the sandbox keeps between calls."""

from dataclasses import dataclass, field, fields

from services.sandbox.catalog.image_similarity import UploadedImages
from services.sandbox.controls.call_counters import CallCounters
from services.sandbox.controls.call_log import CallLog
from services.sandbox.controls.clock import Clock
from services.sandbox.controls.faults import FaultQueue
from services.sandbox.controls.limits import Limits
from services.sandbox.controls.tokens import Tokens
from services.sandbox.controls.variants import Variants
from services.sandbox.messages.event_publisher import EventPublisher
from services.sandbox.messages.outbox import Outbox
from services.sandbox.messages.push_settings import PushSettings
from services.sandbox.trade.accounts import Accounts
from services.sandbox.trade.order_store import OrderStore
from services.sandbox.trade.refunds.vouchers import Vouchers
from services.sandbox.trade.synced_orders import SyncedData


@dataclass(slots=True, kw_only=True)
class State:
    """The state. A reset replaces its parts, so handlers must keep the State itself, and not a part of it."""

    callback_url: str | None = None
    """Where messages are pushed at the start and after a reset; None: they are not pushed."""
    clock: Clock = field(default_factory=Clock)
    tokens: Tokens = field(default_factory=Tokens)
    limits: Limits = field(default_factory=Limits)
    faults: FaultQueue = field(default_factory=FaultQueue)
    variants: Variants = field(default_factory=Variants)
    call_log: CallLog = field(default_factory=CallLog)
    call_counters: CallCounters = field(default_factory=CallCounters)
    uploaded_images: UploadedImages = field(default_factory=UploadedImages)
    accounts: Accounts = field(default_factory=Accounts)
    outbox: Outbox = field(init=False)
    order_store: OrderStore = field(init=False)
    vouchers: Vouchers = field(default_factory=Vouchers)
    synced: SyncedData = field(default_factory=SyncedData)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.clock, PushSettings(callback_url=self.callback_url))
        self.order_store = OrderStore(EventPublisher(self.clock, self.outbox), self.clock.now_ms)

    def reset(self) -> None:
        """Return to the initial state."""
        self.outbox.close()
        initial = State(callback_url=self.callback_url)
        for part in fields(self):
            setattr(self, part.name, getattr(initial, part.name))
