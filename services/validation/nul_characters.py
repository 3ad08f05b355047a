"""Rejects texts with U+0000: PostgreSQL cannot store them, and SQLite cuts them in some functions."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from services.errors import InvalidRequest, Violation

NUL = "\0"
_MAX_VIOLATIONS = 20


def reject_nul_characters(request: Message) -> None:
    """Raise InvalidRequest with the fields, up to 20, if a text of the request contains U+0000.

    Fields of the type `bytes` may contain it.
    """
    # The words of protovalidate for such a rule. Its rules would have to be repeated at each text.
    violations = [
        Violation(field=path, description="must not contain U+0000", reason="STRING_NOT_CONTAINS")
        for path in islice(_find_in_message(request, ""), _MAX_VIOLATIONS)
    ]
    if violations:
        raise InvalidRequest(violations)


def _find_in_message(message: Message, prefix: str) -> Iterator[str]:
    """Yield the paths of the texts with U+0000."""
    # Without ListFields, which would copy an image.
    for descriptor in cast(Descriptor, message.DESCRIPTOR).fields:
        if descriptor.type not in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_MESSAGE):
            continue
        if not descriptor.has_presence or message.HasField(descriptor.name):
            value = getattr(message, descriptor.name)
            yield from _find_in_field(descriptor, value, f"{prefix}{descriptor.name}")


def _find_in_field(descriptor: FieldDescriptor, value: Any, path: str) -> Iterator[str]:
    if descriptor.message_type is not None and descriptor.message_type.GetOptions().map_entry:
        for key, element in value.items():
            element_path = f"{path}[{json.dumps(key, ensure_ascii=False)}]"
            if isinstance(key, str) and NUL in key:
                yield element_path
            yield from _find_in_value(element, element_path)
    elif descriptor.is_repeated:
        for index, element in enumerate(value):
            yield from _find_in_value(element, f"{path}[{index}]")
    else:
        yield from _find_in_value(value, path)


def _find_in_value(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Message):
        yield from _find_in_message(value, f"{path}.")
    elif isinstance(value, str) and NUL in value:
        yield path
