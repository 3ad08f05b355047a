"""The ids that requests name, for the audit: they say what a call was about, and hold no personal data."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_ENDINGS = ("_id", "_ids")
# Of each name, so that a stream of acknowledgements does not grow without end.
_MOST_IDS = 100
_MOST_CHARACTERS = 128


@dataclass(slots=True)
class AuditIds:
    """The ids that the requests of a call named, by field, in the order of their coming."""

    named: dict[str, dict[int | str, None]] = field(default_factory=dict)

    def note(self, message: Message) -> None:
        """Takes the ids of a request; never a field marked `debug_redact`, or what stands within one."""
        for descriptor, value in message.ListFields():
            if descriptor.GetOptions().debug_redact:
                continue
            for each in _values(descriptor, value):
                if isinstance(each, Message):
                    self.note(each)
                elif isinstance(each, int | str) and descriptor.name.endswith(_ENDINGS):
                    self._add(descriptor.name, each)

    def told(self) -> dict[str, list[int | str]]:
        """As the line has it."""
        return {name: list(ids) for name, ids in self.named.items()}

    def _add(self, name: str, found: int | str) -> None:
        ids = self.named.setdefault(name, {})
        if len(ids) < _MOST_IDS:
            ids[found[:_MOST_CHARACTERS] if isinstance(found, str) else found] = None


def _values(descriptor: FieldDescriptor, value: Any) -> Iterable[Any]:
    if descriptor.message_type and descriptor.message_type.GetOptions().map_entry:
        return value.values()  # type: ignore[no-any-return] # a map of protobuf's, which has no type of its own
    return value if descriptor.is_repeated else (value,)
