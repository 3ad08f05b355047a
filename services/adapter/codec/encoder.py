"""Requests to 1688's parameters: one closure per field, compiled once per operation.

Writing speaks the chosen dialect only, and exactly: what the dialect needs and the request lacks, what it
cannot carry, and what cannot be sent without loss are refused by field path before anything is sent.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from nationalsite.upstream import v1 as options

from services.adapter.codec.conversions import (
    INT64,
    ConversionError,
    check_amount,
    format_money,
    to_beijing_time,
    write_fen,
)
from services.adapter.codec.option_checks import MONEY, TIMESTAMP, SchemaError
from services.adapter.codec.schema import Dialect, Field, fields, words
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
    """Bytes that travel as an unsigned file part."""

    content: bytes


Params = dict[str, Any]
"""Members by 1688's names, in values that JSON can hold, or File."""
Convert = Callable[[Any], object]
"""A set value of a field to its value on the wire. Raises Unfit."""
WriteMessage = Callable[[Message, str, "EncodeContext"], Params]
"""Members of a message. The text is the message's path, with a dot at its end unless it is the root."""


@dataclass(slots=True)
class EncodeContext:
    """What writing one request has found."""

    invalid: list[Violation] = field(default_factory=list)
    refused: list[Violation] = field(default_factory=list)
    missing: list[Violation] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """Paths of the facts that the dialect has no member for, without the places in lists."""

    def check(self) -> None:
        """Raise what was found; fields that are wrong before fields that are missing."""
        if self.invalid:
            raise InvalidRequest(self.invalid)
        if self.refused:
            raise NotInDialect(self.refused)
        if self.missing:
            raise RequiredInDialect(self.missing)


def message_writer(
    message: Descriptor, dialect: Dialect, dates: JsonDates, *, in_json: bool = True
) -> WriteMessage:
    """Compile the writer of a message. `in_json`: it is a JSON object, else its members are parameters."""
    presence = {field.name: _presence(field) for field in message.fields}
    writers = [_field_writer(each, dialect, dates, presence, in_json) for each in fields(message, dialect)]

    def write(found: Message, at: str, writing: EncodeContext) -> Params:
        out: Params = {}
        for put in writers:
            put(found, at, out, writing)
        return out

    return write


_Put = Callable[[Message, str, Params, EncodeContext], None]


def _field_writer(
    each: Field,
    dialect: Dialect,
    dates: JsonDates,
    presence: Mapping[str, Callable[[Message], bool]],
    in_json: bool,
) -> _Put:
    """Return what writes a field or tells why it cannot; `presence` says which fields beside it are set."""
    name, wire = each.descriptor.name, each.wire
    is_set, instead = presence[name], wire.required_without
    if wire.unmapped:
        return _absent(name, wire.unmapped, is_set, dialect)
    put = _set_value(each, dialect, dates, in_json=in_json)
    default = parse(wire.default) if wire.default else None

    def write(found: Message, at: str, out: Params, writing: EncodeContext) -> None:
        if is_set(found):
            put(found, at, out, writing)
        elif default is not None:
            out[each.name] = default
        elif wire.required:
            writing.missing.append(Violation(field=at + name, description=f"is required in {dialect}"))
        elif instead and not presence[instead](found):
            description = f"is required in {dialect} without {instead}"
            writing.missing.append(Violation(field=at + name, description=description))

    return write


def _absent(name: str, absent: int, is_set: Callable[[Message], bool], dialect: Dialect) -> _Put:
    def write(found: Message, at: str, _: Params, writing: EncodeContext) -> None:
        if absent == options.UNMAPPED_FIELD_POLICY_LOCAL or not is_set(found):
            return
        if absent == options.UNMAPPED_FIELD_POLICY_REJECT:
            writing.refused.append(Violation(field=at + name, description=f"cannot be sent in {dialect}"))
        else:
            writing.left_out.append(_PLACE.sub("", at + name))

    return write


def _presence(descriptor: FieldDescriptor) -> Callable[[Message], bool]:
    name = descriptor.name
    if descriptor.has_presence:
        return lambda found: found.HasField(name)
    return lambda found: bool(getattr(found, name))


