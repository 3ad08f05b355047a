"""Finds the request fields that are set and not sent, since the dialect drops them (option `unmapped`)."""

from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from nationalsite.upstream import v1 as upstream_v1

from services.adapter.codec.schema import Dialect, resolve_fields


@dataclass(frozen=True, slots=True)
class _Field:
    """A field that is dropped, or that holds messages with dropped fields."""

    name: str
    path: str
    has_presence: bool
    is_repeated: bool
    nested: "DroppedFieldFinder | None"
    """Finds the dropped fields of the messages; None if the field itself is dropped."""


class DroppedFieldFinder:
    """The fields of a message type that a dialect drops, at any depth.

    It looks only at these fields and at the messages on their paths. Most request types have none.
    """

    def __init__(self, message: Descriptor, dialect: Dialect, prefix: str = "") -> None:
        """`prefix` is the path of the message, with a dot at its end, or empty."""
        self._fields: list[_Field] = []
        for field in resolve_fields(message, dialect):
            descriptor, path, nested = field.descriptor, prefix + field.descriptor.name, None
            if field.mapping.unmapped != upstream_v1.UNMAPPED_FIELD_POLICY_DROP:
                if descriptor.message_type is None:
                    continue
                nested = DroppedFieldFinder(descriptor.message_type, dialect, f"{path}.")
                if not nested._fields:
                    continue
            self._fields.append(
                _Field(descriptor.name, path, descriptor.has_presence, bool(descriptor.is_repeated), nested)
            )

    def __call__(self, message: Message) -> list[str]:
        """Return the path of each dropped field that is set.

        Below a repeated field, a path occurs once for each element that sets the field. The paths have no
        list indexes, so that there are few different ones: they are labels of a metric.
        """
        found: list[str] = []
        if self._fields:
            self._collect(message, found)
        return found

    def _collect(self, message: Any, found: list[str]) -> None:
        for field in self._fields:
            if field.nested is None:
                if message.HasField(field.name) if field.has_presence else getattr(message, field.name):
                    found.append(field.path)
            elif field.is_repeated:
                for element in getattr(message, field.name):
                    field.nested._collect(element, found)
            else:
                field.nested._collect(getattr(message, field.name), found)
