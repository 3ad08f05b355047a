"""Decoding of forms that the real protos do not use, and of envelopes, flags and error mappings."""

from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass

from services.adapter.codec import Operation, parse
from services.errors import UpstreamRefused, UpstreamUnreadable

API = 'api: "ns:small.call-1"'
TYPES = """
message Item { optional int32 id = 1; }
message Wrapped { optional int32 id = 1 [(upstream.field).name = "."]; }
enum State {
    STATE_UNSPECIFIED = 0;
    STATE_SENT = 1 [(upstream.enum_value) = { text: "1" aliases: "sent" }];
    STATE_SIGNED = 2 [(upstream.enum_value).text = "signed"];
}
"""
MAX = 2**63 - 1
INT32 = 2**31 - 1

VALUES: list[tuple[str, str, Any]] = [
    # field, its value as JSON, the value in protobuf's JSON or None if it is unreadable
    ("google.type.Money a = 1 [(upstream.field).encoding = ENCODING_FEN]", "3590", ("35", 900_000_000)),
    ("google.type.Money a = 1 [(upstream.field).encoding = ENCODING_FEN]", '"1"', (None, 10_000_000)),
    ("google.type.Money a = 1 [(upstream.field).encoding = ENCODING_FEN]", "-150", ("-1", -500_000_000)),
    ("google.type.Money a = 1 [(upstream.field).encoding = ENCODING_FEN]", "0", (None, None)),
    ("google.type.Money a = 1 [(upstream.field).encoding = ENCODING_FEN]", "35.9", None),
    (
        "google.type.Money a = 1 [(upstream.field).encoding = ENCODING_FEN]",
        str(MAX * 100 + 99),
        (str(MAX), 990_000_000),
    ),
    ("google.type.Money a = 1 [(upstream.field).encoding = ENCODING_FEN]", str(MAX * 100 + 100), None),
    ("optional State a = 1", '"signed"', "STATE_SIGNED"),
    ("optional State a = 1", '"sent"', "STATE_SENT"),
    ("optional State a = 1", "1", "STATE_SENT"),
    ("optional State a = 1", '"lost"', None),
    ("optional int32 a = 1", str(INT32), INT32),
    ("optional int32 a = 1", str(-INT32 - 1), -INT32 - 1),
    ("optional int32 a = 1", str(INT32 + 1), None),
    ("optional int64 a = 1", f'"{MAX}"', str(MAX)),
    ("optional int64 a = 1", str(-MAX - 1), str(-MAX - 1)),
    ("optional int64 a = 1", str(MAX + 1), None),
    ("optional int64 a = 1", "1e99999999999999999999", None),
    ("optional int64 a = 1", "[1]", None),
    ("optional double a = 1", '"0.35"', 0.35),
    ("optional double a = 1", "1e999999", None),
    ("optional string a = 1", "0.10", "0.10"),
    ("optional string a = 1", "1e999999", None),
    ("optional string a = 1", '"\\ud83d!"', "\ufffd!"),
    ("repeated string a = 1", '"[Hot] new"', ["[Hot] new"]),
    ("repeated string a = 1", '"[\\"a\\", \\"b\\"]"', ["a", "b"]),
    ("repeated string a = 1", '" "', []),
    ("repeated string a = 1 [(upstream.field).encoding = ENCODING_SEMICOLON_JOINED]", '"[1;2"', ["[1", "2"]),
    (
        "repeated int64 a = 1 [(upstream.field).encoding = ENCODING_COMMA_JOINED]",
        '"1, 2,,3"',
        ["1", "2", "3"],
    ),
    ("repeated Item a = 1", '"{\\"id\\": 1}"', [{"id": 1}]),
    ("repeated Item a = 1", '[[{"id": 1}], {}, null]', [{"id": 1}, {}]),
    ("repeated Wrapped a = 1", '[1, "2", null, ""]', [{"id": 1}, {"id": 2}]),
    ("repeated Wrapped a = 1", "3", [{"id": 3}]),
    ("repeated Wrapped a = 1", "[{}]", None),
    ("Item a = 1", '" "', "unset"),
    ("Item a = 1", '"{"', None),
    ("Item a = 1", '[{"id": 1}, {"id": 2}]', None),
]


@pytest.mark.parametrize(("field", "value", "expected"), VALUES)
def test_value(call, field: str, value: str, expected: Any) -> None:
    operation = call(response=f"{field}; optional bool read = 2;", more=TYPES)
    response, unreadable = decode(operation, f'{{"success": true, "read": true, "a": {value}}}')
    if isinstance(expected, tuple):
        units, nanos = expected
        expected = {"currency_code": "CNY"}
        expected |= {"units": units} if units else {}
        expected |= {"nanos": nanos} if nanos else {}
    unset = expected is None or expected in ("unset", [])
    assert response == ({"read": True} if unset else {"a": expected, "read": True})
    assert unreadable == (("a",) if expected is None else ())


