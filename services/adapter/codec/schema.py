"""Reads the mapping options from the descriptors, resolves them for one dialect, and checks them at start."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from nationalsite.upstream import v1 as upstream_v1
from nationalsite.upstream.v1 import FieldMapping, Operation

from services.adapter.codec.option_checks import SchemaError, check_mapping, check_operation

PAYLOAD = "."
"""Special name: the field holds the entire payload."""
LOOKUPS: Mapping[str, Mapping[str, str]] = {"languages": {"japan": "ja", "vietnam": "vi"}}
"""The tables for `lookup`: country to language code. The setting NATIONALSITE_LANGUAGES overrides it."""
Option = TypeVar("Option", Operation, FieldMapping)


class Dialect(StrEnum):
    """The two variants of 1688's operations."""

    NATIONAL_SITE = "national-site"
    OPEN_PLATFORM = "open-platform"

    @property
    def other(self) -> "Dialect":
        """The other dialect. Requests are not written in it, but responses are read in both."""
        return Dialect.OPEN_PLATFORM if self is Dialect.NATIONAL_SITE else Dialect.NATIONAL_SITE


class Idempotency(StrEnum):
    """The idempotency_level of an RPC."""

    NO_SIDE_EFFECTS = "NO_SIDE_EFFECTS"
    IDEMPOTENT = "IDEMPOTENT"
    NON_IDEMPOTENT = "IDEMPOTENCY_UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedField:
    """A field and its mapping to 1688's member in one dialect."""

    descriptor: FieldDescriptor
    mapping: FieldMapping
    """The resolved option."""
    upstream_name: str
    """1688's name in the dialect."""
    read_names: tuple[str, ...]
    """Every name that is accepted in responses; an earlier one has precedence."""


def resolve_operation(method: MethodDescriptor, dialect: Dialect) -> Operation:
    """Return the operation of an RPC in a dialect. Raises SchemaError."""
    options = method.GetOptions()
    if not options.HasExtension(upstream_v1.operation):
        raise SchemaError(f"{method.full_name}: the option (nationalsite.upstream.v1.operation) is missing")
    resolved = _resolve(options.Extensions[upstream_v1.operation], dialect, method.full_name)
    check_operation(f"{method.full_name} in {dialect}", method, resolved)
    return resolved


def get_idempotency(method: MethodDescriptor) -> Idempotency:
    """Return the idempotency of an RPC."""
    return Idempotency(MethodOptions.IdempotencyLevel.Name(method.GetOptions().idempotency_level))


def resolve_fields(message: Descriptor, dialect: Dialect) -> tuple[MappedField, ...]:
    """Return the fields of a message with their mappings. Raises SchemaError if two read one member.

    Fields that are read by topic are left out: see `resolve_topic_fields`. A name of the dialect itself has
    precedence over the same name of the other dialect.
    """
    mappings = [(descriptor, *_resolve_mappings(descriptor, dialect)) for descriptor in message.fields]
    mappings = [(descriptor, mapping, other) for descriptor, mapping, other in mappings if not mapping.topics]
    dialect_names = _NameOwners(message)
    for descriptor, mapping, _ in mappings:
        dialect_names.claim(descriptor, _upstream_names(descriptor, mapping))
    other_names = _NameOwners(message)
    for descriptor, mapping, other in mappings:
        names = dict.fromkeys((*_upstream_names(descriptor, other), *mapping.aliases, *other.aliases))
        other_names.claim(descriptor, [name for name in names if name not in dialect_names.owners])
    return tuple(
        MappedField(
            descriptor=descriptor,
            mapping=mapping,
            upstream_name=mapping.name or descriptor.json_name,
            read_names=(*dialect_names.names_of(descriptor), *other_names.names_of(descriptor)),
        )
        for descriptor, mapping, _ in mappings
    )


def resolve_topic_fields(message: Descriptor, dialect: Dialect) -> dict[str, MappedField]:
    """Return the oneof fields of a message by the topics for which they are read. Raises SchemaError."""
    fields: dict[str, MappedField] = {}
    for descriptor in message.fields:
        mapping, _ = _resolve_mappings(descriptor, dialect)
        field = MappedField(
            descriptor=descriptor,
            mapping=mapping,
            upstream_name=mapping.name,
            read_names=(mapping.name, *mapping.aliases),
        )
        for topic in mapping.topics:
            if topic in fields:
                raise SchemaError(f"{descriptor.full_name}: topic {topic} has another field")
            fields[topic] = field
    return fields


def find_unused_local_fields(request: Descriptor, dialect: Dialect, prefix: str = "") -> frozenset[str]:
    """Return the paths of local fields that do not fill another field: a handler has to use them."""
    fields = resolve_fields(request, dialect)
    sources = {field.mapping.filled_from for field in fields}
    paths = set()
    for field in fields:
        name, message = field.descriptor.name, field.descriptor.message_type
        if field.mapping.unmapped == upstream_v1.UNMAPPED_FIELD_POLICY_LOCAL:
            paths |= {prefix + name} - {prefix + source for source in sources}
        elif message is not None:
            paths |= find_unused_local_fields(message, dialect, f"{prefix}{name}.")
    return frozenset(paths)


def get_enum_texts(enum: EnumDescriptor) -> dict[int, tuple[str, ...]]:
    """Return 1688's texts for each value of an enum but 0; the first is the one to write."""
    texts = {}
    for value in enum.values:
        option = value.GetOptions().Extensions[upstream_v1.enum_value]
        if option.text:
            texts[value.number] = (option.text, *option.aliases)
        elif value.number:
            raise SchemaError(f"{enum.full_name}: {value.name} has no text")
    return texts


class _NameOwners:
    """Maps 1688's member names to the fields that decode them."""

    def __init__(self, message: Descriptor) -> None:
        self._message = message
        self.owners: dict[str, str] = {}

    def claim(self, field: FieldDescriptor, names: Iterable[str]) -> None:
        for name in names:
            owner = self.owners.setdefault(name, field.name)
            if owner != field.name:
                raise SchemaError(f"{self._message.full_name}.{field.name}: reads {name!r}, as does {owner}")

    def names_of(self, field: FieldDescriptor) -> Iterator[str]:
        return (name for name, owner in self.owners.items() if owner == field.name)


def _resolve_mappings(field: FieldDescriptor, dialect: Dialect) -> tuple[FieldMapping, FieldMapping]:
    """Return the mapping of a field in the dialect and in the other one."""
    option = field.GetOptions().Extensions[upstream_v1.field]
    mapping = _resolve(option, dialect, field.full_name)
    other = _resolve(option, dialect.other, field.full_name)
    check_mapping(field, mapping)
    check_mapping(field, other)
    return mapping, other


def _upstream_names(field: FieldDescriptor, mapping: FieldMapping) -> tuple[str, ...]:
    return () if mapping.unmapped else (mapping.name or field.json_name,)


def _resolve(option: Option, dialect: Dialect, location: str) -> Option:
    for block in (option.national_site, option.open_platform):
        if block.HasField("national_site") or block.HasField("open_platform"):
            raise SchemaError(f"{location}: dialect blocks must not be nested")
    resolved = type(option)()
    resolved.CopyFrom(option)
    resolved.ClearField("national_site")
    resolved.ClearField("open_platform")
    resolved.MergeFrom(option.national_site if dialect is Dialect.NATIONAL_SITE else option.open_platform)
    return resolved
