"""Replies to protobuf bytes: one closure per field, compiled once per operation.

A message reader walks the members that 1688 sent, not the fields that exist, because replies hold few of
the many. What cannot be read leaves its field unset and is noted by path, never by value.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from nationalsite.upstream.v1 import options_pb2 as options

from services.adapter.codec import protowire as wire
from services.adapter.codec.contradictions import MONEY, TIMESTAMP, SpecificationError
from services.adapter.codec.lenient import Json, parse
from services.adapter.codec.specification import Dialect, Field, fields, words
from services.adapter.codec.values import (
    NANOS,
    Unfit,
    read_amount,
    read_bool,
    read_decimal,
    read_integer,
    read_moment,
    read_text,
    split_nanos,
)


@dataclass(slots=True)
class Reading:
    """What one reply brings along besides its payload."""

    currency: str = ""
    """The currency that the request asked for; that of foreign amounts."""
    unreadable: list[str] = field(default_factory=list)
    """Paths of the fields that could not be read, such as offers.price_info.price."""


Value = Callable[[Json, Reading], bytes | None]
"""A value as it stands behind its tag, or None for nothing. Raises Unfit."""
Put = Callable[[Json, list[bytes], Reading], None]
"""Appends a whole field. Raises Unfit."""
ReadMessage = Callable[[dict[str, Json], Reading], bytes]
"""An object as a serialized message."""

_SEPARATORS = {options.FORM_COMMA_JOINED: ",", options.FORM_SEMICOLON_JOINED: ";"}
_INTEGERS = {
    FieldDescriptor.TYPE_INT32: 2**31,
    FieldDescriptor.TYPE_INT64: 2**63,
}


def message_reader(message: Descriptor, dialect: Dialect, path: str = "") -> ReadMessage:
    """Compile the reader of a message. `path` is where it stands in the response."""
    members: dict[str, tuple[Put, str, tuple[str, ...]]] = {}
    for each in fields(message, dialect):
        if not each.read:
            continue
        place = f"{path}.{each.descriptor.name}" if path else each.descriptor.name
        put = field_reader(each, dialect, place)
        for index, name in enumerate(each.read):
            members[name] = (put, place, each.read[:index])

    def read(found: dict[str, Json], reading: Reading) -> bytes:
        out: list[bytes] = []
        for name, value in found.items():
            if value is None or (member := members.get(name)) is None:
                continue
            put, place, better = member
            if better and any(found.get(other) is not None for other in better):
                continue
            try:
                put(value, out, reading)
            except Unfit:
                reading.unreadable.append(place)
        return b"".join(out)

    return read


def member_names(message: Descriptor, dialect: Dialect) -> frozenset[str]:
    """Return every name under which a field of the message is read."""
    return frozenset(name for each in fields(message, dialect) for name in each.read)


def field_reader(each: Field, dialect: Dialect, path: str) -> Put:
    """Compile the reader of one field, tag included."""
    descriptor = each.descriptor
    value = _value_reader(each, dialect, path)
    tag = wire.tag(descriptor.number, _wire_type(descriptor))
    if not descriptor.is_repeated:
        return _singular(tag, value)
    return _repeated(tag, value, _splitter(each), path)


def _singular(tag: bytes, value: Value) -> Put:
    def put(found: Json, out: list[bytes], reading: Reading) -> None:
        data = value(found, reading)
        if data is not None:
            out.append(tag)
            out.append(data)

    return put


def _repeated(tag: bytes, value: Value, split: Callable[[Json], Iterable[Json]], path: str) -> Put:
    def put(found: Json, out: list[bytes], reading: Reading) -> None:
        for element in found if isinstance(found, list) else split(found):
            if element is None:
                continue
            try:
                data = value(element, reading)
            except Unfit:
                reading.unreadable.append(path)
                continue
            if data is not None:
                out.append(tag)
                out.append(data)

    return put


def _splitter(each: Field) -> Callable[[Json], Iterable[Json]]:
    """Return what makes a list of something that is none: joined text, JSON text, a single element."""
    separator = _SEPARATORS.get(each.wire.form)

    def split(found: Json) -> Iterable[Json]:
        if isinstance(found, str):
            if (inner := as_list(found)) is not None:
                return inner
            if separator:
                return [part for part in map(str.strip, found.split(separator)) if part]
            if not found.strip():
                return ()
        return (found,)

    return split


def _value_reader(each: Field, dialect: Dialect, path: str) -> Value:
    descriptor = each.descriptor
    if descriptor.message_type is not None:
        return _message_value(each, descriptor.message_type, dialect, path)
    if descriptor.type in _INTEGERS:
        return _integer(_INTEGERS[descriptor.type])
    if descriptor.enum_type is not None:
        return _enum(
            {word: number for number, found in words(descriptor.enum_type).items() for word in found}
        )
    try:
        return _SCALARS[descriptor.type]
    except KeyError:
        raise SpecificationError(f"{descriptor.full_name}: replies hold no such type") from None


def _message_value(each: Field, message: Descriptor, dialect: Dialect, path: str) -> Value:
    if message.full_name == MONEY:
        return _AMOUNTS.get(each.wire.form, _yuan)
    if message.full_name == TIMESTAMP:
        return _moment
    read = message_reader(message, dialect, path)

    def value(found: Json, reading: Reading) -> bytes | None:
        inner = as_object(found)
        return None if inner is None else wire.sized(read(inner, reading))

    return value


def as_object(found: Json) -> dict[str, Json] | None:
    """Return an object: as it is, as the only element of a list, or as JSON text. Blank is None."""
    if type(found) is dict:
        return found
    if isinstance(found, str):
        if not found.strip():
            return None
        try:
            found = parse(found)
        except ValueError as error:
            raise Unfit("not JSON text") from error
    if isinstance(found, list):
        if not found:
            return None
        found = found[0] if len(found) == 1 else found
    if isinstance(found, dict):
        return found
    raise Unfit("not an object")


def as_list(found: Json) -> list[Json] | None:
    """Return a list: as it is, or as JSON text. None for anything else."""
    if isinstance(found, str) and found.lstrip()[:1] == "[":
        try:
            found = parse(found)
        except ValueError:
            return None
    return found if isinstance(found, list) else None


def _text(found: Json, _: Reading) -> bytes | None:
    text = found if type(found) is str else read_text(found)
    return None if text is None else wire.sized(text.encode())


def _bool(found: Json, _: Reading) -> bytes | None:
    value = found if type(found) is bool else read_bool(found)
    return None if value is None else wire.varint(value)


def _double(found: Json, _: Reading) -> bytes | None:
    number = read_decimal(found)
    return None if number is None else wire.double(float(number))


def _integer(limit: int) -> Value:
    def value(found: Json, _: Reading) -> bytes | None:
        number = found if type(found) is int else read_integer(found)
        if number is None:
            return None
        if not -limit <= number < limit:
            raise Unfit("out of range")
        return wire.varint(number)

    return value


def _enum(numbers: dict[str, int]) -> Value:
    def value(found: Json, _: Reading) -> bytes | None:
        word = read_text(found)
        if not word:
            return None
        if word not in numbers:
            raise Unfit("not a known word")
        return wire.varint(numbers[word])

    return value


_SCALARS: dict[int, Value] = {
    FieldDescriptor.TYPE_STRING: _text,
    FieldDescriptor.TYPE_BOOL: _bool,
    FieldDescriptor.TYPE_DOUBLE: _double,
}


def _yuan(found: Json, _: Reading) -> bytes | None:
    return _money(b"CNY", read_amount(_number_or_text(found)))


def _fen(found: Json, _: Reading) -> bytes | None:
    fen = read_integer(found)
    return None if fen is None else _money(b"CNY", split_nanos(fen * (NANOS // 100)))


def _foreign(found: Json, reading: Reading) -> bytes | None:
    amount = read_amount(_number_or_text(found))
    if amount is not None and not reading.currency:
        raise Unfit("an amount in a currency that was not asked for")
    return _money(reading.currency.encode(), amount)


_AMOUNTS: dict[int, Value] = {options.FORM_FEN: _fen, options.FORM_FOREIGN: _foreign}


def _money(currency: bytes, amount: tuple[int, int] | None) -> bytes | None:
    if amount is None:
        return None
    units, nanos = amount
    data = b"\x0a" + wire.sized(currency)
    if units:
        data += b"\x10" + wire.varint(units)
    if nanos:
        data += b"\x18" + wire.varint(nanos)
    return wire.sized(data)


def _moment(found: Json, _: Reading) -> bytes | None:
    moment = read_moment(_number_or_text(found))
    if moment is None:
        return None
    seconds, nanos = moment
    data = b"\x08" + wire.varint(seconds) if seconds else b""
    if nanos:
        data += b"\x10" + wire.varint(nanos)
    return wire.sized(data)


def _number_or_text(found: Json) -> str | int | Decimal:
    if isinstance(found, bool) or not isinstance(found, str | int | Decimal):
        raise Unfit("neither a number nor text")
    return found


def _wire_type(descriptor: FieldDescriptor) -> int:
    if descriptor.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_MESSAGE):
        return wire.LENGTH
    return wire.FIXED64 if descriptor.type == FieldDescriptor.TYPE_DOUBLE else wire.VARINT
