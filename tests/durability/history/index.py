"""The events of a history by what the rules look up."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.durability.history.events import (
    Acknowledged,
    Backlog,
    Called,
    CommitCut,
    ConsumerEnded,
    DeliveryCancelled,
    DeliveryLost,
    DeliveryState,
    Enqueued,
    Event,
    Killed,
    LeaseSet,
    MessageDead,
    MessageDelivered,
    MessageStored,
    Scenario,
    Sent,
)

T = TypeVar("T")
K = TypeVar("K")
FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that the history breaks."""

    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.text}"


class History:
    """A history, indexed."""

    def __init__(self, events: Iterable[Event]) -> None:
        events = list(events)

        def select(event_type: type[T]) -> list[T]:
            return [event for event in events if isinstance(event, event_type)]

        self.scenario = next(iter(select(Scenario)), Scenario())
        self.stored = {stored.message: stored for stored in select(MessageStored)}
        self.delivered = {delivered.ack_id: delivered for delivered in select(MessageDelivered)}
        self.acks = _group(select(Acknowledged), lambda ack: ack.ack_id)
        self.lease_changes = _group(select(LeaseSet), lambda change: change.ack_id)
        self.dead = {(dead.subscription, dead.message): dead for dead in select(MessageDead)}
        self.backlogs = {backlog.subscription: backlog.messages for backlog in select(Backlog)}
        self.ended_ms: dict[str, float] = {}
        """Ack id -> when its consumer ended."""
        for ended in select(ConsumerEnded):
            for ack_id in ended.ack_ids:
                self.ended_ms[ack_id] = min(ended.start_ms, self.ended_ms.get(ack_id, FOREVER))
        self.lost_deliveries = _group(select(DeliveryLost), lambda lost: lost.subscription)
        self.kills = select(Killed)
        self.cuts = select(CommitCut)

        self.enqueued = select(Enqueued)
        self.cancellations = _group(select(DeliveryCancelled), lambda cancelled: cancelled.request_id)
        finals = select(DeliveryState)
        self.delivery_states = {final.request_id: final.state for final in finals}
        self.delivery_attempts = {final.request_id: final.attempts for final in finals}
        self.calls = select(Called)
        self.sent = _group(select(Sent), lambda sent: (sent.operation, sent.key))

        self.deliveries_of: dict[tuple[str, str], list[MessageDelivered]] = _group(
            self.delivered.values(), lambda delivered: (delivered.subscription, delivered.message)
        )
        """Subscription and message -> its deliveries."""

    @property
    def subscriptions(self) -> list[str]:
        """The subscriptions. Each has all messages."""
        return sorted(
            {subscription for subscription, _ in (*self.deliveries_of, *self.dead)} | set(self.backlogs)
        )

    def key_of(self, delivered: MessageDelivered) -> str:
        """Return the ordering key of a delivered message."""
        stored = self.stored.get(delivered.message)
        return stored.key if stored else f"message {delivered.message}"

    def acks_of(self, subscription: str, message: str) -> list[Acknowledged]:
        """Return the acknowledgements of all deliveries of a message, except lapsed ones."""
        return [
            ack
            for delivered in self.deliveries_of.get((subscription, message), ())
            for ack in self.acks.get(delivered.ack_id, ())
            if ack.outcome in ("ok", "unknown")
        ]

    def has_interruption(self, subscription: str, start_ms: float, end_ms: float) -> bool:
        """Return whether a delivery to the subscription may have been lost in a time."""
        return (
            any(
                lost.start_ms <= end_ms and lost.end_ms >= start_ms
                for lost in self.lost_deliveries.get(subscription, ())
            )
            or any(kill.start_ms <= end_ms and kill.end_ms >= start_ms for kill in self.kills)
            or any(start_ms <= cut.start_ms <= end_ms for cut in self.cuts)
        )

    def effects(self, operation: str, key: str) -> list[Sent]:
        """Return the requests that took effect, in this order."""
        sent: Sequence[Sent] = self.sent.get((operation, key), ())
        return sorted(
            (each for each in sent if each.executed_ms is not None), key=lambda each: each.executed_ms or 0
        )


def _group(events: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    groups: defaultdict[K, list[T]] = defaultdict(list)
    for event in events:
        groups[key(event)].append(event)
    return dict(groups)
