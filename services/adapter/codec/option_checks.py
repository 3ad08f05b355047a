"""Checks of the mapping options. Each problem is one line, and the process does not start."""

import re
from collections.abc import Callable

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from nationalsite.errors.v1 import ErrorReason
from nationalsite.upstream import v1 as upstream_v1
from nationalsite.upstream.v1 import ErrorMapping, FieldMapping, Operation

from services.adapter.codec.tolerant_json import parse
from services.errors import StartupError

API_ID = re.compile(r"[\w.]+:[\w.]+-\d+", re.ASCII)
"""1688's id of an operation, `namespace:name-version`."""
NO_OPERATION = "-"
"""Marks an operation that the dialect lacks."""
MONEY, TIMESTAMP = "google.type.Money", "google.protobuf.Timestamp"


class SchemaError(StartupError):
    """The mapping options are invalid; one line for each problem."""

    def __init__(self, *lines: str) -> None:
        super().__init__(lines)


def check_operation(location: str, method: MethodDescriptor, operation: Operation) -> None:
    """Check an operation as it is in one dialect. Raises SchemaError."""
    if operation.fan_out and not _is_message_list(method.input_type.fields_by_name.get(operation.fan_out)):
        raise SchemaError(
            f"{location}: fan_out {operation.fan_out!r} is not a list of messages in the request"
        )
    if operation.api and operation.local:
        raise SchemaError(f"{location}: has both an api and local")
    if not operation.api and not operation.local:
        raise SchemaError(f"{location}: has neither an api nor local")
    if operation.api not in ("", NO_OPERATION) and not API_ID.fullmatch(operation.api):
        raise SchemaError(f"{location}: api {operation.api!r} is not namespace:name-version")
    for mapping in operation.error_mappings:
        _check_error_mapping(location, mapping)


def _check_error_mapping(location: str, mapping: ErrorMapping) -> None:
    if not (mapping.codes or mapping.text or mapping.payload):
        raise SchemaError(f"{location}: an error mapping without a condition")
    if mapping.reason == ErrorReason.ERROR_REASON_UNSPECIFIED:
        raise SchemaError(f"{location}: an error mapping without a reason")
    if mapping.payload and not _is_json(mapping.payload):
        raise SchemaError(f"{location}: payload {mapping.payload!r} of an error mapping is not JSON")


def check_mapping(field: FieldDescriptor, mapping: FieldMapping) -> None:
    """Check the mapping of a field as it is in one dialect. Raises SchemaError."""
    location = field.full_name
    if mapping.encoding and not _ENCODING_CHECKS[mapping.encoding](field):
        raise SchemaError(
            f"{location}: {upstream_v1.Encoding.Name(mapping.encoding)} does not fit the field's type"
        )
    if mapping.default and not _is_json(mapping.default):
        raise SchemaError(f"{location}: default {mapping.default!r} is not JSON")
    if (mapping.value_map or mapping.max_len or mapping.pattern) and not _is_string(field):
        raise SchemaError(f"{location}: value_map, max_len and pattern are for strings")
    if mapping.required_without and mapping.required_without not in _sibling_names(field):
        raise SchemaError(
            f"{location}: required_without {mapping.required_without!r} is not another field of the message"
        )
    if bool(mapping.filled_from) != bool(mapping.lookup):
        raise SchemaError(f"{location}: filled_from and lookup need each other")
    if mapping.filled_from and not (
        _is_single_string(field) and _is_single_string(_get_sibling(field, mapping.filled_from))
    ):
        raise SchemaError(f"{location}: filled_from {mapping.filled_from!r} is not for two strings")
    if mapping.topics and not (mapping.name and field.containing_oneof and field.message_type):
        raise SchemaError(f"{location}: topics are for fields of a oneof that have a name and are messages")
    try:
        re.compile(mapping.pattern)
    except re.error as error:
        raise SchemaError(f"{location}: pattern {mapping.pattern!r} does not compile: {error.msg}") from None


def _is_message_list(field: FieldDescriptor | None) -> bool:
    return field is not None and bool(field.is_repeated) and field.message_type is not None


def _sibling_names(field: FieldDescriptor) -> frozenset[str]:
    message = field.containing_type
    return frozenset(message.fields_by_name if message else ()) - {field.name}


def _get_sibling(field: FieldDescriptor, name: str) -> FieldDescriptor | None:
    message = field.containing_type
    return message.fields_by_name.get(name) if message else None


def _is_json(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _is_message(full_name: str) -> Callable[[FieldDescriptor], bool]:
    return lambda field: field.message_type is not None and field.message_type.full_name == full_name


def _is_string(field: FieldDescriptor) -> bool:
    return field.type == FieldDescriptor.TYPE_STRING


def _is_single_string(field: FieldDescriptor | None) -> bool:
    return field is not None and _is_string(field) and not field.is_repeated


def _is_string_or_enum(field: FieldDescriptor) -> bool:
    return field.enum_type is not None or _is_string(field)


def _is_integer(field: FieldDescriptor) -> bool:
    return field.type in (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64)


def _is_scalar_list(field: FieldDescriptor) -> bool:
    return bool(field.is_repeated) and field.message_type is None


def _is_pair(field: FieldDescriptor) -> bool:
    return field.message_type is not None and not field.is_repeated and len(field.message_type.fields) == 2


def _is_single_bytes(field: FieldDescriptor) -> bool:
    return field.type == FieldDescriptor.TYPE_BYTES and not field.is_repeated


_ENCODING_CHECKS: dict[int, Callable[[FieldDescriptor], bool]] = {
    upstream_v1.ENCODING_NUMBER: _is_string_or_enum,
    upstream_v1.ENCODING_TEXT: _is_integer,
    upstream_v1.ENCODING_FEN: _is_message(MONEY),
    upstream_v1.ENCODING_FOREIGN_CURRENCY: _is_message(MONEY),
    upstream_v1.ENCODING_COMPACT_TIME: _is_message(TIMESTAMP),
    upstream_v1.ENCODING_COMMA_JOINED: _is_scalar_list,
    upstream_v1.ENCODING_SEMICOLON_JOINED: _is_scalar_list,
    upstream_v1.ENCODING_PAIR_TEXT: _is_pair,
    upstream_v1.ENCODING_FILE: _is_single_bytes,
    upstream_v1.ENCODING_RAW_JSON: _is_string,
}
