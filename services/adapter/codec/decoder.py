"""Replies to protobuf bytes: one closure per field, compiled once per operation.

A message reader walks the members that 1688 sent, not the fields that exist, because replies hold few of
the many. What cannot be read leaves its field unset and is noted by path, never by value.
"""

from collections.abc import Callable, Iterable

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from nationalsite.upstream import v1 as options

from services.adapter.codec import protowire as wire
from services.adapter.codec import scalar_decoders
from services.adapter.codec.conversions import ConversionError, is_blank
from services.adapter.codec.option_checks import MONEY, TIMESTAMP, SchemaError
from services.adapter.codec.scalar_decoders import DecodeContext, FieldDecoder, FieldDecoderFactory
from services.adapter.codec.schema import Dialect, Field, fields, words
from services.adapter.codec.tolerant_json import Json, parse

ReadMessage = Callable[[dict[str, Json], DecodeContext], bytes]
"""An object as a serialized message."""

_SEPARATORS = {options.ENCODING_COMMA_JOINED: ",", options.ENCODING_SEMICOLON_JOINED: ";"}
_SCALARS: dict[int, FieldDecoderFactory] = {
    FieldDescriptor.TYPE_STRING: scalar_decoders.text,
    FieldDescriptor.TYPE_BOOL: scalar_decoders.boolean,
    FieldDescriptor.TYPE_DOUBLE: scalar_decoders.double,
    FieldDescriptor.TYPE_INT32: scalar_decoders.integer(2**31),
    FieldDescriptor.TYPE_INT64: scalar_decoders.integer(2**63),
}
_AMOUNTS: dict[int, FieldDecoderFactory] = {
    options.ENCODING_FEN: scalar_decoders.fen,
    options.ENCODING_FOREIGN_CURRENCY: scalar_decoders.foreign,
}
NOTHING: tuple[Json, ...] = (None, "", [], {})
"""What a member holds that says nothing."""


def message_reader(message: Descriptor, dialect: Dialect, path: str = "") -> ReadMessage:
    """Compile the reader of a message. `path` is where it stands in the response."""
    members: dict[str, tuple[FieldDecoder, str, tuple[str, ...]]] = {}
    for each in fields(message, dialect):
        if not each.read:
            continue
        place = f"{path}.{each.descriptor.name}" if path else each.descriptor.name
        put = field_reader(each, dialect, place)
        for index, name in enumerate(each.read):
            members[name] = (put, place, each.read[:index])

    def read(found: dict[str, Json], reading: DecodeContext) -> bytes:
        out: list[bytes] = []
        for name, value in found.items():
            if value is None or (member := members.get(name)) is None:
                continue
            put, place, better = member
            # Two spellings of one member: an earlier one that holds something wins.
            if better and any(found.get(other) not in NOTHING for other in better):
                continue
            try:
                put(value, out, reading)
            except ConversionError:
                reading.unreadable.append(place)
        return b"".join(out)

    return read


def member_names(message: Descriptor, dialect: Dialect) -> frozenset[str]:
    """Return every name under which a field of the message is read."""
    return frozenset(name for each in fields(message, dialect) for name in each.read)


def field_reader(each: Field, dialect: Dialect, path: str) -> FieldDecoder:
    """Compile the reader of one field, tag included."""
    put = _value_reader(each, dialect, path)
    return _repeated(put, _splitter(each), path) if each.descriptor.is_repeated else put


def _repeated(put_one: FieldDecoder, split: Callable[[Json], Iterable[Json]], path: str) -> FieldDecoder:
    def put(found: Json, out: list[bytes], reading: DecodeContext) -> None:
        for element in found if isinstance(found, list) else split(found):
            if element is None:
                continue
            try:
                put_one(element, out, reading)
            except ConversionError:
                reading.unreadable.append(path)

    return put


def _splitter(each: Field) -> Callable[[Json], Iterable[Json]]:
    """Return what makes a list of something that is none: joined text, JSON text, a single element."""
    separator = _SEPARATORS.get(each.wire.encoding)

    def split(found: Json) -> Iterable[Json]:
        if isinstance(found, str):
            if (inner := as_list(found)) is not None:
                return inner
            if separator:
                return joined(found, separator)
            if is_blank(found):
                return ()
        return (found,)

    return split


def joined(text: str, separator: str) -> list[str]:
    """Return the parts of a joined text, without blanks around them and without empty ones."""
    return [part for part in map(str.strip, text.split(separator)) if part]


def _value_reader(each: Field, dialect: Dialect, path: str) -> FieldDecoder:
    descriptor = each.descriptor
    if descriptor.message_type is not None:
        return _message_reader(each, descriptor.message_type, dialect, path)
    if descriptor.enum_type is not None:
        found = words(descriptor.enum_type)
        make = scalar_decoders.enum({text: number for number, texts in found.items() for text in texts})
    elif each.wire.encoding == options.ENCODING_RAW_JSON:
        make = scalar_decoders.raw
    elif descriptor.type in _SCALARS:
        make = _SCALARS[descriptor.type]
    else:
        raise SchemaError(f"{descriptor.full_name}: replies hold no such type")
    return make(descriptor.number)


def _message_reader(each: Field, message: Descriptor, dialect: Dialect, path: str) -> FieldDecoder:
    number = each.descriptor.number
    if message.full_name == MONEY:
        return _AMOUNTS.get(each.wire.encoding, scalar_decoders.yuan)(number)
    if message.full_name == TIMESTAMP:
        return scalar_decoders.timestamp(number)
    read, tag = message_reader(message, dialect, path), wire.tag(number, wire.LENGTH)

    def put(found: Json, out: list[bytes], reading: DecodeContext) -> None:
        inner = found if type(found) is dict else as_object(found)
        if inner is not None:
            data = read(inner, reading)
            out += (tag, wire.varint(len(data)), data)

    return put


def as_object(found: Json) -> dict[str, Json] | None:
    """Return an object: as it is, as the only element of a list, or as JSON text. Blank is None."""
    if type(found) is dict:
        return found
    if isinstance(found, str):
        if is_blank(found):
            return None
        try:
            found = parse(found)
        except ValueError as error:
            raise ConversionError("not JSON text") from error
    if isinstance(found, list):
        if not found:
            return None
        found = found[0] if len(found) == 1 else found
    if isinstance(found, dict):
        return found
    raise ConversionError("not an object")


def as_list(found: Json) -> list[Json] | None:
    """Return a list: as it is, or as JSON text. None for anything else."""
    if isinstance(found, str) and found.lstrip()[:1] == "[":
        try:
            found = parse(found)
        except ValueError:
            return None
    return found if isinstance(found, list) else None
