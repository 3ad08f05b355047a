"""What the descriptors say, resolved for one dialect, and checked as far as it can be at start."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from nationalsite.upstream.v1 import options_pb2
from nationalsite.upstream.v1.options_pb2 import Operation, Wire

PAYLOAD = "."
"""The name of a response's only field that is the payload itself."""
Option = TypeVar("Option", Operation, Wire)

NOT_HERE = "-"
"""The api of an operation that a dialect does not have."""


class Dialect(StrEnum):
    """Which of 1688's two forms is spoken."""

    NATIONAL_SITE = "national-site"
    OPEN_PLATFORM = "open-platform"

    @property
    def other(self) -> "Dialect":
        """The one that is not chosen, which is still read."""
        return Dialect.OPEN_PLATFORM if self is Dialect.NATIONAL_SITE else Dialect.NATIONAL_SITE


class Level(StrEnum):
    """What repeating a call may do, from the RPC's idempotency_level."""

    READ = "NO_SIDE_EFFECTS"
    IDEMPOTENT = "IDEMPOTENT"
    ONCE = "IDEMPOTENCY_UNKNOWN"


class SpecificationError(Exception):
    """The protos contradict themselves; one line a finding."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field and how it travels in one dialect."""

    descriptor: FieldDescriptor
    wire: Wire
    """The resolved option."""
    name: str
    """1688's name in the dialect."""
    read: tuple[str, ...]
    """Every name that is accepted when reading; an earlier one wins."""


def operation(method: MethodDescriptor, dialect: Dialect) -> Operation:
    """Return the operation of an RPC in a dialect. An RPC without one is an error."""
    options = method.GetOptions()
    if not options.HasExtension(options_pb2.operation):
        raise SpecificationError(f"{method.full_name}: no (nationalsite.upstream.v1.operation)")
    return _resolve(options.Extensions[options_pb2.operation], dialect, method.full_name)


def level(method: MethodDescriptor) -> Level:
    """Return what repeating the RPC may do."""
    return Level(MethodOptions.IdempotencyLevel.Name(method.GetOptions().idempotency_level))


def fields(message: Descriptor, dialect: Dialect) -> Iterator[Field]:
    """Yield the fields of a message as they travel. Two that read one member are an error."""
    readers: dict[str, str] = {}
    for descriptor in message.fields:
        field = _field(descriptor, dialect)
        for name in field.read:
            if name in readers:
                raise SpecificationError(
                    f"{descriptor.full_name}: reads {name!r}, as does {message.full_name}.{readers[name]}"
                )
            readers[name] = descriptor.name
        yield field


def words(enum: EnumDescriptor) -> dict[int, tuple[str, ...]]:
    """Return 1688's words for each value of an enum; the first is the one to write."""
    found = {}
    for value in enum.values:
        word = value.GetOptions().Extensions[options_pb2.word]
        if word.text:
            found[value.number] = (word.text, *word.read)
    return found


def _field(descriptor: FieldDescriptor, dialect: Dialect) -> Field:
    option = descriptor.GetOptions().Extensions[options_pb2.wire]
    wire = _resolve(option, dialect, descriptor.full_name)
    elsewhere = _resolve(option, dialect.other, descriptor.full_name)
    name = wire.name or descriptor.json_name
    names = [] if _never_travels(wire) else [name]
    if not _never_travels(elsewhere):
        names.append(elsewhere.name or descriptor.json_name)
    names += [*wire.read, *elsewhere.read]
    return Field(descriptor=descriptor, wire=wire, name=name, read=tuple(dict.fromkeys(names)))


def _never_travels(wire: Wire) -> bool:
    return wire.absent != options_pb2.ABSENT_UNSPECIFIED


def _resolve(option: Option, dialect: Dialect, where: str) -> Option:
    for block in (option.national_site, option.open_platform):
        if block.HasField("national_site") or block.HasField("open_platform"):
            raise SpecificationError(f"{where}: dialect blocks must not nest")
    resolved = type(option)()
    resolved.CopyFrom(option)
    resolved.ClearField("national_site")
    resolved.ClearField("open_platform")
    resolved.MergeFrom(option.national_site if dialect is Dialect.NATIONAL_SITE else option.open_platform)
    return resolved
