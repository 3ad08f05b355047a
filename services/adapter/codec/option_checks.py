"""Checks the mapping options at start. With a problem in them, the process exits and prints the problem."""

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
"""The option `api` of an RPC for which the dialect has no operation."""
MONEY, TIMESTAMP, DECIMAL = "google.type.Money", "google.protobuf.Timestamp", "google.type.Decimal"
SCALAR_MESSAGES = (MONEY, TIMESTAMP, DECIMAL)
"""Message types that hold one value of 1688's, not an object."""
STATUS = "google.rpc.Status"


class SchemaError(StartupError):
    """The mapping options are invalid; one line for each problem."""

    def __init__(self, *lines: str) -> None:
        super().__init__(lines)


def check_operation(location: str, method: MethodDescriptor, operation: Operation) -> None:
    """Check the option `operation` of an RPC, resolved for one dialect. Raises SchemaError."""
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
    rejection = method.output_type.fields_by_name.get("rejection")
    if operation.may_be_partial and not (rejection is not None and _is_message(STATUS)(rejection)):
        raise SchemaError(f"{location}: may_be_partial needs a response field {STATUS} rejection")
    for mapping in operation.error_mappings:
        _check_error_mapping(location, mapping)
    for mapping in operation.empty_responses:
        if not (mapping.codes or mapping.text) or mapping.payload or mapping.reason:
            raise SchemaError(f"{location}: an empty response needs codes or a text, and nothing else")
    if names := operation.constants.keys() & {operation.param}:
        raise SchemaError(f"{location}: the constant {min(names)!r} is the parameter of the request")


def _check_error_mapping(location: str, mapping: ErrorMapping) -> None:
    if not (mapping.codes or mapping.text or mapping.payload):
        raise SchemaError(f"{location}: an error mapping without a condition")
    if mapping.reason == ErrorReason.ERROR_REASON_UNSPECIFIED:
        raise SchemaError(f"{location}: an error mapping without a reason")
    if mapping.payload and not _is_json(mapping.payload):
        raise SchemaError(f"{location}: payload {mapping.payload!r} of an error mapping is not JSON")


def check_mapping(field: FieldDescriptor, mapping: FieldMapping) -> None:
    """Check the option `field` of a field, resolved for one dialect. Raises SchemaError."""
    location = field.full_name
    if mapping.encoding and not _ENCODING_CHECKS[mapping.encoding](field):
        raise SchemaError(
            f"{location}: {upstream_v1.Encoding.Name(mapping.encoding)} does not fit the field's type"
        )
    if mapping.default and not _is_json(mapping.default):
        raise SchemaError(f"{location}: default {mapping.default!r} is not JSON")
    if (mapping.max_len or mapping.pattern) and not _is_string(field):
        raise SchemaError(f"{location}: max_len and pattern are for strings")
    if mapping.value_map and not _is_string_or_enum(field):
        raise SchemaError(f"{location}: value_map is for strings and enums")
    if bool(mapping.pattern) != bool(mapping.pattern_text):
        raise SchemaError(f"{location}: pattern and pattern_text need each other")
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
    _check_response_options(location, field, mapping)
    for name, pattern in (("pattern", mapping.pattern), ("no_value", mapping.no_value)):
        try:
            re.compile(pattern)
        except re.error as error:
            raise SchemaError(f"{location}: {name} {pattern!r} does not compile: {error.msg}") from None


def _check_response_options(location: str, field: FieldDescriptor, mapping: FieldMapping) -> None:
    """Check the options that concern responses and messages only."""
    if mapping.topics and not (mapping.name and field.containing_oneof and field.message_type):
        raise SchemaError(f"{location}: topics need a field of a oneof, with a name and a message type")
    if mapping.counted_by:
        _check_count(location, field, mapping)
    if mapping.range_of:
        _check_range(location, field, mapping)
    if mapping.normalizes:
        _check_normalization(location, field, mapping)
    if mapping.or_enclosing and not _is_message_list(field):
        raise SchemaError(f"{location}: or_enclosing is for lists of messages")
    if mapping.no_value and (field.is_repeated or not _is_value(field)):
        raise SchemaError(f"{location}: no_value is for single values")


def _check_normalization(location: str, field: FieldDescriptor, mapping: FieldMapping) -> None:
    if field.enum_type is None or field.is_repeated:
        raise SchemaError(f"{location}: normalizes is for single enums")
    if not _is_single_string(_get_sibling(field, mapping.normalizes)):
        raise SchemaError(f"{location}: normalizes {mapping.normalizes!r} is not a string of the message")
    if mapping != FieldMapping(normalizes=mapping.normalizes):
        raise SchemaError(f"{location}: normalizes excludes all other options")


def _check_count(location: str, field: FieldDescriptor, mapping: FieldMapping) -> None:
    if not field.is_repeated:
        raise SchemaError(f"{location}: counted_by is for lists")
    if not _is_optional_integer(_get_sibling(field, mapping.counted_by)):
        raise SchemaError(
            f"{location}: counted_by {mapping.counted_by!r} is not an optional integer of the message"
        )


def _check_range(location: str, field: FieldDescriptor, mapping: FieldMapping) -> None:
    price = _get_sibling(field, mapping.range_of)
    if price is None or price.is_repeated or not _is_message(MONEY)(price):
        raise SchemaError(f"{location}: range_of {mapping.range_of!r} is not a Money of the message")
    if _list_encodings(price) - {upstream_v1.ENCODING_UNSPECIFIED, upstream_v1.ENCODING_FOREIGN_CURRENCY}:
        raise SchemaError(f"{location}: range_of {mapping.range_of!r} is not sent as text")
    if field.is_repeated or not _is_price_range(field):
        raise SchemaError(f"{location}: range_of needs a message of min_price, max_price and text")
    if mapping != FieldMapping(range_of=mapping.range_of):
        raise SchemaError(f"{location}: range_of excludes all other options")


def _list_encodings(field: FieldDescriptor) -> set[int]:
    option = field.GetOptions().Extensions[upstream_v1.field]
    return {each.encoding for each in (option, option.national_site, option.open_platform)}


def _is_price_range(field: FieldDescriptor) -> bool:
    message = field.message_type
    fields = {} if message is None else message.fields_by_name
    return (
        set(fields) == {"min_price", "max_price", "text"}
        and _is_message(MONEY)(fields["min_price"])
        and _is_message(MONEY)(fields["max_price"])
        and _is_single_string(fields["text"])
    )


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


def _is_bool(field: FieldDescriptor) -> bool:
    return field.type == FieldDescriptor.TYPE_BOOL


def _is_value(field: FieldDescriptor) -> bool:
    return field.message_type is None or field.message_type.full_name in SCALAR_MESSAGES


def _is_integer(field: FieldDescriptor) -> bool:
    return field.type in (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64)


def _is_optional_integer(field: FieldDescriptor | None) -> bool:
    return field is not None and _is_integer(field) and not field.is_repeated and field.has_presence


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
    upstream_v1.ENCODING_ONE_OBJECT: _is_message_list,
    upstream_v1.ENCODING_Y_OR_N: _is_bool,
}
