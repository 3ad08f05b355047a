"""Encodes requests to 1688's parameters, with an encoder per field that is compiled once per operation.

Requests are written in one dialect. Before anything is sent, a request is rejected if

- a value cannot be sent exactly,
- it sets a field that has no member in the dialect, and the field's option says REJECT, or
- it lacks a field that the dialect requires.

The error names the paths of these fields. A field without a member whose option says DROP is not sent: see
dropped_fields.py.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from nationalsite.upstream import v1 as upstream_v1

from services.adapter.codec.conversions import (
    INT64,
    InvalidValue,
    check_money,
    format_money,
    to_beijing_time,
    to_fen,
    to_number,
)
from services.adapter.codec.option_checks import DECIMAL, MONEY, SCALAR_MESSAGES, SchemaError
from services.adapter.codec.schema import (
    LOOKUPS,
    PAYLOAD,
    Dialect,
    MappedField,
    get_enum_texts,
    resolve_fields,
)
from services.adapter.codec.tolerant_json import dump, parse
from services.errors import InvalidRequest, NotInDialect, RequiredInDialect, Violation


class JsonDates(StrEnum):
    """How a date inside a JSON object is written."""

    TEXT = "text"
    """yyyy-MM-dd HH:mm:ss, Beijing time."""
    EPOCH_MS = "epoch-ms"
    """Milliseconds since the epoch, as a number."""


@dataclass(frozen=True, slots=True)
class File:
    """Bytes that are sent as a file part. The signature does not cover them."""

    content: bytes


LookupTables = Mapping[str, Mapping[str, str]]
"""Tables for the option `lookup`, by name."""
Members = dict[str, Any]
"""Values by 1688's names of the members. A value is one that JSON can hold, or a File."""
Conversion = Callable[[Any], object]
"""Converts the value of a field to the value that 1688 expects. Raises InvalidValue."""


@dataclass(slots=True)
class EncodeContext:
    """The problems of one request."""

    invalid: list[Violation] = field(default_factory=list)
    """Fields whose value cannot be sent."""
    unsupported: list[Violation] = field(default_factory=list)
    """Fields that are set and that the dialect cannot send."""
    missing: list[Violation] = field(default_factory=list)
    """Fields that are not set and that the dialect requires."""

    def check(self) -> None:
        """Raise an error for the first of the three lists that is not empty."""
        if self.invalid:
            raise InvalidRequest(self.invalid)
        if self.unsupported:
            raise NotInDialect(self.unsupported)
        if self.missing:
            raise RequiredInDialect(self.missing)


class FieldEncoder(Protocol):
    """Encodes one field of a message."""

    def __call__(self, message: Message, prefix: str, members: Members, context: EncodeContext, /) -> None:
        """Add the member of the field, or a problem to the context. `prefix` is the path of the message."""


class MessageEncoder:
    """Encodes a protobuf message to members."""

    def __init__(
        self,
        message: Descriptor,
        dialect: Dialect,
        dates: JsonDates,
        *,
        lookups: LookupTables = LOOKUPS,
        in_json: bool = True,
    ) -> None:
        """If `in_json`, the message becomes a JSON object; otherwise its members become form fields."""
        self._fields = [
            (
                field.descriptor.name,
                field.descriptor.has_presence,
                _build_value_encoder(field, dialect, dates, lookups, in_json=in_json),
                _build_absence_encoder(field, message, dialect, lookups),
            )
            for field in resolve_fields(message, dialect)
            if field.mapping.unmapped not in _NOT_SENT
        ]

    def encode(self, message: Message, prefix: str, context: EncodeContext) -> Members:
        """Return the members. `prefix` is the path of the message, with a dot at its end, or empty."""
        members: Members = {}
        for name, has_presence, encode_value, encode_absence in self._fields:
            if message.HasField(name) if has_presence else getattr(message, name):
                encode_value(message, prefix, members, context)
            elif encode_absence is not None:
                encode_absence(message, prefix, members, context)
        return members


