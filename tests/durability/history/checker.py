"""Applies all rules to a history.

A rule reports only what no order of events within their intervals explains: an action may have taken effect
at any moment between its start and its end. So a violation is certain, whatever the delays were.
"""

from collections.abc import Callable, Iterable, Mapping

from tests.durability.history import delivery_rules, message_rules, order_rules, request_rules
from tests.durability.history.events import Event
from tests.durability.history.index import History, Violation

Rule = Callable[[History], Iterable[Violation]]

RULES: Mapping[str, Rule] = {
    "exclusion": message_rules.find_two_holders,
    "message_sequence": message_rules.find_overtaken_messages,
    "message_lost": message_rules.find_lost_messages,
    "message_unknown": message_rules.find_unknown_messages,
    "acknowledgement_undone": message_rules.find_redelivered_after_acknowledgement,
    "late_acknowledgement_refused": message_rules.find_refused_late_acknowledgements,
    "lease_of_another": message_rules.find_actions_on_leases_of_others,
    "dead_too_early": message_rules.find_messages_dead_too_early,
    "delivery_lost": delivery_rules.find_lost_deliveries,
    "delivery_sequence": delivery_rules.find_overtaken_deliveries,
    "delivery_exclusion": delivery_rules.find_concurrent_sends,
    "delivery_cancelled": delivery_rules.find_sent_after_cancellation,
    "request_repeated": request_rules.find_repeated_effects,
    "request_burnt": request_rules.find_ids_without_effect,
    "request_unfinished": request_rules.find_unfinished_requests,
    "response_false": request_rules.find_false_responses,
    "order_undone": order_rules.find_undone_fields,
    "order_overwritten": order_rules.find_late_effects,
    "order_not_sent": order_rules.find_orders_not_sent,
}


def check(events: Iterable[Event]) -> list[Violation]:
    """Return all violations, by rule."""
    history = History(events)
    return [violation for rule in RULES.values() for violation in rule(history)]
