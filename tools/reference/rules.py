"""buf.validate's rules in words. A rule without words stops the generator: give it some here."""

from collections.abc import Callable, Mapping
from typing import Any

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, OneofDescriptor

Words = Callable[[Any], str]
Table = Mapping[str, str | Words]
"""Rule -> its words, or what says them of the rule's value."""

_BOUNDS = {"gt": "above {}", "gte": "at least {}", "lt": "below {}", "lte": "at most {}"}


class NoWords(Exception):
    """A rule that nobody has put into words."""


def field_rules(field: FieldDescriptor) -> list[str]:
    """Return the rules of a field, one a line."""
    rules = field.GetOptions().Extensions[validate_pb2.field]
    found = _said(rules, field)
    if found and rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE:
        found[0] = f"if not empty: {found[0]}"
    return found


def message_rules(message: Descriptor) -> list[str]:
    """Return the rules of a message as a whole, one a line."""
    rules = message.GetOptions().Extensions[validate_pb2.message]
    return [_cel(rule) for rule in rules.cel]


def is_required(oneof: OneofDescriptor) -> bool:
    """Return whether exactly one arm has to be set."""
    return bool(oneof.GetOptions().Extensions[validate_pb2.oneof].required)


def _said(rules: Any, field: FieldDescriptor) -> list[str]:
    found = []
    for part, value in rules.ListFields():
        if part.name == "ignore":
            continue
        if part.name == "cel":
            found += [_cel(rule) for rule in value]
        elif part.name == "required":
            found.append("required")
        elif part.name in _KINDS:
            found += _KINDS[part.name](value, field)
        else:
            raise NoWords(f"{field.full_name}: {part.full_name}")
    return found


def _cel(rule: Any) -> str:
    return str(rule.message)


def _texts(rules: Any, field: FieldDescriptor) -> list[str]:
    return _sized(rules, field, "min_len", "max_len", "character") + _each(rules, field, _TEXT)


def _bytes(rules: Any, field: FieldDescriptor) -> list[str]:
    return _sized(rules, field, "min_len", "max_len", "byte") + _each(rules, field, {})


def _lists(rules: Any, field: FieldDescriptor) -> list[str]:
    words: Table = {"unique": "no two alike", "items": lambda items: f"each {', '.join(_said(items, field))}"}
    return _sized(rules, field, "min_items", "max_items", "element") + _each(rules, field, words)


def _numbers(rules: Any, field: FieldDescriptor) -> list[str]:
    if rules.HasField("gte") and rules.HasField("lte"):
        return [f"from {_amount(rules.gte)} to {_amount(rules.lte)}"]
    words = {name: (lambda value, text=text: text.format(_amount(value))) for name, text in _BOUNDS.items()}
    return _each(rules, field, words)


def _choices(rules: Any, field: FieldDescriptor) -> list[str]:
    names = field.enum_type.values_by_number
    return _each(
        rules,
        field,
        {
            "defined_only": "a value that is listed",
            "not_in": lambda numbers: f"not {' or '.join(names[number].name for number in numbers)}",
        },
    )


_KINDS: dict[str, Callable[[Any, FieldDescriptor], list[str]]] = {
    "string": _texts,
    "bytes": _bytes,
    "repeated": _lists,
    "int32": _numbers,
    "int64": _numbers,
    "duration": _numbers,
    "enum": _choices,
}
_TEXT: Table = {
    "pattern": lambda pattern: f"matches `{pattern}`",
    "uuid": "a UUID",
    "email": "an e-mail address",
    "ip": "an IP address",
    "uri": "a URI",
}
_SIZES = ("min_len", "max_len", "min_items", "max_items")


def _each(rules: Any, field: FieldDescriptor, words: Table) -> list[str]:
    """Return words for every rule that is set; sizes are told by `_sized`."""
    found = []
    for part, value in rules.ListFields():
        if part.name in _SIZES:
            continue
        if part.name not in words:
            raise NoWords(f"{field.full_name}: {part.full_name}")
        say = words[part.name]
        found.append(say if isinstance(say, str) else say(value))
    return found


def _sized(rules: Any, field: FieldDescriptor, least: str, most: str, unit: str) -> list[str]:
    low = getattr(rules, least) if rules.HasField(least) else 0
    high = getattr(rules, most) if rules.HasField(most) else 0
    if low and high:
        return [f"{low:,} to {high:,} {unit}s"]
    if high:
        return [f"at most {high:,} {unit}{'s' if high > 1 else ''}"]
    return [f"at least {low:,} {unit}{'s' if low > 1 else ''}"] if low else []


def _amount(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value.ToTimedelta().total_seconds():g} s"