def _build_absence_encoder(
    field: MappedField, message: Descriptor, dialect: Dialect, lookups: LookupTables
) -> FieldEncoder | None:
    """Return the encoder of a field of the message that is not set, or None if nothing is sent for it."""
    name, mapping, alternative = field.descriptor.name, field.mapping, field.mapping.required_without
    if mapping.unmapped or not (mapping.filled_from or mapping.default or mapping.required or alternative):
        return None
    fill = _build_lookup(field, lookups) if mapping.filled_from else None
    default = parse(mapping.default) if mapping.default else None
    has_alternative = _build_presence_check(message.fields_by_name[alternative]) if alternative else None

    def encode(message: Message, prefix: str, members: Members, context: EncodeContext) -> None:
        if fill is not None and (value := fill(message)) is not None:
            members[field.upstream_name] = value
        elif default is not None:
            members[field.upstream_name] = default
        elif mapping.required:
            description = f"is required in {dialect}"
            context.missing.append(
                Violation(field=prefix + name, description=description, reason=RequiredInDialect.reason)
            )
        elif has_alternative is not None and not has_alternative(message):
            description = f"is required in {dialect} without {alternative}"
            context.missing.append(
                Violation(field=prefix + name, description=description, reason=RequiredInDialect.reason)
            )

    return encode


def _build_presence_check(field: FieldDescriptor) -> Callable[[Message], bool]:
    name = field.name
    if field.has_presence:
        return lambda message: message.HasField(name)
    return lambda message: bool(getattr(message, name))


def _build_lookup(field: MappedField, lookups: LookupTables) -> Callable[[Message], str | None]:
    """Return a function that looks up the value of an unset field by the value of another field."""
    source, lookup = field.mapping.filled_from, field.mapping.lookup
    if lookup not in lookups:
        raise SchemaError(f"{field.descriptor.full_name}: lookup {lookup!r} is not one of {sorted(lookups)}")
    table = {key.lower(): value for key, value in lookups[lookup].items()}
    return lambda message: table.get(getattr(message, source).lower())


def _build_rejection(field: MappedField, dialect: Dialect) -> FieldEncoder:
    """Return the encoder of a field that has no member in the dialect, and must not be set."""
    name = field.descriptor.name

    def encode(_message: Message, prefix: str, _members: Members, context: EncodeContext) -> None:
        description = f"cannot be sent in {dialect}"
        context.unsupported.append(
            Violation(field=prefix + name, description=description, reason=NotInDialect.reason)
        )

    return encode


def _build_value_encoder(
    field: MappedField, dialect: Dialect, dates: JsonDates, lookups: LookupTables, *, in_json: bool
) -> FieldEncoder:
    """Return the encoder of a field that is set."""
    if field.mapping.unmapped:
        return _build_rejection(field, dialect)
    message = field.descriptor.message_type
    if "." in field.upstream_name and field.upstream_name != PAYLOAD:
        raise SchemaError(f"{field.descriptor.full_name}: the name of a request field must not be a path")
    if message is None or message.full_name in SCALAR_MESSAGES:
        member_dates = dates if in_json else JsonDates.TEXT
        choose = _choose_list_conversion if field.descriptor.is_repeated else _choose_conversion
        convert = choose(field, member_dates)
        if convert is _unchanged:
            return _PlainField(field.descriptor.name, field.upstream_name)
        return _ConvertedField(field.descriptor.name, field.upstream_name, convert)
    if any(
        nested.mapping.encoding == upstream_v1.ENCODING_FILE for nested in resolve_fields(message, dialect)
    ):
        raise SchemaError(f"{field.descriptor.full_name}: a nested message cannot have a file")
    encoder = MessageEncoder(message, dialect, dates, lookups=lookups)
    if field.mapping.encoding == upstream_v1.ENCODING_PAIR_TEXT:
        return _PairField(field.descriptor.name, field.upstream_name, encoder)
    if field.descriptor.is_repeated:
        return _MessageListField(field.descriptor.name, field.upstream_name, encoder)
    return _MessageField(field.descriptor.name, field.upstream_name, encoder)


