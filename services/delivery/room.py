"""Everything that a service needs of this room, opened on one store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from services.delivery.clock import Clock, system_clock
from services.delivery.dead_letters import DeadLetters
from services.delivery.deliveries import Deliveries
from services.delivery.engine import StoreLimits
from services.delivery.full_orders import FullOrders
from services.delivery.handout import Handout
from services.delivery.inbox import Inbox
from services.delivery.listening import open_wakeups
from services.delivery.once import Once
from services.delivery.relay import Relay, RelayLimits, Send
from services.delivery.request_ids import RequestIds
from services.delivery.retention import Keep, Retention, SweepLimits
from services.delivery.store import Store, open_store
from services.delivery.subscriptions import SubscriptionLimits, Subscriptions
from services.delivery.wakeups import Wakeups


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomLimits:
    """Every limit and time of the room."""

    store: StoreLimits = field(default_factory=StoreLimits)
    subscriptions: SubscriptionLimits = field(default_factory=SubscriptionLimits)
    relay: RelayLimits = field(default_factory=RelayLimits)
    keep: Keep = field(default_factory=Keep)
    sweep: SweepLimits = field(default_factory=SweepLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The parts, on one store."""

    store: Store
    wakeups: Wakeups
    limits: RoomLimits
    inbox: Inbox
    subscriptions: Subscriptions
    handout: Handout
    dead_letters: DeadLetters
    deliveries: Deliveries
    request_ids: RequestIds
    once: Once
    full_orders: FullOrders
    retention: Retention

    def relay(self, send: Send, fault: bytes = b"") -> Relay:
        """Return a relay that sends with `send`; `async with relay.running()` lets it work."""
        return Relay(self.store, self.wakeups, send, fault, self.limits.relay)


@asynccontextmanager
async def open_room(
    url: str, limits: RoomLimits | None = None, clock: Clock = system_clock
) -> AsyncIterator[Room]:
    """Open the store at a URL with all that works on it, and sweep it meanwhile. Raises CannotStart."""
    limits = limits or RoomLimits()
    async with open_store(url, limits.store, clock) as store, open_wakeups(store) as wakeups:
        subscriptions = Subscriptions(store, wakeups, limits.subscriptions)
        request_ids = RequestIds(store, limits.keep.request_ids_s)
        room = Room(
            store=store,
            wakeups=wakeups,
            limits=limits,
            inbox=Inbox(store, wakeups),
            subscriptions=subscriptions,
            handout=Handout(store, wakeups, subscriptions),
            dead_letters=DeadLetters(store, wakeups, subscriptions),
            deliveries=Deliveries(store, wakeups),
            request_ids=request_ids,
            once=Once(request_ids),
            full_orders=FullOrders(store),
            retention=Retention(store, limits.keep, limits.sweep),
        )
        sweeping = asyncio.create_task(room.retention.sweep_for_ever())
        try:
            yield room
        finally:
            sweeping.cancel()
            await asyncio.wait([sweeping])
            await room.inbox.close()
            await room.once.close()
            await room.handout.close()
