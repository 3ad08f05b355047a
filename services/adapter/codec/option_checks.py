"""What an option must not say, beyond what its type rules out: each is one line, and stops the start."""

import re
from collections.abc import Callable

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from nationalsite.errors.v1 import ErrorReason
from nationalsite.upstream import v1 as options
from nationalsite.upstream.v1 import ErrorMapping, FieldMapping, Operation

from services.adapter.codec.tolerant_json import parse
from services.errors import StartupError

API_ID = re.compile(r"[\w.]+:[\w.]+-\d+", re.ASCII)
"""1688's id of an operation, `namespace:name-version`."""
NOT_HERE = "-"
"""The api of an operation that a dialect does not have."""
MONEY, TIMESTAMP = "google.type.Money", "google.protobuf.Timestamp"


class SchemaError(StartupError):
    """The protos contradict themselves; one line a finding."""

    def __init__(self, *lines: str) -> None:
        super().__init__(lines)


def check_operation(where: str, method: MethodDescriptor, found: Operation) -> None:
    """Check an operation as it is in one dialect. Raises SchemaError."""
    if found.fan_out and not _holds_messages(method.input_type.fields_by_name.get(found.fan_out)):
        raise SchemaError(f"{where}: fan_out {found.fan_out!r} is no list of messages in the request")
    if bool(found.api) == found.local:
        raise SchemaError(f"{where}: {'both an api and' if found.local else 'neither an api nor'} local")
    if not (found.local or found.api == NOT_HERE or API_ID.fullmatch(found.api)):
        raise SchemaError(f"{where}: api {found.api!r} is not namespace:name-version")
    for mapping in found.error_mappings:
        _check_error_mapping(where, mapping)


def _check_error_mapping(where: str, mapping: ErrorMapping) -> None:
    if not (mapping.codes or mapping.text or mapping.payload):
        raise SchemaError(f"{where}: an error mapping that matches every error")
    if mapping.reason == ErrorReason.ERROR_REASON_UNSPECIFIED:
        raise SchemaError(f"{where}: an error mapping without a reason")
    if mapping.payload and not _is_json(mapping.payload):
        raise SchemaError(f"{where}: payload {mapping.payload!r} of an error mapping is not JSON")


def check_wire(field: FieldDescriptor, wire: FieldMapping) -> None:
    """Check how a field travels in one dialect. Raises SchemaError."""
    where = field.full_name
    if wire.encoding and not _ENCODINGS[wire.encoding](field):
        raise SchemaError(f"{where}: {options.Encoding.Name(wire.encoding)} does not fit the field's type")
    if wire.default and not _is_json(wire.default):
        raise SchemaError(f"{where}: default {wire.default!r} is not JSON")
    if (wire.value_map or wire.max_len or wire.pattern) and field.type != FieldDescriptor.TYPE_STRING:
        raise SchemaError(f"{where}: value_map, max_len and pattern are for texts")
    if wire.required_without and wire.required_without not in _names_beside(field):
        raise SchemaError(f"{where}: required_without {wire.required_without!r} is no field beside it")
    if wire.topics and not (wire.name and field.containing_oneof and field.message_type):
        raise SchemaError(f"{where}: topics are for named arms of a oneof that hold a message")
    try:
        re.compile(wire.pattern)
    except re.error as error:
        raise SchemaError(f"{where}: pattern {wire.pattern!r} does not compile: {error.msg}") from None


def _holds_messages(field: FieldDescriptor | None) -> bool:
    return field is not None and bool(field.is_repeated) and field.message_type is not None


def _names_beside(field: FieldDescriptor) -> frozenset[str]:
    message = field.containing_type
    return frozenset(message.fields_by_name if message else ()) - {field.name}


def _is_json(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _is(full_name: str) -> Callable[[FieldDescriptor], bool]:
    return lambda field: field.message_type is not None and field.message_type.full_name == full_name


def _is_number_elsewhere(field: FieldDescriptor) -> bool:
    return field.enum_type is not None or field.type == FieldDescriptor.TYPE_STRING


def _is_integer(field: FieldDescriptor) -> bool:
    return field.type in (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64)


def _is_joinable(field: FieldDescriptor) -> bool:
    return bool(field.is_repeated) and field.message_type is None


def _is_pair(field: FieldDescriptor) -> bool:
    return field.message_type is not None and not field.is_repeated and len(field.message_type.fields) == 2


def _is_text(field: FieldDescriptor) -> bool:
    return field.type == FieldDescriptor.TYPE_STRING


def _is_content(field: FieldDescriptor) -> bool:
    return field.type == FieldDescriptor.TYPE_BYTES and not field.is_repeated


_ENCODINGS: dict[int, Callable[[FieldDescriptor], bool]] = {
    options.ENCODING_NUMBER: _is_number_elsewhere,
    options.ENCODING_TEXT: _is_integer,
    options.ENCODING_FEN: _is(MONEY),
    options.ENCODING_FOREIGN_CURRENCY: _is(MONEY),
    options.ENCODING_COMPACT_TIME: _is(TIMESTAMP),
    options.ENCODING_COMMA_JOINED: _is_joinable,
    options.ENCODING_SEMICOLON_JOINED: _is_joinable,
    options.ENCODING_PAIR_TEXT: _is_pair,
    options.ENCODING_FILE: _is_content,
    options.ENCODING_RAW_JSON: _is_text,
}
