"""Reads the mapping options from the descriptors, resolves them for one dialect, and checks them at start."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TypeVar

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from nationalsite.upstream import v1 as upstream_v1
from nationalsite.upstream.v1 import FieldMapping, Operation

from services.adapter.codec.option_checks import SchemaError, check_mapping, check_operation

PAYLOAD = "."
"""A field with this in place of a member's name holds the entire payload of a response or a request.

In the messages of a list, it holds the entire element: `[1, 2]` becomes messages with this field.
"""
LOOKUPS: Mapping[str, Mapping[str, str]] = {"languages": {"japan": "ja", "vietnam": "vi"}}
"""The tables for the option `lookup`, by name.

`languages` maps a country to its language code. The setting NATIONALSITE_LANGUAGES replaces this table.
"""
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
    """A protobuf field, and the member of 1688 to which it is mapped in one dialect."""

    descriptor: FieldDescriptor
    mapping: FieldMapping
    """The field's option, resolved for the dialect."""
    upstream_name: str
    """The member's name in requests."""
    read_names: tuple[str, ...]
    """Every name of the member that is accepted in responses; an earlier one has precedence."""
    range_name: str = ""
    """Of a price: the field whose option `range_of` names it."""


def resolve_operation(method: MethodDescriptor, dialect: Dialect) -> Operation:
    """Return the option `operation` of an RPC, resolved for a dialect. Raises SchemaError."""
    options = method.GetOptions()
    if not options.HasExtension(upstream_v1.operation):
        raise SchemaError(f"{method.full_name}: the option (nationalsite.upstream.v1.operation) is missing")
    resolved = _resolve(options.Extensions[upstream_v1.operation], dialect, method.full_name)
    check_operation(f"{method.full_name} in {dialect}", method, resolved)
    return resolved


def get_idempotency(method: MethodDescriptor) -> Idempotency:
    """Return the idempotency of an RPC."""
    return Idempotency(MethodOptions.IdempotencyLevel.Name(method.GetOptions().idempotency_level))


@cache
def resolve_fields(message: Descriptor, dialect: Dialect) -> tuple[MappedField, ...]:
    """Return the fields of a protobuf message with their mappings.

    Fields with the option `topics` are left out: see `resolve_topic_fields`. A field with the option
    `range_of` is left out too: the price that it belongs to has its name. So are the fields of
    `resolve_derived_fields`. If a name belongs to one field in this dialect and to another field in the other
    dialect, the field of this dialect reads it. Raises SchemaError if two fields read the same member.
    """
    mappings = [(descriptor, *_resolve_mappings(descriptor, dialect)) for descriptor in message.fields]
    range_names = _find_ranges((descriptor, mapping) for descriptor, mapping, _ in mappings)
    mappings = [
        (descriptor, mapping, other)
        for descriptor, mapping, other in mappings
        if not mapping.topics
        and not mapping.range_of
        and not mapping.normalizes
        and not _is_raw_object(descriptor, mapping)
    ]
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
            range_name=range_names.get(descriptor.name, ""),
        )
        for descriptor, mapping, _ in mappings
    )


def resolve_derived_fields(message: Descriptor, dialect: Dialect) -> tuple[MappedField, ...]:
    """Return the fields of a message in a response that read no member of their own.

    These are the field that holds the whole object as JSON text, and the enums with the option `normalizes`.
    """
    mappings = [(descriptor, _resolve_mappings(descriptor, dialect)[0]) for descriptor in message.fields]
    return tuple(
        MappedField(descriptor=descriptor, mapping=mapping, upstream_name=mapping.name, read_names=())
        for descriptor, mapping in mappings
        if mapping.normalizes or _is_raw_object(descriptor, mapping)
    )


def _is_raw_object(descriptor: FieldDescriptor, mapping: FieldMapping) -> bool:
    """Whether a field holds an object as JSON text.

    The messages of a list that have no other field hold their element, not an object: see PAYLOAD.
    """
    is_raw = mapping.name == PAYLOAD and mapping.encoding == upstream_v1.ENCODING_RAW_JSON
    message = descriptor.containing_type
    return is_raw and message is not None and len(message.fields) > 1


def normalize_word(text: str) -> str:
    """Return 1688's word for a state in the form in which its spellings are equal."""
    return text.strip().lower().replace("_", "")


def get_omitted_members(message: Descriptor) -> tuple[str, ...]:
    """Return the documented members that a message has no field for: names, or paths below its object."""
    option = message.GetOptions().Extensions[upstream_v1.message]
    return tuple(name for members in option.omitted for name in members.names)


def resolve_topic_fields(message: Descriptor, dialect: Dialect) -> dict[str, MappedField]:
    """Return the fields of a protobuf message that have the option `topics`, by each of their topics.

    Such a field is set only if 1688's message has one of these topics. Raises SchemaError.
    """
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


def find_handler_fields(request: Descriptor, dialect: Dialect, prefix: str = "") -> frozenset[str]:
    """Return the paths of the local fields that the codec itself does not use.

    A handler or an interceptor has to use them. The codec uses a local field that fills another field.
    """
    fields = resolve_fields(request, dialect)
    sources = {field.mapping.filled_from for field in fields}
    paths = set()
    for field in fields:
        name, message = field.descriptor.name, field.descriptor.message_type
        if field.mapping.unmapped == upstream_v1.UNMAPPED_FIELD_POLICY_LOCAL:
            paths |= {prefix + name} - {prefix + source for source in sources}
        elif message is not None:
            paths |= find_handler_fields(message, dialect, f"{prefix}{name}.")
    return frozenset(paths)


def get_enum_texts(enum: EnumDescriptor) -> dict[int, tuple[str, ...]]:
    """Return 1688's texts for each value of an enum except 0. Requests contain the first of them."""
    texts = {}
    for value in enum.values:
        option = value.GetOptions().Extensions[upstream_v1.enum_value]
        if option.text:
            texts[value.number] = (option.text, *option.aliases)
        elif value.number:
            raise SchemaError(f"{enum.full_name}: {value.name} has no text")
    return texts


def _find_ranges(mappings: Iterable[tuple[FieldDescriptor, FieldMapping]]) -> dict[str, str]:
    """Return the fields with the option `range_of`, by the price that it names."""
    names: dict[str, str] = {}
    for descriptor, mapping in mappings:
        if mapping.range_of and names.setdefault(mapping.range_of, descriptor.name) != descriptor.name:
            raise SchemaError(
                f"{descriptor.full_name}: range_of {mapping.range_of!r}, as {names[mapping.range_of]}"
            )
    return names


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
