"""Numbers in any spelling and of any size: both decoders read them exactly, or leave the field unset."""

import itertools
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from services.adapter.codec import DecodeResult, Operation, parse
from services.adapter.codec.tolerant_json import Json
from services.errors import UpstreamError

FIELDS = {
    "count": "optional int32 count = 1;",
    "id": "optional int64 id = 2;",
    "ids": "repeated int64 ids = 3;",
    "rate": "optional double rate = 4;",
    "flag": "optional bool flag = 5;",
    "title": "optional string title = 6;",
    "number": "optional string number = 7 [(upstream.field).encoding = ENCODING_NUMBER];",
    "yuan": "google.type.Money yuan = 8;",
    "fen": "google.type.Money fen = 9 [(upstream.field).encoding = ENCODING_FEN];",
    "foreign": "google.type.Money foreign = 10 [(upstream.field).encoding = ENCODING_FOREIGN_CURRENCY];",
    "time": "google.protobuf.Timestamp time = 11;",
    "quantity": "google.type.Decimal quantity = 12;",
    "item": "Item item = 13;",
    "items": "repeated Item items = 14;",
    "state": "optional State state = 15;",
    "tags": "repeated string tags = 16 [(upstream.field).encoding = ENCODING_COMMA_JOINED];",
}
TYPES = """
message Item { optional int64 id = 1; }
enum State {
  STATE_UNSPECIFIED = 0;
  STATE_SENT = 1 [(upstream.enum_value).text = "12"];
}
"""
WHOLE_NUMBERS: dict[str, int | None] = {
    "0": 0,
    "-0": 0,
    "0.0": 0,
    "-0.0e5": 0,
    "12": 12,
    "12.0": 12,
    "1e3": 1000,
    "1E+3": 1000,
    "100e-2": 1,
    "0.1e1": 1,
    "1.5": None,
    "2147483647.0": 2**31 - 1,
    "2147483648.0": 2**31,
    "9007199254740993.0": 2**53 + 1,
    "9.007199254740993e15": 2**53 + 1,
    "1234567890123456789e0": 1234567890123456789,
    "9223372036854775807": 2**63 - 1,
    "9223372036854775807.0": 2**63 - 1,
    "-9223372036854775808.0": -(2**63),
    "9223372036854775808": None,
    "9223372036854775808.0": None,
    "18446744073709551616": None,
    "1.00000000000000000001": None,
    "0.99999999999999999999": None,
    "1e40": None,
    "1e41": None,
    "1e-41": None,
    "1e308": None,
    "1.7976931348623157e309": None,
    "5e-324": None,
    "-1e-999": None,
    "1e999": None,
    "1e999999999": None,
    "1e999999999999999999": None,
    "1e-999999999999999999": None,
    "1e99999999999999999999": None,
    "-1e-99999999999999999999": None,
    f"1e{'9' * 500}": None,
    "0e999999999": None,
    "0e99999999999999999999": None,
    "0e-99999999999999999999": None,
    "9" * 60: None,
    f"1{'0' * 500}.5": None,
    f"0.{'0' * 500}1": None,
    f"12.{'0' * 500}": 12,
    "1767323045.0": 1767323045,
    "1767323045e3": 1767323045000,
    "20260102030405e0": 20260102030405,
}
"""The integer that each number is; None for one that is not an integer, does not fit, or has an exponent
that is too large."""
BITS = {"count": 31, "id": 63, "ids": 63}
"""Of the fields that hold integers."""
MAX_TEXT = 40
"""Longer texts are not read as numbers."""
FORMS = ("{}", '"{}"', "[{}]", '["{}"]', '{{"id": {}}}', '[{{"id": "{}"}}]')
"""What stands in place of a value."""


@pytest.fixture
def operation(call: Any) -> Operation:
    compiled: Operation = call(
        request="string currency = 1;",
        response=f"{' '.join(FIELDS.values())} optional bool read = 99;",
        operation='api: "ns:small.call-1" payload: "data"',
        more=TYPES,
    )
    return compiled


def decode(operation: Operation, parsed: Json | DecodeResult) -> tuple[Message, tuple[str, ...]]:
    result = operation.decode(parsed, operation.request(currency="JPY"))
    response = GetMessageClass(operation.request.DESCRIPTOR.file.message_types_by_name["Response"])
    return response.FromString(result.response), result.unreadable


