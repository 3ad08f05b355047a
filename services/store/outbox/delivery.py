"""A delivery: a sync that is stored until 1688 has accepted it."""

import json
import uuid
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Row

STATE_PREFIX = "DELIVERY_STATE_"
"""Prefix of the states in the enum DeliveryState of the proto."""


class OrderIdKind(StrEnum):
    """What an id of the national site identifies."""

    ORDER = "order"
    SUB_ORDER = "sub_order"
    LOGISTICS_ORDER = "logistics_order"


OrderId = tuple[OrderIdKind, str]


def parse_order_ids(text: str) -> set[OrderId]:
    """Parse the column `order_ids`."""
    return {
        (OrderIdKind(kind), value) for kind, _, value in (each.partition(":") for each in json.loads(text))
    }


class State(StrEnum):
    """The state of a delivery."""

    PENDING = "PENDING"
    """Not sent yet, in flight, or to be retried."""
    DELIVERED = "DELIVERED"
    """1688 accepted it."""
    DEAD = "DEAD"
    """It failed permanently; `last_error` has the reason."""
    CANCELLED = "CANCELLED"


def build_order_group(order_id: str) -> str:
    """Return the ordering group of the deliveries whose key is the id of their order."""
    return f"order:{order_id}"


class NewDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery to enqueue."""

    caller: str
    """The caller's identity; may be empty."""
    request_id: str
    """A second request with the same id and content gets the same delivery."""
    content_hash: bytes
    """SHA-256 of the whole request."""
    rpc: str
    """The RPC that sends such a sync."""
    payload: bytes
    """The sync, serialized."""
    ordering_key: str
    is_key_chosen: bool = False
    """Whether the caller chose the key: then it orders only this caller's deliveries. Otherwise the key is
    the id of the order, and orders the deliveries of all callers."""
    member_id: str | None = None
    """The buyer's `out_member_id`, if the sync has one: for erasure."""
    order_ids: Collection[OrderId] = ()
    """The orders, sub-orders and logistics orders of the national site in the sync: for erasure."""

    @property
    def ordering_group(self) -> str:
        """Deliveries of a group are sent one at a time, in the order in which they were enqueued.

        The length of the caller is in it so that no two pairs of a caller and a key have the same group.
        """
        if self.is_key_chosen:
            return f"caller:{len(self.caller)}:{self.caller}:{self.ordering_key}"
        return build_order_group(self.ordering_key)

    def to_row(self, now_ms: int) -> dict[str, Any]:
        """Return the row of the table `deliveries`, without the columns that are null."""
        return {
            "caller": self.caller,
            "request_id": self.request_id,
            "content_hash": self.content_hash,
            "rpc": self.rpc,
            "payload": self.payload,
            "ordering_key": self.ordering_key,
            "member_id": self.member_id,
            "order_ids": json.dumps([f"{kind}:{value}" for kind, value in self.order_ids]),
            "ordering_group": self.ordering_group,
            "delivery_id": str(uuid.uuid4()),
            "state": State.PENDING,
            "attempts": 0,
            "failures": 0,
            "retry_start_time_ms": now_ms,
            "create_time_ms": now_ms,
            "next_attempt_time_ms": 0,
            "lease_expire_time_ms": 0,
            "outcome_unknown": False,
        }


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A stored delivery. Times are milliseconds since the epoch."""

    delivery_id: str
    caller: str
    request_id: str
    rpc: str
    payload: bytes
    """The sync, serialized. Empty in a list without payloads."""
    ordering_key: str
    ordering_group: str
    """See `NewDelivery.ordering_group`."""
    state: State
    attempts: int
    """How often it was attempted. The send function gets it with the present attempt included."""
    last_error: bytes | None
    """The error of the last failed attempt, as the send function returned it."""
    results: bytes | None
    """What the send function returned for callers and for its next attempt."""
    create_time_ms: int
    last_attempt_time_ms: int | None
    next_attempt_time_ms: int | None
    """Earliest time of the next attempt. None if the delivery is finished."""
    finish_time_ms: int | None
    previous_outcome_unknown: bool = False
    """For the send function: 1688 may have executed an earlier attempt."""

    @classmethod
    def from_row(cls, row: "Row[Any]", *, previous_outcome_unknown: bool = False) -> "Delivery":
        """Read a row of the table `deliveries`."""
        return cls.from_columns(row._mapping, previous_outcome_unknown=previous_outcome_unknown)

    @classmethod
    def from_columns(cls, row: Mapping[Any, Any], *, previous_outcome_unknown: bool = False) -> "Delivery":
        """Read the columns of a row. Those that are null may be missing."""
        next_attempt_time_ms = row["next_attempt_time_ms"]
        return cls(
            delivery_id=row["delivery_id"],
            caller=row["caller"],
            request_id=row["request_id"],
            rpc=row["rpc"],
            payload=row["payload"],
            ordering_key=row["ordering_key"],
            ordering_group=row["ordering_group"],
            state=State(row["state"]),
            attempts=row["attempts"],
            last_error=row.get("last_error"),
            results=row.get("results"),
            create_time_ms=row["create_time_ms"],
            last_attempt_time_ms=row.get("last_attempt_time_ms"),
            next_attempt_time_ms=(
                row["retry_start_time_ms"] if next_attempt_time_ms == 0 else next_attempt_time_ms
            ),
            finish_time_ms=row.get("finish_time_ms"),
            previous_outcome_unknown=previous_outcome_unknown,
        )
