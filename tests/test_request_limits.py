"""Every list, text and byte string of a request has a maximum: after the release it could not be added."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.store.inbox.inbox import MAX_TEXT_LENGTH
from services.validation import buf_validate
from tests.support.sample_cases import SERVICES

BOUNDED_TEXTS = ("max_len", "len", "max_bytes", "len_bytes", "uuid")
"""Rules that limit the length of a string."""
CURRENCIES = "this.currency_code in ["
"""In the rule of a Money: it limits the only text in it."""
MATCHES = re.compile(r"this\.matches\('(\^.*\$)'\)")
MONEY = "google.type.Money"
REQUESTS = {
    method.input_type.full_name: method.input_type
    for service in SERVICES.values()
    for method in service.methods
}


def find_unlimited(message: Descriptor, seen: set[str]) -> Iterator[str]:
    """Return the full names of the fields without a maximum, of a message and of those within it."""
    if message.full_name in seen:
        return
    seen.add(message.full_name)
    for field in message.fields:
        rules = buf_validate.rules(field.GetOptions(), buf_validate.field)
        if field.is_repeated and not rules.repeated.max_items:
            yield f"{field.full_name}: max_items"
        if problem := describe_problem(field, rules.repeated.items if field.is_repeated else rules):
            yield f"{field.full_name}: {problem}"
        nested = field.message_type
        if nested is not None and nested.full_name.startswith("nationalsite."):
            yield from find_unlimited(nested, seen)


def describe_problem(field: FieldDescriptor, rules: Any) -> str:
    """Return the rule that a field, or each element of a list, lacks; an empty text if it lacks none."""
    if field.type == FieldDescriptor.TYPE_STRING and not is_bounded_text(rules):
        return "max_len"
    if field.type == FieldDescriptor.TYPE_BYTES and not rules.bytes.max_len:
        return "max_len"
    is_money = field.message_type is not None and field.message_type.full_name == MONEY
    if is_money and not any(CURRENCIES in rule.expression for rule in rules.cel):
        return "a rule for the currency"
    return ""


def is_bounded_text(rules: Any) -> bool:
    """Whether the rules of a string limit its length, perhaps by a pattern."""
    patterns = [match[1] for rule in rules.cel if (match := MATCHES.fullmatch(rule.expression))]
    if rules.string.pattern:
        patterns.append(rules.string.pattern)
    return any(getattr(rules.string, name) for name in BOUNDED_TEXTS) or any(map(has_bounded_width, patterns))


def has_bounded_width(pattern: str) -> bool:
    """Whether a pattern matches no text of any length."""
    return not re.search(r"(?<!\\)[*+]|\{\d+,\}", re.sub(r"\[(\\.|[^\]])*\]", "x", pattern))


@pytest.mark.parametrize("request_type", REQUESTS.values(), ids=REQUESTS)
def test_every_list_and_text_of_a_request_has_a_maximum(request_type: Descriptor) -> None:
    assert list(find_unlimited(request_type, set())) == []


def test_every_stored_message_can_be_requeued_by_its_id() -> None:
    field = REQUESTS["nationalsite.ordersync.v1.RequeueMessagesRequest"].fields_by_name["message_ids"]
    rules = buf_validate.rules(field.GetOptions(), buf_validate.field)
    assert rules.repeated.items.string.max_len >= MAX_TEXT_LENGTH


def test_fields_without_a_maximum_are_found() -> None:
    """Of a response, because each field of a request has one."""
    response = SERVICES["product"].methods_by_name["SearchByKeyword"].output_type
    found = list(find_unlimited(response, set()))
    assert "nationalsite.product.v1.SearchByKeywordResponse.offers: max_items" in found
    assert "nationalsite.product.v1.Offer.subject: max_len" in found
    assert "nationalsite.product.v1.PriceInfo.price: a rule for the currency" in found


@pytest.mark.parametrize(
    ("pattern", "bounded"),
    [
        ("^[A-Za-z0-9][+*.-]{0,63}$", True),
        (r"^\+?[0-9]{1,3}$", True),
        ("^a+$", False),
        ("^[+]*$", False),
        ("^a{2,}$", False),
    ],
)
def test_a_pattern_limits_a_text_if_it_repeats_nothing_without_end(pattern: str, bounded: bool) -> None:
    assert has_bounded_width(pattern) == bounded