def decode_both(operation: Operation, value: str, name: str) -> tuple[Message, bool, bool]:
    """Return the response, whether the field was read, and whether the fast decoder read it."""
    body = f'{{"success": true, "data": {{"{name}": {value}, "read": true}}}}'.encode()
    fast = operation.parse(body, operation.request(currency="JPY"))
    message, unreadable = decode(operation, parse(body))
    assert set(unreadable) <= {name, f"{name}.id"}
    if isinstance(fast, DecodeResult):
        assert decode(operation, fast)[0] == message, "the decoders differ"
        assert not unreadable, "only the fast decoder can read it"
    return message, not unreadable, isinstance(fast, DecodeResult)


def test_both_decoders_read_the_same(operation: Operation) -> None:
    for name, form, number in itertools.product(FIELDS, FORMS, WHOLE_NUMBERS):
        decode_both(operation, form.format(number), name)


@pytest.mark.parametrize("form", ["{}", '"{}"'])
def test_an_integer_is_exact_or_unset(operation: Operation, form: str) -> None:
    for (name, bits), (number, whole) in itertools.product(BITS.items(), WHOLE_NUMBERS.items()):
        if form == '"{}"' and len(number) > MAX_TEXT:
            continue
        message, is_read, _ = decode_both(operation, form.format(number), name)
        fits = whole is not None and -(2**bits) <= whole < 2**bits
        value = getattr(message, name)
        values = list(value) if name == "ids" else [value] * message.HasField(name)
        assert values == ([whole] if fits else []), number
        assert is_read == fits, number


def test_an_amount_is_exact_or_unset(operation: Operation) -> None:
    for name, number in itertools.product(("yuan", "foreign", "fen", "quantity", "rate"), WHOLE_NUMBERS):
        message, is_read, _ = decode_both(operation, number, name)
        assert message.HasField(name) == is_read, number
        value = getattr(message, name)
        if not is_read:
            assert abs(WHOLE_NUMBERS[number] or 2**63) >= 2**63, number
        elif name == "quantity":
            assert Decimal(value.value) == Decimal(number)
        elif name == "rate":
            assert value == float(number)
        else:
            factor = 100 if name == "fen" else 1
            assert (value.units + value.nanos / Decimal(10**9)) * factor == Decimal(number)


def test_documented_numbers_are_decoded_fast(operation: Operation) -> None:
    documented = {"time": "1767323045", "title": '"12"', "items": '[{"id": 12}]', "item": '{"id": "12"}'}
    documented |= {"tags": '"a,b"', "ids": "[1, 2]", "flag": "1"}
    fast = [name for name in FIELDS if decode_both(operation, documented.get(name, "12"), name)[2]]
    assert fast == [name for name in FIELDS if name != "state"]


@pytest.mark.parametrize("number", ["1.5", "1.1234567891", "20260102030405.0"])
def test_what_was_read_before_changes_nothing(operation: Operation, number: str) -> None:
    """Equal numbers of another spelling do not come from the caches."""
    spellings = (number, f"{number}0", f"{Decimal(number):f}0", f"{Decimal(number):.12e}")
    for name in FIELDS:
        before = [decode_both(operation, spelling, name)[0] for spelling in spellings]
        after = [decode_both(operation, spelling, name)[0] for spelling in reversed(spellings)]
        assert before == after[::-1], name


def test_an_absurd_number_elsewhere_leaves_a_response_readable(operation: Operation) -> None:
    for name, number in itertools.product(("requestId", "timestamp", "unknown"), WHOLE_NUMBERS):
        body = f'{{"success": true, "data": {{"id": 7}}, "{name}": {number}}}'.encode()
        message, _ = decode(operation, operation.parse(body, operation.request()))
        assert getattr(message, "id") == 7  # noqa: B009 # mypy: the class is made at run time


def test_an_absurd_number_in_the_envelope_is_one_of_our_errors(operation: Operation) -> None:
    for name, number in itertools.product(("success", "code", "errorCode", "message"), WHOLE_NUMBERS):
        body = f'{{"{name}": {number}, "result": {{"{name}": {number}, "data": {{"id": 7}}}}}}'.encode()
        with suppress(UpstreamError):
            decode(operation, operation.parse(body, operation.request()))
