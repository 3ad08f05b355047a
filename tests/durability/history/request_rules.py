"""Rules of refunds: calls with a request id, each for an order of its own."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from tests.durability.history.events import Called
from tests.durability.history.index import FOREVER, History, Violation

OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
FINAL = {"OK", OUTCOME_UNKNOWN, "UPSTREAM_STATE"}
"""Outcomes after which a caller does not retry."""


def find_repeated_effects(history: History) -> Iterator[Violation]:
    """A request id has at most one effect: after it, 1688 receives nothing more."""
    for request_id, calls in _by_request_id(history).items():
        key = calls[0].key
        first = next(iter(history.effects("refund", key)), None)
        requests = history.sent.get(("refund", key), ())
        later = [sent for sent in requests if first and sent is not first]
        later = [sent for sent in later if sent.received_ms > first.received_ms]
        if later:
            yield Violation(
                "request_repeated",
                f"{request_id}: executed at {first.executed_ms:.0f}, "
                f"received again at {later[0].received_ms:.0f}",
            )


def find_ids_without_effect(history: History) -> Iterator[Violation]:
    """The outcome is unknown only if 1688 may have received the request, or a replica was killed."""
    for request_id, calls in _by_request_id(history).items():
        unknown = [call for call in calls if call.outcome == OUTCOME_UNKNOWN]
        if not unknown or history.sent.get(("refund", calls[0].key)):
            continue
        end_ms = unknown[0].end_ms
        start_ms = min(call.start_ms for call in calls)
        if not any(kill.start_ms <= end_ms and kill.end_ms >= start_ms for kill in history.kills):
            yield Violation("request_burnt", f"{request_id}: {OUTCOME_UNKNOWN} at {end_ms:.0f}, never sent")


def find_unfinished_requests(history: History) -> Iterator[Violation]:
    """A caller that retries gets a final outcome."""
    for request_id, calls in _by_request_id(history).items():
        last = max(calls, key=lambda call: call.end_ms)
        if not any(call.outcome in FINAL for call in calls):
            yield Violation("request_unfinished", f"{request_id}: {last.outcome} at {last.end_ms:.0f}")


def find_false_responses(history: History) -> Iterator[Violation]:
    """OK means that 1688 executed the request, and every OK of an id has the same response."""
    for request_id, calls in _by_request_id(history).items():
        effects = history.effects("refund", calls[0].key)
        successes = [call for call in calls if call.outcome == "OK"]
        for call in successes:
            if not any(sent.executed_ms <= call.end_ms for sent in effects):
                yield Violation("response_false", f"{request_id}: OK at {call.end_ms:.0f}, without effect")
        if len({call.response for call in successes}) > 1:
            yield Violation("response_false", f"{request_id}: {[call.response for call in successes]}")
        known_ms = min((call.end_ms for call in successes), default=FOREVER)
        for call in calls:
            if call.start_ms > known_ms and call.outcome == OUTCOME_UNKNOWN:
                yield Violation(
                    "response_false",
                    f"{request_id}: OK at {known_ms:.0f}, and {OUTCOME_UNKNOWN} at {call.end_ms:.0f}",
                )


def _by_request_id(history: History) -> Mapping[str, Sequence[Called]]:
    by_id: defaultdict[str, list[Called]] = defaultdict(list)
    for call in history.calls:
        if call.operation == "refund":
            by_id[call.request_id].append(call)
    return by_id
