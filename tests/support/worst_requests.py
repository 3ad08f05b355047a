"""Requests that are as expensive as an attacker can make them: serialized, and of a given size."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from services.validation import buf_validate

Path: TypeAlias = tuple[FieldDescriptor, ...]
Fill: TypeAlias = Callable[[int], bytes]
"""Returns fields of at most so many bytes."""

_UNKNOWN = 1000
"""The number of a field that no request has."""
_NO_ENUM_VALUE = 999
_VARINT, _LENGTH_DELIMITED, _START_GROUP, _END_GROUP = 0, 2, 3, 4
_TEXTS = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)


def list_fills(message: Descriptor, size: int) -> Iterator[tuple[str, bytes]]:
    """Yield requests of about `size` bytes that repeat one field, for each field at any depth."""
    for path, fields in _walk(message):
        for descriptor in fields:
            for kind, fill in _repetitions(descriptor):
                yield f"{_join(path, descriptor.name)} {kind}", _wrap(path, fill, _below(path, size))


def unknown_fills(message: Descriptor, size: int) -> Iterator[tuple[str, bytes]]:
    """Yield requests of about `size` bytes of unknown fields, in the request and in each message within."""
    for path, _ in _walk(message):
        for kind, fill in _UNKNOWN_FILLS.items():
            yield _join(path, kind), _wrap(path, fill, _below(path, size))


def walk_lists(message: Descriptor) -> Iterator[tuple[str, int, Callable[[int], bytes]]]:
    """Yield path and maximum length of each list, and a function that builds a request with so many elements.

    A list within the elements of another list is left out: its maximum holds for each element.
    """
    for path, fields in _walk(message):
        for descriptor in fields:
            if descriptor.is_repeated and not any(outer.is_repeated for outer in path):
                for build in _elements(descriptor):
                    yield (
                        _join(path, descriptor.name),
                        buf_validate.rules(descriptor.GetOptions(), buf_validate.field).repeated.max_items,
                        partial(_wrap, path, build),
                    )


def _elements(descriptor: FieldDescriptor) -> list[Fill]:
    number = descriptor.number
    if descriptor.message_type is not None or descriptor.type in _TEXTS:
        return [lambda count: _length_delimited(number, b"") * count]
    two_bytes = _varint(300)
    return [
        lambda count: (_tag(number, _VARINT) + two_bytes) * count,
        lambda count: _length_delimited(number, two_bytes * count),
    ]


def build_invalid(message: Descriptor) -> Message:
    """Return a request with lists of the maximum length in which every value violates its rules."""
    request = GetMessageClass(message)()
    for descriptor in message.fields:
        rules = buf_validate.rules(descriptor.GetOptions(), buf_validate.field)
        value = _invalid_value(descriptor, rules.repeated.items if descriptor.is_repeated else rules)
        if descriptor.is_repeated:
            getattr(request, descriptor.name).extend([value] * rules.repeated.max_items)
        elif isinstance(value, Message):
            getattr(request, descriptor.name).CopyFrom(value)
        else:
            setattr(request, descriptor.name, value)
    return request


def _invalid_value(descriptor: FieldDescriptor, rules: Any) -> Any:
    if descriptor.message_type is not None:
        return build_invalid(descriptor.message_type)
    if descriptor.type in _TEXTS:
        text = "*" * (min(rules.string.max_len or rules.bytes.max_len, 4096) + 1)
        return text if descriptor.type == FieldDescriptor.TYPE_STRING else text.encode()
    if descriptor.enum_type is not None:
        return _NO_ENUM_VALUE
    return True if descriptor.type == FieldDescriptor.TYPE_BOOL else -1 if _is_signed(descriptor) else 0


def _is_signed(descriptor: FieldDescriptor) -> bool:
    unsigned = (FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64)
    return descriptor.cpp_type not in unsigned


def _walk(message: Descriptor, path: Path = ()) -> Iterator[tuple[Path, list[FieldDescriptor]]]:
    """Yield the path and the fields of a message, and those of the messages within it."""
    yield path, list(message.fields)
    for descriptor in message.fields:
        if descriptor.message_type is not None:
            yield from _walk(descriptor.message_type, (*path, descriptor))


def _repetitions(descriptor: FieldDescriptor) -> Iterator[tuple[str, Fill]]:
    number = descriptor.number
    if descriptor.message_type is not None:
        yield "of empty messages", _repeat(_length_delimited(number, b""))
    elif descriptor.type in _TEXTS:
        yield "of empty texts", _repeat(_length_delimited(number, b""))
        yield "as one text", lambda size: _length_delimited(number, b"x" * size)
    else:
        yield "of numbers", _repeat(_tag(number, _VARINT) + b"\1")
        if descriptor.is_repeated:
            yield "as packed numbers", lambda size: _length_delimited(number, b"\1" * size)


def _repeat(unit: bytes) -> Fill:
    return lambda size: unit * (size // len(unit))


def _below(path: Path, size: int) -> int:
    """Return the size that fits into a request of this size, at the end of a path."""
    return size - 10 * (len(path) + 1)


def _wrap(path: Path, fill: Fill, amount: int) -> bytes:
    """Put fields into a message at the end of a path."""
    content = fill(amount)
    for descriptor in reversed(path):
        content = _length_delimited(descriptor.number, content)
    return content


def _join(path: Path, name: str) -> str:
    return ".".join([*(descriptor.name for descriptor in path), name])


def _tag(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _length_delimited(number: int, content: bytes) -> bytes:
    return _tag(number, _LENGTH_DELIMITED) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*encoded, value))


_UNKNOWN_FILLS: dict[str, Fill] = {
    "unknown numbers": _repeat(_tag(_UNKNOWN, _VARINT) + b"\1"),
    "unknown texts": _repeat(_length_delimited(_UNKNOWN, b"")),
    "one unknown text": lambda size: _length_delimited(_UNKNOWN, b"x" * size),
    "unknown groups": _repeat(_tag(_UNKNOWN, _START_GROUP) + _tag(_UNKNOWN, _END_GROUP)),
    "nested unknown groups": _repeat(_tag(_UNKNOWN, _START_GROUP)),
}
UNKNOWN_FIELD = _length_delimited(_UNKNOWN, b"x" * 100)
