"""What has to outlive a process, on SQL: messages in, deliveries out, request ids, last full orders.

Knows no gRPC, no protos, no 1688. `open_room` opens it all on one store; `migrate` brings a store's schema
up to date. Every call raises StoreUnavailable when the store cannot be used, and may then be repeated.
"""

from services.delivery.claims import Patience
from services.delivery.commands import run_command
from services.delivery.dead_letters import DeadLetters
from services.delivery.deliveries import Deliveries, Delivery, Order, State
from services.delivery.depth import DepthLimits
from services.delivery.engine import StoreLimits
from services.delivery.erasure import Erased, erase
from services.delivery.full_orders import FullOrder, FullOrders, Kind
from services.delivery.handout import Handout
from services.delivery.inbox import Inbox, Incoming, Stored
from services.delivery.leases import Lease, alone
from services.delivery.message import Message
from services.delivery.migrating import migrate
from services.delivery.once import Once
from services.delivery.outcomes import Again, Dead, Delivered, Outcome
from services.delivery.paging import Page
from services.delivery.relay import Relay, RelayLimits, Send
from services.delivery.request_ids import Begun, Finished, RequestedCall, RequestIds, Unclear
from services.delivery.retention import Keep, Retention, SweepLimits
from services.delivery.room import Room, RoomLimits, open_room
from services.delivery.settings import StoreSettings
from services.delivery.sole import sole_process
from services.delivery.store import Store, open_store
from services.delivery.subscriptions import Subscription, SubscriptionLimits, SubscriptionName, Subscriptions

__all__ = [
    "Again",
    "Begun",
    "Dead",
    "DeadLetters",
    "Delivered",
    "Deliveries",
    "Delivery",
    "DepthLimits",
    "Erased",
    "Finished",
    "FullOrder",
    "FullOrders",
    "Handout",
    "Inbox",
    "Incoming",
    "Keep",
    "Kind",
    "Lease",
    "Message",
    "Once",
    "Order",
    "Outcome",
    "Page",
    "Patience",
    "Relay",
    "RelayLimits",
    "RequestIds",
    "RequestedCall",
    "Retention",
    "Room",
    "RoomLimits",
    "Send",
    "State",
    "Store",
    "StoreLimits",
    "StoreSettings",
    "Stored",
    "Subscription",
    "SubscriptionLimits",
    "SubscriptionName",
    "Subscriptions",
    "SweepLimits",
    "Unclear",
    "alone",
    "erase",
    "migrate",
    "open_room",
    "open_store",
    "run_command",
    "sole_process",
]
