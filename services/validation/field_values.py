"""Iterates over the values in a request, with the paths that errors name."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

_TYPES = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_MESSAGE)


def iterate_values(message: Message, prefix: str = "") -> Iterator[tuple[str, str | Message]]:
    """Yield the path and value of each text and message in a message. A key of a map has its value's path."""
    # Without ListFields, which would copy an image.
    for descriptor in cast(Descriptor, message.DESCRIPTOR).fields:
        if descriptor.type in _TYPES and (not descriptor.has_presence or message.HasField(descriptor.name)):
            value = getattr(message, descriptor.name)
            yield from _iterate_field(descriptor, value, f"{prefix}{descriptor.name}")


@cache
def is_map(descriptor: FieldDescriptor) -> bool:
    """Whether a field is a map. Cached: it takes long to read options."""
    return descriptor.message_type is not None and descriptor.message_type.GetOptions().map_entry


def _iterate_field(descriptor: FieldDescriptor, value: Any, path: str) -> Iterator[tuple[str, str | Message]]:
    if is_map(descriptor):
        for key, element in value.items():
            element_path = f"{path}[{json.dumps(key, ensure_ascii=False)}]"
            if isinstance(key, str):
                yield element_path, key
            yield from _iterate_value(element, element_path)
    elif descriptor.is_repeated:
        for index, element in enumerate(value):
            yield from _iterate_value(element, f"{path}[{index}]")
    else:
        yield from _iterate_value(value, path)


def _iterate_value(value: Any, path: str) -> Iterator[tuple[str, str | Message]]:
    if isinstance(value, str | Message):
        yield path, value
    if isinstance(value, Message):
        yield from iterate_values(value, f"{path}.")