@dataclass(frozen=True, slots=True)
class _PlainField:
    """A field whose value is sent as it is."""

    name: str
    upstream_name: str

    def __call__(self, message: Message, _prefix: str, members: Members, _: EncodeContext, /) -> None:
        members[self.upstream_name] = getattr(message, self.name)


@dataclass(frozen=True, slots=True)
class _ConvertedField:
    name: str
    upstream_name: str
    convert: Conversion

    def __call__(self, message: Message, prefix: str, members: Members, context: EncodeContext, /) -> None:
        try:
            members[self.upstream_name] = self.convert(getattr(message, self.name))
        except InvalidValue as error:
            context.invalid.append(
                Violation(field=prefix + self.name, description=str(error), reason=error.rule)
            )


@dataclass(frozen=True, slots=True)
class _MessageField:
    name: str
    upstream_name: str
    encoder: MessageEncoder

    def __call__(self, message: Message, prefix: str, members: Members, context: EncodeContext, /) -> None:
        nested = getattr(message, self.name)
        members[self.upstream_name] = self.encoder.encode(nested, f"{prefix}{self.name}.", context)


@dataclass(frozen=True, slots=True)
class _MessageListField:
    name: str
    upstream_name: str
    encoder: MessageEncoder

    def __call__(self, message: Message, prefix: str, members: Members, context: EncodeContext, /) -> None:
        members[self.upstream_name] = [
            self.encoder.encode(element, f"{prefix}{self.name}[{index}].", context)
            for index, element in enumerate(getattr(message, self.name))
        ]


@dataclass(frozen=True, slots=True)
class _PairField:
    """A message of two fields, sent as JSON text of one member: the first value is its name."""

    name: str
    upstream_name: str
    encoder: MessageEncoder

    def __call__(self, message: Message, prefix: str, members: Members, context: EncodeContext, /) -> None:
        pair = self.encoder.encode(getattr(message, self.name), f"{prefix}{self.name}.", context)
        if len(pair) != 2:  # a field is not set
            context.invalid.append(
                Violation(field=prefix + self.name, description="needs both of its fields", reason="REQUIRED")
            )
            return
        key, value = pair.values()
        members[self.upstream_name] = dump({key: value})


def _choose_list_conversion(field: MappedField, dates: JsonDates) -> Conversion:
    convert = _choose_conversion(field, dates)
    separator = {upstream_v1.ENCODING_COMMA_JOINED: ",", upstream_v1.ENCODING_SEMICOLON_JOINED: ";"}.get(
        field.mapping.encoding
    )
    if separator is None:
        return lambda values: [convert(value) for value in values]

    def join(values: Any) -> str:
        parts = [str(convert(value)) for value in values]
        if any(separator in part for part in parts):
            raise InvalidValue("DIALECT_SEPARATOR", f"must not contain {separator!r}")
        return separator.join(parts)

    return join


def _choose_conversion(field: MappedField, dates: JsonDates) -> Conversion:
    """Return the conversion of one value, by the encoding; by the type if the field has no encoding."""
    descriptor, encoding = field.descriptor, field.mapping.encoding
    if descriptor.enum_type is not None:
        return _build_enum_conversion(
            descriptor.enum_type,
            as_number=encoding == upstream_v1.ENCODING_NUMBER,
            value_map=field.mapping.value_map,
        )
    if descriptor.message_type is not None:
        return _choose_message_conversion(field, descriptor.message_type, dates)
    if descriptor.type == FieldDescriptor.TYPE_STRING:
        return _to_long if encoding == upstream_v1.ENCODING_NUMBER else _build_text_conversion(field)
    if descriptor.type == FieldDescriptor.TYPE_BYTES:
        return (
            File if encoding == upstream_v1.ENCODING_FILE else _unchanged
        )  # the JSON encoder writes it as base64
    if descriptor.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return _check_finite
    return _ENCODING_CONVERSIONS.get(encoding, _unchanged)