def _set_value(each: Field, dialect: Dialect, dates: JsonDates, *, in_json: bool) -> _Put:
    """Return what writes a field that is set."""
    name, message = each.descriptor.name, each.descriptor.message_type
    if message is None or message.full_name in (MONEY, TIMESTAMP):
        own = dates if in_json else JsonDates.TEXT
        convert = _joined(each, own) if each.descriptor.is_repeated else _conversion(each, own)

        def scalar(found: Message, at: str, out: Params, writing: EncodeContext) -> None:
            try:
                out[each.name] = convert(getattr(found, name))
            except ConversionError as problem:
                writing.invalid.append(Violation(field=at + name, description=str(problem)))

        return scalar
    if any(inner.wire.encoding == options.ENCODING_FILE for inner in fields(message, dialect)):
        raise SchemaError(f"{each.descriptor.full_name}: a file stands in no other message")
    write = message_writer(message, dialect, dates)

    def one(found: Message, at: str, out: Params, writing: EncodeContext) -> None:
        out[each.name] = write(getattr(found, name), f"{at}{name}.", writing)

    def pair(found: Message, at: str, out: Params, writing: EncodeContext) -> None:
        written = write(getattr(found, name), f"{at}{name}.", writing)
        if len(written) != len(message.fields):
            writing.invalid.append(Violation(field=at + name, description="needs both of its fields"))
            return
        key, value = written.values()
        out[each.name] = dump({key: value})

    def many(found: Message, at: str, out: Params, writing: EncodeContext) -> None:
        out[each.name] = [
            write(element, f"{at}{name}[{index}].", writing)
            for index, element in enumerate(getattr(found, name))
        ]

    if each.wire.encoding == options.ENCODING_PAIR_TEXT:
        return pair
    return many if each.descriptor.is_repeated else one


def _joined(each: Field, dates: JsonDates) -> Convert:
    convert = _conversion(each, dates)
    separator = {options.ENCODING_COMMA_JOINED: ",", options.ENCODING_SEMICOLON_JOINED: ";"}.get(
        each.wire.encoding
    )
    if separator is None:
        return lambda values: [convert(value) for value in values]

    def join(values: Any) -> str:
        parts = [str(convert(value)) for value in values]
        if any(separator in part for part in parts):
            raise ConversionError(f"must not hold {separator!r}")
        return separator.join(parts)

    return join


def _conversion(each: Field, dates: JsonDates) -> Convert:
    """Return the conversion of one value, by form first and by type else."""
    descriptor, form = each.descriptor, each.wire.encoding
    if descriptor.enum_type is not None:
        return _word(descriptor.enum_type, as_number=form == options.ENCODING_NUMBER)
    if descriptor.message_type is not None:
        return _message_conversion(each, descriptor.message_type, dates)
    if descriptor.type == FieldDescriptor.TYPE_STRING:
        return _digits if form == options.ENCODING_NUMBER else _text(each)
    if descriptor.type == FieldDescriptor.TYPE_BYTES:
        return File if form == options.ENCODING_FILE else _itself  # the JSON encoder writes it as base64
    if descriptor.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return _finite
    return str if form == options.ENCODING_TEXT else _itself


def _message_conversion(each: Field, message: Descriptor, dates: JsonDates) -> Convert:
    if message.full_name == MONEY:
        return _fen if each.wire.encoding == options.ENCODING_FEN else _yuan
    if each.wire.encoding == options.ENCODING_COMPACT_TIME:
        return _compact_time
    return _epoch_ms if dates is JsonDates.EPOCH_MS else _text_time


def _word(enum: EnumDescriptor, *, as_number: bool) -> Convert:
    written: dict[int, object] = {number: found[0] for number, found in words(enum).items()}
    if as_number:
        try:
            written = {number: int(found[0]) for number, found in words(enum).items()}
        except ValueError:
            raise SchemaError(f"{enum.full_name}: its words are not all numbers") from None

    def convert(number: int) -> object:
        if number not in written:
            raise ConversionError("must be a known value")
        return written[number]

    return convert


def _text(each: Field) -> Convert:
    wire = each.wire
    translated, pattern = dict(wire.value_map), re.compile(wire.pattern) if wire.pattern else None

    def convert(value: str) -> str:
        if wire.max_len and len(value) > wire.max_len:
            raise ConversionError(f"must be at most {wire.max_len} characters")
        if pattern and not pattern.fullmatch(value):
            raise ConversionError(f"must match {wire.pattern}")
        return translated.get(value, value)

    return convert if translated or wire.max_len or pattern else _itself


def _itself(value: object) -> object:
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ConversionError("must be a finite number")
    return value


def _digits(value: str) -> int:
    """Only of a text that the number brings back: 007 and 7 are two ids, and one Long."""
    if not _LONG.fullmatch(value) or int(value) >= INT64:
        raise ConversionError("must be a number that 1688 takes as a Long, without leading zeros")
    return int(value)


def _yuan(value: Any) -> str:
    check_amount(value.currency_code, value.units, value.nanos)
    return format_money(value.units, value.nanos)


def _fen(value: Any) -> int:
    check_amount(value.currency_code, value.units, value.nanos)
    return write_fen(value.units, value.nanos)


def _text_time(value: Any) -> str:
    """To the second: 1688's form has no fraction."""
    return to_beijing_time(value.seconds, value.nanos).replace(tzinfo=None).isoformat(" ", "seconds")


def _compact_time(value: Any) -> str:
    moment = to_beijing_time(value.seconds, value.nanos)
    return f"{moment.year:04}{moment:%m%d%H%M%S}{moment.microsecond // 1000:03}+0800"


def _epoch_ms(value: Any) -> int:
    to_beijing_time(value.seconds, value.nanos)
    return int(value.seconds * 1000 + value.nanos // 10**6)


_PLACE = re.compile(r"\[\d+\]")
_LONG = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)
