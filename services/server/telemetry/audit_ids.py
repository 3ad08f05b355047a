"""The ids of a call, for the audit log: they identify the objects of the call, and are not personal data."""

from collections.abc import Iterable
from contextvars import ContextVar
from functools import cache
from typing import Any

import msgspec
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from services.validation.field_values import is_map

_SUFFIXES = ("_id", "_ids")
# The maximum for each field: the ids of a stream of acknowledgements would otherwise grow without limit.
_MAX_IDS = 100
_MAX_CHARACTERS = 128


class AuditIds(msgspec.Struct):
    """The ids in the requests of a call, and what its handler adds, by field, in the order of arrival."""

    _by_field: dict[str, dict[int | str, None]] = {}  # msgspec copies it for each object

    def record(self, message: Message) -> None:
        """Add the ids of a request, except those in fields marked `debug_redact`."""
        for descriptor, value in message.ListFields():
            if _may_have_ids(descriptor):
                for item in _iterate(descriptor, value):
                    if isinstance(item, Message):
                        self.record(item)
                    elif isinstance(item, int | str):
                        self._add(descriptor.name, item)

    def add(self, name: str, values: Iterable[int | str]) -> None:
        """Add ids of one field."""
        for value in values:
            self._add(name, value)

    def as_dict(self) -> dict[str, list[int | str]]:
        """Return the ids for the log line."""
        return {name: list(ids) for name, ids in self._by_field.items()}

    def _add(self, name: str, value: int | str) -> None:
        ids = self._by_field.setdefault(name, {})
        if len(ids) < _MAX_IDS:
            ids[value[:_MAX_CHARACTERS] if isinstance(value, str) else value] = None


_current: ContextVar[AuditIds | None] = ContextVar("audit_ids", default=None)


def bind_audit_ids() -> AuditIds:
    """Bind new ids to the current call, and return them."""
    ids = AuditIds()
    _current.set(ids)
    return ids


def add_audit_ids(name: str, values: Iterable[int | str]) -> None:
    """Add ids to the audit line of the current call. Outside a call this does nothing."""
    if (ids := _current.get()) is not None:
        ids.add(name, values)


@cache
def _may_have_ids(descriptor: FieldDescriptor) -> bool:
    """Whether a field has ids, or messages that may have some. Cached: it takes long to read options."""
    if descriptor.GetOptions().debug_redact:
        return False
    message = descriptor.message_type
    if message is not None and is_map(descriptor):
        message = message.fields_by_name["value"].message_type
    return message is not None or descriptor.name.endswith(_SUFFIXES)


def _iterate(descriptor: FieldDescriptor, value: Any) -> Iterable[Any]:
    if is_map(descriptor):
        return value.values()  # type: ignore[no-any-return] # protobuf's maps have no type
    return value if descriptor.is_repeated else (value,)