def _choose_message_conversion(field: MappedField, message: Descriptor, dates: JsonDates) -> Conversion:
    if message.full_name == DECIMAL:
        return lambda value: to_number(value.value)
    if message.full_name == MONEY:
        return _money_to_fen if field.mapping.encoding == upstream_v1.ENCODING_FEN else _to_yuan
    if field.mapping.encoding == upstream_v1.ENCODING_COMPACT_TIME:
        return _to_compact_time
    return _to_epoch_ms if dates is JsonDates.EPOCH_MS else _to_text_time


def _build_enum_conversion(
    enum: EnumDescriptor, *, as_number: bool, value_map: Mapping[str, str]
) -> Conversion:
    enum_texts = {number: texts[0] for number, texts in get_enum_texts(enum).items()}
    if unknown := value_map.keys() - set(enum_texts.values()):
        raise SchemaError(f"{enum.full_name}: value_map has {min(unknown)!r}, which is no value's text")
    upstream_values: dict[int, object] = {
        number: value_map.get(text, text) for number, text in enum_texts.items()
    }
    if as_number:
        try:
            upstream_values = {number: int(texts[0]) for number, texts in get_enum_texts(enum).items()}
        except ValueError:
            raise SchemaError(f"{enum.full_name}: its texts are not all numbers") from None

    def convert(number: int) -> object:
        if number not in upstream_values:
            raise InvalidValue("ENUM_DEFINED_ONLY", "must be a known value")
        return upstream_values[number]

    return convert


def _build_text_conversion(field: MappedField) -> Conversion:
    mapping = field.mapping
    value_map = dict(mapping.value_map)
    pattern = re.compile(mapping.pattern) if mapping.pattern else None

    def convert(value: str) -> str:
        if mapping.max_len and len(value) > mapping.max_len:
            raise InvalidValue("DIALECT_MAX_LEN", f"must be at most {mapping.max_len} characters")
        if pattern and not pattern.fullmatch(value):
            raise InvalidValue("DIALECT_PATTERN", mapping.pattern_text)
        return value_map.get(value, value)

    return convert if value_map or mapping.max_len or pattern else _unchanged


def _unchanged(value: object) -> object:
    return value


def _to_y_or_n(value: bool) -> str:
    return "y" if value else "n"


def _check_finite(value: float) -> float:
    if not math.isfinite(value):
        raise InvalidValue("DOUBLE_FINITE", "must be a finite number")
    return value


def _to_long(value: str) -> int:
    """Convert an id to a Long, a 64-bit integer. 007 is rejected: as a Long it would be the id 7."""
    if not _LONG.fullmatch(value) or int(value) >= INT64:
        raise InvalidValue(
            "DIALECT_LONG", "must be a number that 1688 accepts as a Long, without leading zeros"
        )
    return int(value)


def _to_yuan(value: Any) -> str:
    check_money(value.currency_code, value.units, value.nanos)
    return format_money(value.units, value.nanos)


def _money_to_fen(value: Any) -> int:
    check_money(value.currency_code, value.units, value.nanos)
    return to_fen(value.units, value.nanos)


def _to_text_time(value: Any) -> str:
    """Cut off the fraction of a second: 1688's text form has none."""
    return to_beijing_time(value.seconds, value.nanos).replace(tzinfo=None).isoformat(" ", "seconds")


def _to_compact_time(value: Any) -> str:
    time = to_beijing_time(value.seconds, value.nanos)
    return f"{time.year:04}{time:%m%d%H%M%S}{time.microsecond // 1000:03}+0800"


def _to_epoch_ms(value: Any) -> int:
    to_beijing_time(value.seconds, value.nanos)  # raises if the value is out of range
    return int(value.seconds * 1000 + value.nanos // 10**6)


_ENCODING_CONVERSIONS: Mapping[int, Conversion] = {
    upstream_v1.ENCODING_TEXT: str,
    upstream_v1.ENCODING_Y_OR_N: _to_y_or_n,
}
_NOT_SENT = (upstream_v1.UNMAPPED_FIELD_POLICY_DROP, upstream_v1.UNMAPPED_FIELD_POLICY_LOCAL)
"""Fields with these policies have no encoder."""
_LONG = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)
