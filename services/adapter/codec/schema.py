"""What the descriptors say, resolved for one dialect, and checked as far as it can be at start."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from nationalsite.upstream import v1 as upstream_v1
from nationalsite.upstream.v1 import FieldMapping, Operation

from services.adapter.codec.option_checks import SchemaError, check_operation, check_wire

PAYLOAD = "."
"""The name of a response's only field that is the payload itself."""
Option = TypeVar("Option", Operation, FieldMapping)


class Dialect(StrEnum):
    """Which of 1688's two forms is spoken."""

    NATIONAL_SITE = "national-site"
    OPEN_PLATFORM = "open-platform"

    @property
    def other(self) -> "Dialect":
        """The one that is not chosen, which is still read."""
        return Dialect.OPEN_PLATFORM if self is Dialect.NATIONAL_SITE else Dialect.NATIONAL_SITE


class Idempotency(StrEnum):
    """What repeating a call may do, from the RPC's idempotency_level."""

    READ = "NO_SIDE_EFFECTS"
    IDEMPOTENT = "IDEMPOTENT"
    ONCE = "IDEMPOTENCY_UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field and how it travels in one dialect."""

    descriptor: FieldDescriptor
    wire: FieldMapping
    """The resolved option."""
    name: str
    """1688's name in the dialect."""
    read: tuple[str, ...]
    """Every name that is accepted when reading; an earlier one wins."""


def operation(method: MethodDescriptor, dialect: Dialect) -> Operation:
    """Return the operation of an RPC in a dialect. Raises SpecificationError."""
    options = method.GetOptions()
    if not options.HasExtension(upstream_v1.operation):
        raise SchemaError(f"{method.full_name}: no (nationalsite.upstream.v1.operation)")
    found = _resolve(options.Extensions[upstream_v1.operation], dialect, method.full_name)
    check_operation(f"{method.full_name} in {dialect}", method, found)
    return found


def level(method: MethodDescriptor) -> Idempotency:
    """Return what repeating the RPC may do."""
    return Idempotency(MethodOptions.IdempotencyLevel.Name(method.GetOptions().idempotency_level))


def fields(message: Descriptor, dialect: Dialect) -> tuple[Field, ...]:
    """Return the fields of a message as they travel. Raises SpecificationError: two may read one member.

    Arms of a oneof that are read by topic are not among them: see `arms`.
    A name of the dialect itself is not the other dialect's: `country` is the country where this one says so.
    """
    options = [(each, *_wires(each, dialect)) for each in message.fields]
    options = [(each, wire, elsewhere) for each, wire, elsewhere in options if not wire.topics]
    own = _Names(message)
    for descriptor, wire, _ in options:
        own.claim(descriptor, _written(descriptor, wire))
    others = _Names(message)
    for descriptor, wire, elsewhere in options:
        names = [*_written(descriptor, elsewhere), *wire.aliases, *elsewhere.aliases]
        others.claim(descriptor, [name for name in dict.fromkeys(names) if name not in own.owners])
    return tuple(
        Field(
            descriptor=descriptor,
            wire=wire,
            name=wire.name or descriptor.json_name,
            read=(*own.of(descriptor), *others.of(descriptor)),
        )
        for descriptor, wire, _ in options
    )


def arms(message: Descriptor, dialect: Dialect) -> dict[str, Field]:
    """Return the arms of a message's oneof by the topics they are read for. Raises SpecificationError."""
    found: dict[str, Field] = {}
    for descriptor in message.fields:
        wire, _ = _wires(descriptor, dialect)
        arm = Field(descriptor=descriptor, wire=wire, name=wire.name, read=(wire.name, *wire.aliases))
        for topic in wire.topics:
            if topic in found:
                raise SchemaError(f"{descriptor.full_name}: topic {topic} has another arm")
            found[topic] = arm
    return found


def words(enum: EnumDescriptor) -> dict[int, tuple[str, ...]]:
    """Return 1688's words for each value of an enum but 0; the first is the one to write."""
    found = {}
    for value in enum.values:
        word = value.GetOptions().Extensions[upstream_v1.enum_value]
        if word.text:
            found[value.number] = (word.text, *word.aliases)
        elif value.number:
            raise SchemaError(f"{enum.full_name}: {value.name} has no word")
    return found


class _Names:
    """Which field owns which name of a member."""

    def __init__(self, message: Descriptor) -> None:
        self._message = message
        self.owners: dict[str, str] = {}

    def claim(self, descriptor: FieldDescriptor, names: Iterable[str]) -> None:
        for name in names:
            owner = self.owners.setdefault(name, descriptor.name)
            if owner != descriptor.name:
                raise SchemaError(
                    f"{self._message.full_name}.{descriptor.name}: reads {name!r}, as does {owner}"
                )

    def of(self, descriptor: FieldDescriptor) -> Iterator[str]:
        return (name for name, owner in self.owners.items() if owner == descriptor.name)


def _wires(descriptor: FieldDescriptor, dialect: Dialect) -> tuple[FieldMapping, FieldMapping]:
    """Return a field's option, resolved for the dialect and for the other one."""
    option = descriptor.GetOptions().Extensions[upstream_v1.field]
    wire = _resolve(option, dialect, descriptor.full_name)
    elsewhere = _resolve(option, dialect.other, descriptor.full_name)
    check_wire(descriptor, wire)
    check_wire(descriptor, elsewhere)
    return wire, elsewhere


def _written(descriptor: FieldDescriptor, wire: FieldMapping) -> tuple[str, ...]:
    return () if wire.unmapped else (wire.name or descriptor.json_name,)


def _resolve(option: Option, dialect: Dialect, where: str) -> Option:
    for block in (option.national_site, option.open_platform):
        if block.HasField("national_site") or block.HasField("open_platform"):
            raise SchemaError(f"{where}: dialect blocks must not nest")
    resolved = type(option)()
    resolved.CopyFrom(option)
    resolved.ClearField("national_site")
    resolved.ClearField("open_platform")
    resolved.MergeFrom(option.national_site if dialect is Dialect.NATIONAL_SITE else option.open_platform)
    return resolved
