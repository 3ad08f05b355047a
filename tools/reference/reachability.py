"""Which messages are sent to 1688 or received from it, in which dialect."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from google.protobuf.descriptor import Descriptor, MethodDescriptor
from nationalsite.upstream import v1 as upstream_v1

from services.adapter.codec.option_checks import NO_OPERATION
from services.adapter.codec.schema import (
    Dialect,
    MappedField,
    resolve_derived_fields,
    resolve_fields,
    resolve_operation,
    resolve_topic_fields,
)
from tools.reference.services import REPLAY_SERVICE, SERVICE_PAGES

_OUR_PACKAGES = "nationalsite."


class Reachability:
    """The messages that the operations of 1688 reach, over all services."""

    def __init__(self) -> None:
        methods = [
            method for service in (*SERVICE_PAGES.values(), REPLAY_SERVICE) for method in service.methods
        ]
        pushed = [
            message
            for method in methods
            for message in reachable_messages(method.output_type)
            if _is_pushed(message)
        ]
        self._received = {nested.full_name for message in pushed for nested in reachable_messages(message)}
        self._sent: dict[Dialect, set[str]] = {}
        self._fan_out_fields: dict[tuple[str, Dialect], str] = {}
        for dialect in Dialect:
            operations = [(method, resolve_operation(method, dialect)) for method in methods]
            operations = [
                (method, option) for method, option in operations if option.api not in ("", NO_OPERATION)
            ]
            self._sent[dialect] = {
                message.full_name
                for method, _ in operations
                for message in reachable_messages(method.input_type)
            }
            self._received |= {
                message.full_name
                for method, _ in operations
                for message in reachable_messages(method.output_type)
            }
            self._fan_out_fields |= {
                (method.input_type.full_name, dialect): option.fan_out for method, option in operations
            }

    def dialects(self, message: Descriptor) -> tuple[Dialect, ...]:
        """Return the dialects in which a message is sent to 1688 or received from it."""
        name = message.full_name
        return tuple(dialect for dialect in Dialect if name in self._received or name in self._sent[dialect])

    def is_only_received(self, message: Descriptor) -> bool:
        """Return whether a message is never sent to 1688."""
        return not any(message.full_name in self._sent[dialect] for dialect in Dialect)

    def fan_out_field(self, request: Descriptor, dialect: Dialect) -> str:
        """Return the field of a request whose elements are sent in one call each; empty if there is none."""
        return self._fan_out_fields.get((request.full_name, dialect), "")


def field_mappings(message: Descriptor, dialect: Dialect) -> dict[str, MappedField]:
    """Return how the fields of a message are mapped to 1688's, by field name."""
    fields = resolve_fields(message, dialect)
    by_topic = resolve_topic_fields(message, dialect).values()
    ranges = [
        replace(field, descriptor=message.fields_by_name[field.range_name])
        for field in fields
        if field.range_name
    ]
    derived = resolve_derived_fields(message, dialect)
    return {field.descriptor.name: field for field in (*fields, *by_topic, *ranges, *derived)}


def reachable_messages(message: Descriptor) -> Iterator[Descriptor]:
    """Yield a message and all messages of ours below it, each once."""
    reached: dict[str, Descriptor] = {}
    pending = [message]
    while pending:
        current = pending.pop()
        if current.full_name.startswith(_OUR_PACKAGES) and current.full_name not in reached:
            reached[current.full_name] = current
            pending += [field.message_type for field in current.fields if field.message_type]
    return iter(reached.values())


def field_paths(message: Descriptor, dialect: Dialect, prefix: str = "") -> Iterator[tuple[str, MappedField]]:
    """Yield every field of a request at any depth, by its path; the path of a list ends with `[]`."""
    for name, field in field_mappings(message, dialect).items():
        path = f"{prefix}{name}{'[]' if field.descriptor.is_repeated else ''}"
        yield path, field
        nested = field.descriptor.message_type
        if nested and nested.full_name.startswith(_OUR_PACKAGES):
            yield from field_paths(nested, dialect, f"{path}.")


def upstream_operations(
    methods: Iterable[MethodDescriptor], dialect: Dialect
) -> list[tuple[MethodDescriptor, str]]:
    """Return the methods that are operations of 1688 in the dialect, with 1688's API ids."""
    apis = [(method, resolve_operation(method, dialect).api) for method in methods]
    return [(method, api) for method, api in apis if api not in ("", NO_OPERATION)]


def _is_pushed(message: Descriptor) -> bool:
    """Return whether 1688 pushes a message: its oneof arms have topics."""
    return any(field.GetOptions().Extensions[upstream_v1.field].topics for field in message.fields)