def decode(operation: Operation, reply: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    result = operation.decode(parse(reply), operation.request())
    response_class = GetMessageClass(operation.request.DESCRIPTOR.file.message_types_by_name["Response"])
    response = response_class.FromString(result.response)
    return json_format.MessageToDict(response, preserving_proto_field_name=True), result.unreadable


@pytest.mark.parametrize("reply", ['{"success": true}', '{"result": {"success": "1", "code": "9"}}'])
def test_flag_that_is_the_whole_answer(call, reply: str) -> None:
    assert decode(call(), reply) == ({}, ())


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        ('{"success": false}', UpstreamRefused),
        ('{"success": true, "result": false}', UpstreamRefused),
        ('{"success": true, "data": "FALSE"}', UpstreamRefused),
        ('{"code": "1"}', UpstreamRefused),
        ("{}", UpstreamUnreadable),
        ("[]", UpstreamUnreadable),
        ("true", UpstreamUnreadable),
        ("null", UpstreamUnreadable),
    ],
)
def test_missing_flag(call, reply: str, failure: type[Exception]) -> None:
    with pytest.raises(failure):
        decode(call(), reply)


ERROR_MAPPINGS = """
    error_mappings { codes: "40*" text: "busy" reason: ERROR_REASON_UPSTREAM_FAULT }
    error_mappings { codes: "7" payload: "0" reason: ERROR_REASON_PURCHASE_ORDER_NOT_FOUND }
    error_mappings { codes: "40*" codes: "8" reason: ERROR_REASON_UPSTREAM_ARGUMENT }
    error_mappings { text: "MANUAL-TRADE" reason: ERROR_REASON_UPSTREAM_STATE }
"""


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ('{"success": false, "code": 4003, "message": "too busy"}', "UPSTREAM_FAULT"),
        ('{"success": false, "code": "4003"}', "UPSTREAM_ARGUMENT"),
        ('{"success": false, "errorCode": "8"}', "UPSTREAM_ARGUMENT"),
        ('{"success": false, "code": "9", "message": "busy"}', "UPSTREAM_REFUSED"),
        ('{"success": false, "code": "Batch pay : not surport MANUAL-TRADE!"}', "UPSTREAM_STATE"),
        ('{"success": true, "code": "7", "result": "0"}', "PURCHASE_ORDER_NOT_FOUND"),
        ('{"success": false, "code": "7", "result": "0"}', "UPSTREAM_REFUSED"),
    ],
)
def test_all_conditions_of_an_error_mapping_must_match(call, reply: str, reason: str) -> None:
    operation = call(
        response='optional string a = 1 [(upstream.field).name = "."];',
        operation=f'{API} payload: "result" {ERROR_MAPPINGS}'.replace('payload: "0"', 'payload: "\\"0\\""'),
    )
    with pytest.raises(UpstreamRefused) as error:
        decode(operation, reply)
    assert error.value.reason == reason


def test_error_mapping_with_another_code_does_not_match(call) -> None:
    error_mapping = (
        'error_mappings { codes: "7" payload: "\\"0\\"" reason: ERROR_REASON_PURCHASE_ORDER_NOT_FOUND }'
    )
    operation = call(
        response='optional string a = 1 [(upstream.field).name = "."];',
        operation=f'{API} payload: "result" {error_mapping}',
    )
    assert decode(operation, '{"success": true, "code": "200", "result": "0"}') == ({"a": "0"}, ())


LIST = 'repeated Item a = 1 [(upstream.field).name = "."];'


@pytest.mark.parametrize(
    "reply",
    [
        '[{"id": 1}]',
        '{"result": [{"id": 1}]}',
        '{"result": "[{\\"id\\": 1}]"}',
        '{"success": true, "data": [{"id": 1}]}',
        '{"result": {"success": true, "result": [{"id": 1}]}}',
    ],
)
def test_list_of_one_is_a_list(call, reply: str) -> None:
    assert decode(call(response=LIST, more=TYPES), reply) == ({"a": [{"id": 1}]}, ())


def test_envelope_in_a_list_of_one(call) -> None:
    reply = '{"result": [{"success": true, "result": {"id": 1}}]}'
    operation = call(
        response='Item a = 1 [(upstream.field).name = "."];', more=TYPES, operation=f'{API} payload: "result"'
    )
    assert decode(operation, reply) == ({"a": {"id": 1}}, ())
