"""Describes the rules of buf.validate. A rule without a text stops the generator: add its text here."""

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, OneofDescriptor

from services.validation import buf_validate

RuleTexts = Mapping[str, str | Callable[[Any], str]]
"""Rule -> its text, or a function from the value of the rule to the text."""

_BOUNDS = {"gt": "above {}", "gte": "at least {}", "lt": "below {}", "lte": "at most {}"}


class MissingRuleText(Exception):
    """A rule has no text."""


def field_rules(field: FieldDescriptor) -> list[str]:
    """Return a text for each rule of a field."""
    rules = buf_validate.rules(field.GetOptions(), buf_validate.field)
    texts = _rule_texts(rules, field)
    if texts and rules.ignore == buf_validate.IGNORE_IF_ZERO_VALUE:
        texts[0] = f"if not empty: {texts[0]}"
    return texts


def message_rules(message: Descriptor) -> list[str]:
    """Return a text for each rule of a message."""
    rules = buf_validate.rules(message.GetOptions(), buf_validate.message)
    return [_cel_text(rule) for rule in rules.cel]


def is_required(oneof: OneofDescriptor) -> bool:
    """Return whether exactly one arm has to be set."""
    return bool(buf_validate.rules(oneof.GetOptions(), buf_validate.oneof).required)


def _rule_texts(rules: Any, field: FieldDescriptor) -> list[str]:
    texts = []
    for part, value in rules.ListFields():
        if part.name == "ignore":
            continue
        if part.name == "cel":
            texts += [_cel_text(rule) for rule in value]
        elif part.name == "required":
            texts.append("required")
        elif part.name in _RULES_BY_TYPE:
            texts += _RULES_BY_TYPE[part.name](value, field)
        else:
            raise MissingRuleText(f"{field.full_name}: {part.full_name}")
    return texts


def _cel_text(rule: Any) -> str:
    return str(rule.message)


def _string_rules(rules: Any, field: FieldDescriptor) -> list[str]:
    return _size_rules(rules, field, "min_len", "max_len", "character") + _set_rules(
        rules, field, _STRING_TEXTS
    )


def _bytes_rules(rules: Any, field: FieldDescriptor) -> list[str]:
    return _size_rules(rules, field, "min_len", "max_len", "byte") + _set_rules(rules, field, {})


def _list_rules(rules: Any, field: FieldDescriptor) -> list[str]:
    texts: RuleTexts = {
        "unique": "no two alike",
        "items": lambda items: f"each {', '.join(_rule_texts(items, field))}",
    }
    return _size_rules(rules, field, "min_items", "max_items", "element") + _set_rules(rules, field, texts)


def _number_rules(rules: Any, field: FieldDescriptor) -> list[str]:
    if rules.HasField("gte") and rules.HasField("lte"):
        return [f"from {_format_value(rules.gte)} to {_format_value(rules.lte)}"]
    texts = {
        name: (lambda value, text=text: text.format(_format_value(value))) for name, text in _BOUNDS.items()
    }
    return _set_rules(rules, field, texts)


def _enum_rules(rules: Any, field: FieldDescriptor) -> list[str]:
    return _set_rules(rules, field, {"defined_only": "a value that is listed"})


_RULES_BY_TYPE: dict[str, Callable[[Any, FieldDescriptor], list[str]]] = {
    "string": _string_rules,
    "bytes": _bytes_rules,
    "repeated": _list_rules,
    "int32": _number_rules,
    "int64": _number_rules,
    "duration": _number_rules,
    "enum": _enum_rules,
}
_STRING_TEXTS: RuleTexts = {
    "uuid": "a UUID",
    "email": "an e-mail address",
    "ip": "an IP address",
    "uri": "a URI",
}
_SIZE_RULES = ("min_len", "max_len", "min_items", "max_items")


def _set_rules(rules: Any, field: FieldDescriptor, texts: RuleTexts) -> list[str]:
    """Return a text for each rule that is set, except sizes: see `_size_rules`."""
    described = []
    for part, value in rules.ListFields():
        if part.name in _SIZE_RULES:
            continue
        if part.name not in texts:
            raise MissingRuleText(f"{field.full_name}: {part.full_name}")
        text = texts[part.name]
        described.append(text if isinstance(text, str) else text(value))
    return described


def _size_rules(rules: Any, field: FieldDescriptor, min_rule: str, max_rule: str, unit: str) -> list[str]:
    low = getattr(rules, min_rule) if rules.HasField(min_rule) else 0
    high = getattr(rules, max_rule) if rules.HasField(max_rule) else 0
    if low and high:
        return [f"{low:,} to {high:,} {unit}s"]
    if high:
        return [f"at most {high:,} {unit}{'s' if high > 1 else ''}"]
    return [f"at least {low:,} {unit}{'s' if low > 1 else ''}"] if low else []


def _format_value(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value.ToTimedelta().total_seconds():g} s"
