"""Readers of single values: from what 1688 sent to a field's bytes, tag included.

Each is made once per field with its tag, and appends the whole field or nothing. A page of offers runs
through here a thousand times, so the common case of each reader comes first and costs no further call.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from services.adapter.codec import protowire as wire
from services.adapter.codec.conversions import (
    NANOS,
    ConversionError,
    parse_money,
    parse_timestamp,
    read_bool,
    read_decimal,
    read_integer,
    read_text,
    split_nanos,
)
from services.adapter.codec.tolerant_json import Json, dump


@dataclass(slots=True)
class DecodeContext:
    """What one reply brings along besides its payload."""

    currency: str = ""
    """The currency that the request asked for; that of foreign amounts."""
    unreadable: list[str] = field(default_factory=list)
    """Paths of the fields that could not be read, such as offers.price_info.price."""


FieldDecoder = Callable[[Json, list[bytes], DecodeContext], None]
"""Appends a field, or nothing where the value stands for nothing. Raises Unfit before it appends."""
FieldDecoderFactory = Callable[[int], FieldDecoder]
"""Makes the reader of a field from the field's number."""


_SIZES, _SIZED = wire.SHORT, len(wire.SHORT)


def text(number: int) -> FieldDecoder:
    """Read a string."""
    tag = wire.tag(number, wire.LENGTH)

    def put(found: Json, out: list[bytes], _: DecodeContext) -> None:
        value = found if type(found) is str else read_text(found)
        if value is not None:
            data = value.encode()
            size = len(data)
            out += (tag, _SIZES[size] if size < _SIZED else wire.varint(size), data)

    return put


def raw(number: int) -> FieldDecoder:
    """Read whatever stands there into a string, as JSON text."""
    tag = wire.tag(number, wire.LENGTH)

    def put(found: Json, out: list[bytes], _: DecodeContext) -> None:
        data = dump(found).encode()
        out += (tag, wire.varint(len(data)), data)

    return put


def boolean(number: int) -> FieldDecoder:
    """Read a bool."""
    tag = wire.tag(number, wire.VARINT)
    fields = {value: tag + wire.varint(value) for value in (True, False)}

    def put(found: Json, out: list[bytes], _: DecodeContext) -> None:
        value = found if type(found) is bool else read_bool(found)
        if value is not None:
            out.append(fields[value])

    return put


def double(number: int) -> FieldDecoder:
    """Read a double."""
    tag = wire.tag(number, wire.FIXED64)

    def put(found: Json, out: list[bytes], _: DecodeContext) -> None:
        value = read_decimal(found)
        if value is not None:
            out += (tag, wire.double(float(value)))

    return put


def integer(limit: int) -> FieldDecoderFactory:
    """Read an integer from -limit to limit - 1."""

    def make(number: int) -> FieldDecoder:
        tag = wire.tag(number, wire.VARINT)

        def put(found: Json, out: list[bytes], _: DecodeContext) -> None:
            value = found if type(found) is int else read_integer(found)
            if value is None:
                return
            if not -limit <= value < limit:
                raise ConversionError("out of range")
            out += (tag, wire.varint(value))

        return put

    return make


def enum(numbers: dict[str, int]) -> FieldDecoderFactory:
    """Read an enum by its words."""

    def make(number: int) -> FieldDecoder:
        tag = wire.tag(number, wire.VARINT)

        def put(found: Json, out: list[bytes], _: DecodeContext) -> None:
            value = read_text(found)
            if not value:
                return
            if value not in numbers:
                raise ConversionError("not a known word")
            out += (tag, wire.varint(numbers[value]))

        return put

    return make


def yuan(number: int) -> FieldDecoder:
    """Read Money from an amount in yuan."""
    return _sized(number, lambda found, _: yuan_bytes(found))


def fen(number: int) -> FieldDecoder:
    """Read Money from a whole number of fen."""
    return _sized(number, lambda found, _: fen_bytes(found))


def foreign(number: int) -> FieldDecoder:
    """Read Money in the currency that the request asked for."""

    return _sized(number, lambda found, reading: foreign_bytes(found, reading.currency))


def timestamp(number: int) -> FieldDecoder:
    """Read a Timestamp."""
    return _sized(number, lambda found, _: moment_bytes(found))


def yuan_bytes(found: Json) -> bytes | None:
    """Return an amount in yuan as a serialized Money."""
    return _yuan(_number_or_text(found))


def fen_bytes(found: Json) -> bytes | None:
    """Return a whole number of fen as a serialized Money."""
    whole = read_integer(found)
    return None if whole is None else _money("CNY", split_nanos(whole * (NANOS // 100)))


def foreign_bytes(found: Json, currency: str) -> bytes | None:
    """Return an amount in the currency of the request as a serialized Money."""
    amount = parse_money(_number_or_text(found))
    if amount is not None and not currency:
        raise ConversionError("an amount in a currency that was not asked for")
    return None if amount is None else _money(currency, amount)


def moment_bytes(found: Json) -> bytes | None:
    """Return a time as a serialized Timestamp."""
    return _moment(_number_or_text(found))


def _sized(number: int, value: Callable[[Json, DecodeContext], bytes | None]) -> FieldDecoder:
    """Read a well-known message, given what makes its bytes."""
    tag = wire.tag(number, wire.LENGTH)

    def put(found: Json, out: list[bytes], reading: DecodeContext) -> None:
        data = value(found, reading)
        if data is not None:
            out += (tag, wire.varint(len(data)), data)

    return put


@lru_cache(maxsize=4096, typed=True)
def _yuan(found: str | int | Decimal) -> bytes | None:
    amount = parse_money(found)
    return None if amount is None else _money("CNY", amount)


@lru_cache(maxsize=4096, typed=True)
def _moment(found: str | int | Decimal) -> bytes | None:
    value = parse_timestamp(found)
    if value is None:
        return None
    seconds, nanos = value
    data = b"\x08" + wire.varint(seconds) if seconds else b""
    return data + b"\x10" + wire.varint(nanos) if nanos else data


def _money(currency: str, amount: tuple[int, int]) -> bytes:
    units, nanos = amount
    code = currency.encode()
    data = b"\x0a" + wire.varint(len(code)) + code
    if units:
        data += b"\x10" + wire.varint(units)
    if nanos:
        data += b"\x18" + wire.varint(nanos)
    return data


def _number_or_text(found: Json) -> str | int | Decimal:
    if isinstance(found, bool) or not isinstance(found, str | int | Decimal):
        raise ConversionError("neither a number nor text")
    return found
