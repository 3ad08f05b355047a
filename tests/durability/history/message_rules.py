"""Rules of messages and their leases."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from tests.durability.history.events import MessageDelivered
from tests.durability.history.index import FOREVER, History, Violation


def find_two_holders(history: History) -> Iterator[Violation]:
    """At most one delivery of an ordering key, so also of a message, is leased at a time."""
    by_key: defaultdict[tuple[str, str], list[MessageDelivered]] = defaultdict(list)
    for delivered in history.delivered.values():
        by_key[delivered.subscription, history.key_of(delivered)].append(delivered)
    for (subscription, key), deliveries in by_key.items():
        held = sorted(
            (each.received_ms, _held_until_ms(history, each), each.ack_id, each) for each in deliveries
        )
        held = [each for each in held if each[0] < each[1]]
        latest = held[:1]
        for second in held[1:]:
            first = latest[0]
            if second[0] < first[1]:
                yield Violation(
                    "exclusion",
                    f"{subscription} {key}: {_name(first[3])} is held until {first[1]:.0f}, "
                    f"{_name(second[3])} was received at {second[0]:.0f}",
                )
            latest = [max(first, second, key=lambda each: each[1])]


def _held_until_ms(history: History, delivered: MessageDelivered) -> float:
    """Return until when the consumer certainly has the message under a lease."""
    skew_ms = history.scenario.clock_skew_ms
    end_ms = delivered.leased_ms + delivered.lease_ms - skew_ms
    changes = history.lease_changes.get(delivered.ack_id, ())
    for change in sorted(changes, key=lambda change: change.start_ms):
        if not change.lease_ms or change.outcome == "lapsed":
            continue
        changed_end_ms = change.start_ms + change.lease_ms - skew_ms
        # A change for an acknowledged message is ignored, and its outcome is ok.
        may_be_ignored = any(
            ack.ack_id != delivered.ack_id and (change.end_ms is None or ack.start_ms <= change.end_ms)
            for ack in history.acks_of(delivered.subscription, delivered.message)
        )
        if change.outcome == "ok" and not may_be_ignored:
            end_ms = changed_end_ms
        else:
            end_ms = min(end_ms, changed_end_ms)
    ends_ms = [change.start_ms for change in changes if not change.lease_ms and change.outcome != "lapsed"]
    ends_ms += [ack.start_ms for ack in history.acks.get(delivered.ack_id, ()) if ack.outcome != "lapsed"]
    return min([end_ms, history.ended_ms.get(delivered.ack_id, FOREVER), *ends_ms])


def find_overtaken_messages(history: History) -> Iterator[Violation]:
    """A message is delivered only after the older stored messages of its key are acknowledged or dead."""
    by_key: defaultdict[str, list[str]] = defaultdict(list)
    for stored in history.stored.values():
        by_key[stored.key].append(stored.message)
    resolved_ms = {
        (subscription, message): _resolved_ms(history, subscription, message)
        for subscription in history.subscriptions
        for message in history.stored
    }
    for second in history.delivered.values():
        stored = history.stored.get(second.message)
        for message in by_key[stored.key] if stored else ():
            first = history.stored[message]
            if (
                first.event_time_ms < stored.event_time_ms
                and first.end_ms is not None
                and first.end_ms < second.leased_ms
                and second.received_ms < resolved_ms[second.subscription, message]
            ):
                yield Violation(
                    "message_sequence",
                    f"{second.subscription} {stored.key}: {_name(second)} was received at "
                    f"{second.received_ms:.0f}, before {message}, which was stored at {first.end_ms:.0f}",
                )


def _resolved_ms(history: History, subscription: str, message: str) -> float:
    """Return when a message was acknowledged or dead, at the earliest."""
    dead = history.dead.get((subscription, message))
    starts_ms = [ack.start_ms for ack in history.acks_of(subscription, message)]
    return min([*starts_ms, FOREVER if dead is None else dead.dead_ms])


def find_lost_messages(history: History) -> Iterator[Violation]:
    """Every stored message is acknowledged or dead at the end, in every subscription."""
    for subscription, messages in history.backlogs.items():
        if messages:
            yield Violation("message_lost", f"{subscription}: {messages} messages remain in the backlog")
    for subscription in history.subscriptions:
        for stored in history.stored.values():
            if stored.end_ms is not None and _resolved_ms(history, subscription, stored.message) == FOREVER:
                deliveries = history.deliveries_of.get((subscription, stored.message), [])
                last = max(deliveries, key=lambda each: each.received_ms, default=None)
                state = (
                    f"last delivered as {_name(last)} at {last.received_ms:.0f}, held until "
                    f"{_held_until_ms(history, last):.0f}"
                    if last
                    else "never delivered"
                )
                yield Violation("message_lost", f"{subscription} {stored.message}: {state}")


def find_unknown_messages(history: History) -> Iterator[Violation]:
    """Every delivered message was pushed before."""
    for delivered in history.delivered.values():
        stored = history.stored.get(delivered.message)
        if stored is None or delivered.received_ms < stored.start_ms:
            yield Violation("message_unknown", f"{delivered.subscription}: {_name(delivered)}")


def find_redelivered_after_acknowledgement(history: History) -> Iterator[Violation]:
    """An acknowledged message is not leased again, and is not dead."""
    for (subscription, message), deliveries in history.deliveries_of.items():
        acked_ms = min(
            (
                ack.end_ms
                for ack in history.acks_of(subscription, message)
                if ack.outcome == "ok" and ack.end_ms is not None
            ),
            default=FOREVER,
        )
        for delivered in deliveries:
            if delivered.leased_ms > acked_ms:
                yield Violation(
                    "acknowledgement_undone",
                    f"{subscription}: {_name(delivered)} was leased at {delivered.leased_ms:.0f}, "
                    f"acknowledged at {acked_ms:.0f}",
                )
        if acked_ms < FOREVER and (subscription, message) in history.dead:
            yield Violation(
                "acknowledgement_undone", f"{subscription}: {message} is dead, acknowledged at {acked_ms:.0f}"
            )


def find_refused_late_acknowledgements(history: History) -> Iterator[Violation]:
    """An acknowledgement counts until the message is delivered again, also after the end of the lease."""
    for delivered in history.delivered.values():
        others = [
            other
            for other in history.deliveries_of[delivered.subscription, delivered.message]
            if other.ack_id != delivered.ack_id
        ]
        for ack in history.acks.get(delivered.ack_id, ()):
            end_ms = FOREVER if ack.end_ms is None else ack.end_ms
            if (
                ack.outcome == "lapsed"
                and not any(
                    delivered.leased_ms <= other.received_ms and other.leased_ms <= end_ms for other in others
                )
                and not history.has_interruption(delivered.subscription, delivered.leased_ms, end_ms)
            ):
                yield Violation(
                    "late_acknowledgement_refused",
                    f"{delivered.subscription}: {_name(delivered)} lapsed at {end_ms:.0f}, "
                    "without another delivery",
                )


def find_actions_on_leases_of_others(history: History) -> Iterator[Violation]:
    """An acknowledgement or a change of a lease has no effect after the next delivery of the message."""
    for (subscription, message), deliveries in history.deliveries_of.items():
        ordered = sorted(deliveries, key=lambda each: each.received_ms)
        for first, second in pairwise(ordered):
            actions = (*history.acks.get(first.ack_id, ()), *history.lease_changes.get(first.ack_id, ()))
            for action in actions:
                if action.outcome != "ok" or action.start_ms <= second.received_ms:
                    continue
                # An action on an acknowledged message is ignored, and not reported as lapsed.
                is_acknowledged = any(
                    ack.start_ms <= (FOREVER if action.end_ms is None else action.end_ms)
                    for ack in history.acks_of(subscription, message)
                    if ack is not action
                )
                if not is_acknowledged:
                    yield Violation(
                        "lease_of_another",
                        f"{subscription}: {action.name} of {_name(first)} at {action.start_ms:.0f} had an "
                        f"effect, after {_name(second)} was received at {second.received_ms:.0f}",
                    )


def find_messages_dead_too_early(history: History) -> Iterator[Violation]:
    """A message is dead only after the maximum of deliveries, lost ones included."""
    maximum = history.scenario.max_delivery_attempts
    for (subscription, message), dead in history.dead.items():
        if dead.attempts < maximum:
            yield Violation("dead_too_early", f"{subscription} {message}: after {dead.attempts} deliveries")
        deliveries = history.deliveries_of.get((subscription, message), [])
        stored = history.stored.get(message)
        is_certain = stored is None or not history.has_interruption(
            subscription, stored.start_ms, dead.dead_ms
        )
        if is_certain and len(deliveries) < maximum:
            yield Violation("dead_too_early", f"{subscription} {message}: {len(deliveries)} were received")


def _name(delivered: MessageDelivered) -> str:
    return f"{delivered.message} ({delivered.ack_id} to {delivered.consumer})"
