"""Rules of orders: no acknowledged field is undone by a request that knew an older order.

On the open platform every sync sends the whole order, so a sync of one field repeats the others as it knows
them. `sets` of a call are the fields that it changes, `content` of a request all fields.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.durability.history.index import FOREVER, History, Violation


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sync:
    """A direct call, or an enqueued delivery."""

    sets: Mapping[str, Any]
    is_full: bool
    start_ms: float
    end_ms: float
    """When the caller got the outcome. A delivery has no such time: its caller does not wait for it."""
    is_acknowledged: bool
    """Whether its last effect is stored: then no later sync may use an older order."""
    is_direct: bool

    @property
    def mark(self) -> Mapping[str, Any]:
        """The field whose value only this sync uses; empty if there is none."""
        field = "version" if self.is_full else "status"
        return {field: self.sets[field]} if field in self.sets else {}

    def apply(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return the order that 1688 has after this sync."""
        return dict(self.sets) if self.is_full else {**content, **self.sets}


def find_undone_fields(history: History) -> Iterator[Violation]:
    """Each request is a sync applied to what 1688 had before.

    What 1688 had before may be older only as far as the syncs since then were not acknowledged.
    """
    for key, syncs in _syncs_by_key(history).items():
        bases: list[dict[str, Any]] = [{}]
        for sent in history.effects("order", key):
            content = dict(sent.content)
            senders = [
                sync
                for sync in syncs
                if sync.start_ms <= sent.executed_ms and any(sync.apply(base) == content for base in bases)
            ]
            if not senders:
                yield Violation(
                    "order_undone",
                    f"{key}: {content} was executed at {sent.executed_ms:.0f}, although 1688 had {bases[0]}",
                )
            if all(sync.is_acknowledged for sync in senders):
                bases = [content]
            else:
                bases = [content, *(base for base in bases if base != content)]


def find_late_effects(history: History) -> Iterator[Violation]:
    """A direct call whose caller has its outcome does not overwrite a later acknowledged full order."""
    for key, syncs in _syncs_by_key(history).items():
        effects = history.effects("order", key)
        for first in syncs:
            is_repeated = any(sync.mark == first.mark for sync in syncs if sync is not first)
            if not first.is_direct or first.is_acknowledged or not first.mark or is_repeated:
                continue
            for second in syncs:
                if not (second.is_full and second.is_acknowledged and second.start_ms > first.end_ms):
                    continue
                late = [
                    sent
                    for sent in effects
                    if sent.executed_ms > second.end_ms and sent.content.items() >= first.mark.items()
                ]
                if late:
                    yield Violation(
                        "order_overwritten",
                        f"{key}: {dict(first.sets)} of a call that ended at {first.end_ms:.0f} was executed "
                        f"at {late[0].executed_ms:.0f}, after {dict(second.sets)} was acknowledged at "
                        f"{second.end_ms:.0f}",
                    )


def find_orders_not_sent(history: History) -> Iterator[Violation]:
    """An acknowledged direct call was executed before its response."""
    for key, syncs in _syncs_by_key(history).items():
        for sync in syncs:
            if not (sync.is_direct and sync.is_acknowledged):
                continue
            if not any(
                sent.executed_ms <= sync.end_ms and sent.content.items() >= sync.sets.items()
                for sent in history.effects("order", key)
            ):
                yield Violation(
                    "order_not_sent", f"{key}: {dict(sync.sets)} was acknowledged at {sync.end_ms:.0f}"
                )


def _syncs_by_key(history: History) -> Mapping[str, list[_Sync]]:
    by_key: dict[str, list[_Sync]] = {}
    for call in history.calls:
        if call.operation == "order":
            by_key.setdefault(call.key, []).append(
                _Sync(
                    sets=call.sets,
                    is_full=call.is_full,
                    start_ms=call.start_ms,
                    end_ms=call.end_ms,
                    is_acknowledged=call.outcome == "OK",
                    is_direct=True,
                )
            )
    for enqueued in history.enqueued:
        by_key.setdefault(enqueued.key, []).append(
            _Sync(
                sets=enqueued.sets,
                is_full=enqueued.is_full,
                start_ms=enqueued.start_ms,
                end_ms=FOREVER,
                # After an attempt whose outcome was lost it is sent again, perhaps after other syncs.
                is_acknowledged=history.delivery_states.get(enqueued.request_id) == "DELIVERED"
                and history.delivery_attempts[enqueued.request_id] == 1,
                is_direct=False,
            )
        )
    return by_key
