"""The size of a request and the lengths of its lists, checked in its bytes, before it is parsed.

A parsed message takes far more memory than its bytes: an empty element of two bytes becomes an object of some
hundred. And protovalidate collects the violations of every element. So the limits of lists, which are rules
of the protos, are checked first. The size follows from these rules too: it is that of the largest valid
request.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from math import prod
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError

from services.errors import InvalidRequest, Violation
from services.validation import buf_validate

MAX_REQUEST_BYTES = 8 * 2**20
"""Of a request whose rules do not limit its size."""
MAX_TEXT_BYTES = 2 * 2**20
"""Of a request without the contents of its `bytes` fields, also if its rules allow more."""
_UNKNOWN_FIELDS_BYTES = 16 * 2**10
"""Allowed beyond the rules: a newer caller may send fields that this service does not know."""
_MAX_UNKNOWN_FIELDS = 1000
_MAX_MEASURED_FIELDS = 1000
"""Fields and elements of lists that are read to name the largest field of a request."""
_BYTES_PER_CHARACTER = 4
_MAX_NUMBER_BYTES = 10
_HEADER_BYTES = 10
"""Of a field: its tag and its length."""
_PATTERN_BYTES = 1024
"""Of a text that only a pattern or an expression limits: such texts are codes."""
_UUID_BYTES = 36
_VARINT, _FIXED_64, _LENGTH_DELIMITED, _FIXED_32 = 0, 1, 2, 5
_MAX_VARINT_BITS = 70
_FIXED_BYTES = {_FIXED_64: 8, _FIXED_32: 4}
_FIXED_64_TYPES = (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FIXED64, FieldDescriptor.TYPE_SFIXED64)
_FIXED_32_TYPES = (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_FIXED32, FieldDescriptor.TYPE_SFIXED32)
_UNPACKABLE = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_MESSAGE)
_CONTINUED = bytes(range(0x80, 0x100))
"""Bytes of a varint that are not its last one."""


@cache
def get_request_bounds(request: Descriptor) -> "RequestBounds":
    """Return the bounds of a type of request. They are computed once: that takes some milliseconds."""
    return RequestBounds(request)


class RequestBounds:
    """The maximum size of one type of request, and the maximum lengths of its lists."""

    def __init__(self, request: Descriptor) -> None:
        """Compute them from the rules of the protos."""
        self._request = request
        size = _measure(request, ())
        self.max_bytes = MAX_REQUEST_BYTES if size is None else min(size.total, MAX_REQUEST_BYTES)
        """Maximum size of a serialized request."""
        self._lists = _find_lists(request, (), ())
        self._max_fields = 0 if self._lists is None else self._lists.count_fields() + _MAX_UNKNOWN_FIELDS

    def check(self, payload: bytes) -> None:
        """Raise InvalidRequest if a serialized request is too large, or one of its lists too long.

        Raises DecodeError for some of the bytes that are no request; for the others, parsing them fails.
        """
        if len(payload) > self.max_bytes:
            description = f"a request must be at most {self.max_bytes:,} bytes, serialized"
            raise _invalid(_find_largest_field(self._request, payload), description, "REQUEST_SIZE")
        self.count_elements(payload)

    def count_elements(self, payload: bytes) -> int:
        """Return the number of elements of all lists. Raises the same errors."""
        if self._lists is None:
            return 0
        scan = _Scan(memoryview(payload), self._max_fields)
        scan.read(self._lists, 0, len(payload))
        return sum(scan.counts.values())


@dataclass(frozen=True, slots=True)
class _Size:
    """The size of the largest valid message."""

    text: int
    content: int
    """Of `bytes` fields."""

    @property
    def total(self) -> int:
        return self.content + min(self.text + _UNKNOWN_FIELDS_BYTES, MAX_TEXT_BYTES)


def _measure(message: Descriptor, outer: tuple[Descriptor, ...]) -> _Size | None:
    """Return the size of the largest valid message; None if the rules do not limit it.

    `outer` has the message types around it, to notice a type that contains itself.
    """
    if message in outer:
        return None
    text = content = 0
    for descriptor in message.fields:
        rules = buf_validate.rules(descriptor.GetOptions(), buf_validate.field)
        count, value_rules = 1, rules
        if descriptor.is_repeated:
            count, value_rules = rules.repeated.max_items, rules.repeated.items
        size = _measure_value(descriptor, value_rules, (*outer, message))
        if size is None or not count:
            return None
        text += count * (size.text + _HEADER_BYTES)
        content += count * size.content
    return _Size(text, content)


def _measure_value(descriptor: FieldDescriptor, rules: Any, outer: tuple[Descriptor, ...]) -> _Size | None:
    if descriptor.message_type is not None:
        return _measure(descriptor.message_type, outer)
    if descriptor.type == FieldDescriptor.TYPE_BYTES:
        length = rules.bytes.max_len or rules.bytes.len
        return _Size(0, length) if length else None
    if descriptor.type != FieldDescriptor.TYPE_STRING:
        return _Size(_MAX_NUMBER_BYTES, 0)
    texts = rules.string
    if texts.uuid:
        return _Size(_UUID_BYTES, 0)
    characters = texts.max_len or texts.len
    in_bytes = texts.max_bytes or texts.len_bytes
    return _Size(characters * _BYTES_PER_CHARACTER or in_bytes or _PATTERN_BYTES, 0)


@dataclass(slots=True)
class _Lists:
    """The fields of a message type that are lists, or contain lists."""

    message: Descriptor
    instances: int
    """Maximum number of messages of this type at this place of a request."""
    fields: dict[int, "_ListField"] = field(default_factory=dict)

    def count_fields(self) -> int:
        """Return how many fields a scan of the largest valid request reads."""
        return (
            self.instances * len(self.message.fields)
            + sum(each.max_items for each in self.fields.values())
            + sum(each.lists.count_fields() for each in self.fields.values() if each.lists)
        )


@dataclass(frozen=True, slots=True)
class _ListField:
    path: str
    """Without the indexes of lists around it."""
    max_items: int
    """In a whole request; 0 if the field is no list, or has no maximum."""
    packed_bytes: int | None
    """Size of a packed element; 0 if it is a varint, None if elements are not packed."""
    lists: _Lists | None


def _find_lists(
    message: Descriptor, outer: tuple[Descriptor, ...], path: tuple[tuple[str, int], ...]
) -> _Lists | None:
    """Return None if the message has no list. `path` has the fields around it: names and maximum counts."""
    if message in outer:
        return None
    found = _Lists(message, prod(count for _, count in path))
    for descriptor in message.fields:
        rules = buf_validate.rules(descriptor.GetOptions(), buf_validate.field)
        max_items = rules.repeated.max_items
        inner_path = (*path, (descriptor.name, max_items or 1))
        nested = descriptor.message_type
        lists = _find_lists(nested, (*outer, message), inner_path) if nested is not None else None
        if max_items or lists is not None:
            found.fields[descriptor.number] = _ListField(
                path=".".join(name for name, _ in inner_path),
                max_items=max_items and prod(count for _, count in inner_path),
                packed_bytes=_packed_bytes(descriptor) if descriptor.is_repeated else None,
                lists=lists,
            )
    return found if found.fields else None


def _packed_bytes(descriptor: FieldDescriptor) -> int | None:
    if descriptor.type in _UNPACKABLE:
        return None
    if descriptor.type in _FIXED_64_TYPES:
        return _FIXED_BYTES[_FIXED_64]
    return _FIXED_BYTES[_FIXED_32] if descriptor.type in _FIXED_32_TYPES else 0


class _Scan:
    """Counts the elements of lists in the bytes of a request. Stops at the first list that is too long."""

    def __init__(self, payload: memoryview, max_fields: int) -> None:
        self.counts: dict[str, int] = {}
        """Number of elements by the path of the list."""
        self._payload = payload
        self._remaining_fields = max_fields

    def read(self, lists: _Lists, start: int, end: int) -> None:
        """Count in one message. Raises InvalidRequest and DecodeError."""
        for number, wire_type, value_start, value_end in _iterate_fields(self._payload, start, end):
            self._remaining_fields -= 1
            if self._remaining_fields < 0:
                raise _invalid("", "has too many fields", "REQUEST_SIZE")
            known = lists.fields.get(number)
            if known is not None:
                self._count(known, wire_type, value_start, value_end)
                if known.lists is not None and wire_type == _LENGTH_DELIMITED:
                    self.read(known.lists, value_start, value_end)

    def _count(self, known: _ListField, wire_type: int, start: int, end: int) -> None:
        if not known.max_items:
            return
        added = 1
        if wire_type == _LENGTH_DELIMITED and known.packed_bytes is not None:
            packed = self._payload[start:end]
            added = len(packed) // known.packed_bytes if known.packed_bytes else _count_varints(packed)
        count = self.counts[known.path] = self.counts.get(known.path, 0) + added
        if count > known.max_items:
            # The words of protovalidate for the same rule.
            description = f"must contain no more than {known.max_items} item(s)"
            raise _invalid(known.path, description, "REPEATED_MAX_ITEMS")


def _iterate_fields(payload: memoryview, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield number and wire type of each field of a message, and where its value starts and ends."""
    position = start
    while position < end:
        tag, position = _read_varint(payload, position, end)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _LENGTH_DELIMITED:
            length, position = _read_varint(payload, position, end)
            value_end = position + length
        elif wire_type == _VARINT:
            value_end = _read_varint(payload, position, end)[1]
        elif wire_type in _FIXED_BYTES:
            value_end = position + _FIXED_BYTES[wire_type]
        else:
            raise DecodeError("a group, which no request has")
        if value_end > end:
            raise DecodeError("a value that ends after its message")
        yield number, wire_type, position, value_end
        position = value_end


def _read_varint(payload: memoryview, position: int, end: int) -> tuple[int, int]:
    """Return the value, and where it ends."""
    value = shift = 0
    while position < end and shift < _MAX_VARINT_BITS:
        byte = payload[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < _CONTINUED[0]:
            return value, position
        shift += 7
    raise DecodeError("a varint without an end")


def _find_largest_field(message: Descriptor, payload: bytes) -> str:
    """Return the name of the field with the most bytes among the first fields; "" if it is unknown."""
    sizes: Counter[int] = Counter()
    fields = _iterate_fields(memoryview(payload), 0, len(payload))
    for number, _, start, end in islice(fields, _MAX_MEASURED_FIELDS):
        sizes[number] += end - start
    (number, _), *_ = sizes.most_common(1)
    known = message.fields_by_number.get(number)
    return known.name if known is not None else ""


def _count_varints(packed: memoryview) -> int:
    return len(bytes(packed).translate(None, delete=_CONTINUED))


def _invalid(field: str, description: str, reason: str) -> InvalidRequest:
    return InvalidRequest([Violation(field=field, description=description, reason=reason)])
