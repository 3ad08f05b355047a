"""Responses of a release that has added something to every message, oneof and enum."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from tests.compatibility.schema_edits import ADDED_NUMBER, Release, add_everywhere

FIELDS, ENUM_VALUES, ONEOF_MEMBERS = ADDITIONS = ("fields", "enum_values", "oneof_members")
"""What a response has more than this release knows. Each has new fields in all of its messages."""
MAX_DEPTH = 6
"""Of messages in messages: some contain messages of their own type."""
ELEMENTS = 2
"""Of each list."""
EXTENDED = Release(add_everywhere)

_KNOWN_TYPES: Mapping[str, Mapping[str, Any]] = {
    "google.protobuf.Timestamp": {"seconds": 1_788_399_003},
    "google.protobuf.Duration": {"seconds": 3},
    "google.rpc.Status": {"code": 3, "message": "rejected"},
}
"""Values of types whose JSON is special, or that could contain anything."""
_SCALARS: Mapping[int, Callable[[int], Any]] = {
    FieldDescriptor.CPPTYPE_BOOL: lambda _: True,
    FieldDescriptor.CPPTYPE_DOUBLE: lambda number: number + 0.5,
    FieldDescriptor.CPPTYPE_FLOAT: lambda number: number + 0.5,
    FieldDescriptor.CPPTYPE_INT32: lambda number: number,
    FieldDescriptor.CPPTYPE_INT64: lambda number: 2**53 + number,  # more than a double can hold
    FieldDescriptor.CPPTYPE_UINT32: lambda number: number,
    FieldDescriptor.CPPTYPE_UINT64: lambda number: 2**53 + number,
}


def build_response(full_name: str, addition: str) -> Message:
    """Return a message of the later release with a value in each field, and with an addition."""
    message = EXTENDED.message_class(full_name)()
    _fill(message, addition, itertools.count(1), MAX_DEPTH)
    return message


def _fill(message: Message, addition: str, numbers: Iterator[int], depth: int) -> None:
    """Fill a message with values that follow from `numbers`, so that all differ."""
    if known := _KNOWN_TYPES.get(message.DESCRIPTOR.full_name):
        for name, value in known.items():
            setattr(message, name, value)
        return
    for field in _choose_fields(message, addition, next(numbers)):
        if field.message_type and depth == 0:
            continue
        if field.is_repeated:
            for _ in range(ELEMENTS):
                if field.message_type:
                    _fill(getattr(message, field.name).add(), addition, numbers, depth - 1)
                else:
                    getattr(message, field.name).append(_build_scalar(field, addition, next(numbers)))
        elif field.message_type:
            getattr(message, field.name).SetInParent()
            _fill(getattr(message, field.name), addition, numbers, depth - 1)
        else:
            setattr(message, field.name, _build_scalar(field, addition, next(numbers)))


def _choose_fields(message: Message, addition: str, number: int) -> Iterator[FieldDescriptor]:
    """Yield all fields, but only one member of each oneof: another one in each message."""
    for field in message.DESCRIPTOR.fields:
        oneof = field.containing_oneof
        if oneof is None or len(oneof.fields) == 1:
            yield field
        elif field is oneof.fields[0]:
            *known, added = oneof.fields
            yield added if addition == ONEOF_MEMBERS else known[number % len(known)]


def _build_scalar(field: FieldDescriptor, addition: str, number: int) -> Any:
    if field.enum_type:
        values = [value.number for value in field.enum_type.values if value.number != ADDED_NUMBER]
        return ADDED_NUMBER if addition == ENUM_VALUES else values[-1]
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        text = f"値{number}"
        return text.encode() if field.type == FieldDescriptor.TYPE_BYTES else text
    return _SCALARS[field.cpp_type](number)
