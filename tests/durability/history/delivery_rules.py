"""Rules of deliveries: syncs that were enqueued."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise

from tests.durability.history.events import Enqueued, Sent
from tests.durability.history.index import FOREVER, History, Violation


def find_lost_deliveries(history: History) -> Iterator[Violation]:
    """Every enqueued delivery exists at the end, is finished, and was sent if it is delivered."""
    for enqueued in history.enqueued:
        if enqueued.end_ms is None:
            continue
        state = history.delivery_states.get(enqueued.request_id, "missing")
        if state in ("missing", "PENDING"):
            yield Violation("delivery_lost", f"{_name(enqueued)} is {state}")
        elif state == "DELIVERED" and not any(
            _carries(sent, enqueued) for sent in history.effects("order", enqueued.key)
        ):
            yield Violation("delivery_lost", f"{_name(enqueued)} is DELIVERED, and was not sent")


def find_overtaken_deliveries(history: History) -> Iterator[Violation]:
    """A delivery is sent after the earlier deliveries of its key are sent, dead or cancelled."""
    for key, deliveries in _by_key(history).items():
        ordered = sorted(
            (enqueued for enqueued in deliveries if enqueued.end_ms is not None),
            key=lambda enqueued: enqueued.start_ms,
        )
        sent_ms = {
            enqueued.request_id: [
                sent.executed_ms for sent in history.effects("order", key) if _carries(sent, enqueued)
            ]
            for enqueued in ordered
        }
        for index, second in enumerate(ordered):
            first_sent_ms = min(sent_ms[second.request_id], default=FOREVER)
            for first in ordered[:index]:
                if first.end_ms > second.start_ms or first_sent_ms == FOREVER:
                    continue
                times_ms = sent_ms[first.request_id]
                if min(times_ms, default=FOREVER) > first_sent_ms and not _may_be_skipped(history, first):
                    yield Violation(
                        "delivery_sequence",
                        f"{_name(second)} was sent at {first_sent_ms:.0f}, before {_name(first)}",
                    )


def find_concurrent_sends(history: History) -> Iterator[Violation]:
    """Two syncs of one order, enqueued or direct, are not executed at the same time."""
    for (operation, key), requests in history.sent.items():
        if operation != "order":
            continue
        executed = sorted(
            (sent for sent in requests if sent.executed_ms is not None), key=lambda sent: sent.received_ms
        )
        for first, second in pairwise(executed):
            if second.received_ms < first.executed_ms and second.content != first.content:
                yield Violation(
                    "delivery_exclusion",
                    f"{key}: {dict(second.content)} was received at {second.received_ms:.0f}, while "
                    f"{dict(first.content)} was executed until {first.executed_ms:.0f}",
                )


def find_sent_after_cancellation(history: History) -> Iterator[Violation]:
    """A cancelled delivery is not sent afterwards, and stays cancelled."""
    for enqueued in history.enqueued:
        ends_ms = [
            cancelled.end_ms
            for cancelled in history.cancellations.get(enqueued.request_id, ())
            if cancelled.outcome == "ok" and cancelled.end_ms is not None
        ]
        if not ends_ms:
            continue
        if (state := history.delivery_states.get(enqueued.request_id, "missing")) != "CANCELLED":
            yield Violation("delivery_cancelled", f"{_name(enqueued)} was cancelled, and is {state}")
        for sent in history.effects("order", enqueued.key):
            if _carries(sent, enqueued) and sent.received_ms > min(ends_ms):
                yield Violation(
                    "delivery_cancelled",
                    f"{_name(enqueued)} was sent at {sent.received_ms:.0f}, cancelled at {min(ends_ms):.0f}",
                )


def _by_key(history: History) -> Mapping[str, list[Enqueued]]:
    """Return the deliveries of each key to which no direct calls were made: those may come in between."""
    by_key: defaultdict[str, list[Enqueued]] = defaultdict(list)
    called = {call.key for call in history.calls if call.operation == "order"}
    for enqueued in history.enqueued:
        if enqueued.key not in called:
            by_key[enqueued.key].append(enqueued)
    return by_key


def _carries(sent: Sent, enqueued: Enqueued) -> bool:
    return all(sent.content.get(field) == value for field, value in enqueued.sets.items())


def _may_be_skipped(history: History, enqueued: Enqueued) -> bool:
    is_dead = history.delivery_states.get(enqueued.request_id) == "DEAD"
    may_be_cancelled = any(
        cancelled.outcome in ("ok", "unknown")
        for cancelled in history.cancellations.get(enqueued.request_id, ())
    )
    return is_dead or may_be_cancelled


def _name(enqueued: Enqueued) -> str:
    return f"{enqueued.key} {dict(enqueued.sets)}"
