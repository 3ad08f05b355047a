"""The events of a history, and their form as JSON lines.

Times are milliseconds since the epoch by the clock of the test's machine, which no test changes. An action
has a start and an end: it took effect between them. `end_ms` None: no response arrived, so that it may take
effect at any time after its start, or never.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

Outcome = Literal["ok", "lapsed", "refused", "unknown"]
"""Of an action: done, without effect because the lease was lost, rejected, or no response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What the rules need to know about the run. The first event."""

    name: ClassVar[str] = "scenario"

    title: str = ""
    seed: int = 0
    clock_skew_ms: float = 0
    """How far the clocks of the replicas may differ. Leases may end this much earlier."""
    max_delivery_attempts: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageStored:
    """A message was pushed until the callback responded with 200."""

    name: ClassVar[str] = "message_stored"

    message: str
    key: str
    event_time_ms: float
    start_ms: float
    end_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDelivered:
    """A consumer received a message under a lease."""

    name: ClassVar[str] = "message_delivered"

    subscription: str
    message: str
    ack_id: str
    consumer: str
    leased_ms: float
    """Start of the lease at the earliest."""
    received_ms: float
    """Start of the lease at the latest."""
    lease_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A consumer acknowledged a message."""

    name: ClassVar[str] = "acknowledged"

    ack_id: str
    start_ms: float
    end_ms: float | None
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseSet:
    """A consumer changed its lease. `lease_ms` 0: it released the message."""

    name: ClassVar[str] = "lease_set"

    ack_id: str
    lease_ms: float
    start_ms: float
    end_ms: float | None
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerEnded:
    """A stream ended, or a consumer gave up its messages: it no longer has them."""

    name: ClassVar[str] = "consumer_ended"

    consumer: str
    ack_ids: list[str]
    start_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLost:
    """Messages may have been delivered in this time without reaching the consumer."""

    name: ClassVar[str] = "delivery_lost"

    subscription: str
    consumer: str
    start_ms: float
    end_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDead:
    """A message was in the list of dead messages at the end."""

    name: ClassVar[str] = "message_dead"

    subscription: str
    message: str
    attempts: int
    dead_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The backlog of a subscription at the end, after its consumers had enough time."""

    name: ClassVar[str] = "backlog"

    subscription: str
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueued:
    """A sync was enqueued. It sets one field of an order to a value."""

    name: ClassVar[str] = "enqueued"

    request_id: str
    key: str
    sets: Mapping[str, Any]
    start_ms: float
    end_ms: float | None
    is_full: bool = False
    """Whether it replaces the whole order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCancelled:
    """A caller cancelled a delivery."""

    name: ClassVar[str] = "delivery_cancelled"

    request_id: str
    start_ms: float
    end_ms: float | None
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryState:
    """The state of a delivery at the end."""

    name: ClassVar[str] = "delivery_state"

    request_id: str
    state: Literal["PENDING", "DELIVERED", "DEAD", "CANCELLED"]
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """A direct call with an effect at 1688."""

    name: ClassVar[str] = "called"

    operation: Literal["refund", "order"]
    key: str
    """The order."""
    start_ms: float
    end_ms: float
    outcome: str
    """OK, CANCELLED if the caller cancelled, or the reason of the error."""
    request_id: str = ""
    sets: Mapping[str, Any] = field(default_factory=dict)
    is_full: bool = False
    response: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """1688 received a request. From the log of the sandbox."""

    name: ClassVar[str] = "sent"

    operation: Literal["refund", "order"]
    key: str
    received_ms: float
    executed_ms: float | None
    """When it took effect; None if it did not."""
    content: Mapping[str, Any] = field(default_factory=dict)
    """The fields of the order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """A replica was killed, and was ready again at the end."""

    name: ClassVar[str] = "killed"

    replica: str
    start_ms: float
    end_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitCut:
    """A connection to the database was cut during a COMMIT."""

    name: ClassVar[str] = "commit_cut"

    committed: bool
    """Whether the server had executed the COMMIT."""
    statements: str
    """The first words of the transaction's statements."""
    start_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStepped:
    """The clock of a replica was set."""

    name: ClassVar[str] = "clock_stepped"

    replica: str
    offset_ms: float
    start_ms: float


Event = (
    Scenario
    | MessageStored
    | MessageDelivered
    | Acknowledged
    | LeaseSet
    | ConsumerEnded
    | DeliveryLost
    | MessageDead
    | Backlog
    | Enqueued
    | DeliveryCancelled
    | DeliveryState
    | Called
    | Sent
    | Killed
    | CommitCut
    | ClockStepped
)
_TYPES: Mapping[str, type[Any]] = {event_type.name: event_type for event_type in Event.__args__}


def to_line(event: Event) -> str:
    """Return an event as a line of JSON."""
    return json.dumps({"event": event.name} | asdict(event), ensure_ascii=False)


def parse_lines(lines: Iterable[str]) -> list[Event]:
    """Return the events of JSON lines. Empty lines, and lines that begin with #, are ignored."""
    return [_parse(json.loads(line)) for line in lines if line.strip() and not line.startswith("#")]


def read_history(path: Path) -> list[Event]:
    """Return the events of a file."""
    with path.open(encoding="utf-8") as file:
        return parse_lines(file)


def _parse(members: dict[str, Any]) -> Event:
    event: Event = _TYPES[members.pop("event")](**members)
    return event
