"""Every form in which a request can travel, and every way in which one is refused, on protos made here."""

import json
from typing import Any

import pytest
from google.protobuf import json_format

from services.adapter.codec import Dialect, JsonDates, Operation, Parameters
from services.errors import InvalidRequest, NotInDialect, RequestError, RequiredInDialect, Violation

MORE = """
message Pair { string key = 1; int64 value = 2; }
message Item {
    string id = 1 [(upstream.field).required = true];
    string note = 2 [(upstream.field).unmapped = UNMAPPED_FIELD_POLICY_DROP];
    google.type.Money fee = 3 [(upstream.field).encoding = ENCODING_FEN];
    Item2 inner = 4;
}
message Item2 { string note = 1 [(upstream.field).unmapped = UNMAPPED_FIELD_POLICY_DROP]; }
enum State {
    STATE_UNSPECIFIED = 0;
    STATE_SENT = 1 [(upstream.enum_value) = { text: "1" aliases: "sent" }];
    STATE_SIGNED = 2 [(upstream.enum_value).text = "2"];
}
"""
MONEY = "google.type.Money a = 1"
TIME = "google.protobuf.Timestamp a = 1"
MOMENT = "2024-04-20T00:00:00.123456Z"
MAX = 2**63 - 1

FORMS: list[tuple[str, str, Any, str]] = [
    # field, form, value in protobuf's JSON, the form field's text
    ("string a = 1", "UNSPECIFIED", " 饼干 ", " 饼干 "),
    ("bool a = 1", "UNSPECIFIED", True, "true"),
    ("optional bool a = 1", "UNSPECIFIED", False, "false"),
    ("int64 a = 1", "UNSPECIFIED", -MAX - 1, str(-MAX - 1)),
    ("double a = 1", "UNSPECIFIED", 0.35, "0.35"),
    ("bytes a = 1", "UNSPECIFIED", "/+8=", "/+8="),
    ("State a = 1", "UNSPECIFIED", "STATE_SIGNED", "2"),
    ("repeated int64 a = 1", "UNSPECIFIED", [MAX, 1], f"[{MAX},1]"),
    ("repeated string a = 1", "UNSPECIFIED", ["a", "饼"], '["a","饼"]'),
    ("repeated State a = 1", "UNSPECIFIED", [1, 2], '["1","2"]'),
    ("repeated State a = 1", "NUMBER", [1, 2], "[1,2]"),
    ("State a = 1", "NUMBER", 1, "1"),
    ("string a = 1", "NUMBER", "0", "0"),
    ("string a = 1", "NUMBER", str(MAX), str(MAX)),
    ("int64 a = 1", "TEXT", MAX, str(MAX)),
    ("optional int64 a = 1", "TEXT", 0, "0"),
    (MONEY, "UNSPECIFIED", {"units": 35, "nanos": 900_000_000}, "35.9"),
    (MONEY, "UNSPECIFIED", {"currencyCode": "CNY"}, "0"),
    (MONEY, "FEN", {"currencyCode": "CNY", "units": 35, "nanos": 900_000_000}, "3590"),
    (MONEY, "FEN", {"units": 10**16}, str(10**18)),
    (TIME, "UNSPECIFIED", MOMENT, "2024-04-20 08:00:00"),
    (TIME, "UNSPECIFIED", "0001-01-01T00:00:00Z", "0001-01-01 08:00:00"),
    (TIME, "COMPACT_TIME", MOMENT, "20240420080000123+0800"),
    (TIME, "COMPACT_TIME", "2024-12-31T16:00:00Z", "20250101000000000+0800"),
    ("repeated string a = 1", "COMMA_JOINED", ["a", "b;c"], "a,b;c"),
    ("repeated int64 a = 1", "SEMICOLON_JOINED", [1, MAX], f"1;{MAX}"),
    ("Pair a = 1", "PAIR_TEXT", {"key": 'price"', "value": 3}, '{"price\\"":3}'),
]
REFUSED: list[tuple[str, str, Any]] = [
    *(
        ("string a = 1", "NUMBER", text)
        for text in ("12a", "-1", "1.5", "0012", "00", " 1", "١", "9" * 19, "1" * 5000)
    ),
    ("State a = 1", "UNSPECIFIED", 9),
    ("State a = 1", "NUMBER", 9),
    ("repeated State a = 1", "UNSPECIFIED", [1, 0]),
    ("double a = 1", "UNSPECIFIED", "NaN"),
    ("double a = 1", "UNSPECIFIED", "-Infinity"),
    (MONEY, "UNSPECIFIED", {"currencyCode": "HKD", "units": 1}),
    (MONEY, "UNSPECIFIED", {"units": -1}),
    (MONEY, "UNSPECIFIED", {"units": 1, "nanos": -1}),
    (MONEY, "UNSPECIFIED", {"nanos": 1_000_000_000}),
    (MONEY, "FEN", {"nanos": 5_000_000}),
    (MONEY, "FEN", {"units": MAX}),
    ("repeated string a = 1", "COMMA_JOINED", ["a", "b,c"]),
    ("repeated string a = 1", "SEMICOLON_JOINED", [";"]),
    ("Pair a = 1", "PAIR_TEXT", {"key": "price"}),
    ("Pair a = 1", "PAIR_TEXT", {}),
]


def sent(operation: Operation, request: dict[str, Any]) -> Parameters:
    (parameters,) = operation.encode(json_format.ParseDict(request, operation.request()))
    return parameters


@pytest.mark.parametrize(("field", "form", "value", "text"), FORMS)
def test_form(call, field: str, form: str, value: Any, text: str) -> None:
    operation = call(f"{field} [(upstream.field).encoding = ENCODING_{form}];", more=MORE)
    assert sent(operation, {"a": value}) == Parameters(form={"a": text}, files={}, left_out=())


@pytest.mark.parametrize(("field", "form", "value"), REFUSED)
def test_refused(call, field: str, form: str, value: Any) -> None:
    """By the field's path and what would fit, and without a word of the request."""
    operation = call(f"{field} [(upstream.field).encoding = ENCODING_{form}];", more=MORE)
    with pytest.raises(InvalidRequest) as refused:
        sent(operation, {"a": value})
    assert {violation.field for violation in refused.value.violations} == {"a"}
    for text in ("12a", "HKD", "b,c", "price"):
        assert text not in str(refused.value)


@pytest.mark.parametrize("seconds", [253_402_300_800, -62_135_625_601, 2**63 - 1])
def test_a_moment_of_no_year(call, seconds: int) -> None:
    operation = call(f"{TIME};")
    request = operation.request()
    request.a.seconds = seconds
    with pytest.raises(InvalidRequest, match="a: must be a time of the years 1 to 9999"):
        operation.encode(request)


def test_a_file(call) -> None:
    """It is a part of its own, beside the parameter that holds the rest."""
    operation = call(
        "bytes data = 1 [(upstream.field).encoding = ENCODING_FILE];"
        ' string name = 2 [(upstream.field).name = "n"];',
        operation='api: "ns:small.call-1" param: "p"',
    )
    (parameters,) = operation.encode(operation.request(data=b"\xff\x00", name="x"))
    assert (parameters.form, parameters.files) == ({"p": '{"n":"x"}'}, {"data": b"\xff\x00"})


@pytest.mark.parametrize(
    ("dates", "written"), [(JsonDates.TEXT, '"2024-04-20 08:00:00"'), (JsonDates.EPOCH_MS, "1713571200123")]
)
def test_dates_inside_json(call, dates: JsonDates, written: str) -> None:
    operation = call(f"{TIME};", operation='api: "ns:small.call-1" param: "p"', dates=dates)
    assert sent(operation, {"a": MOMENT}).form == {"p": f'{{"a":{written}}}'}


def test_dates_that_are_parameters_follow_no_setting(call) -> None:
    operation = call(f"{TIME}; Item item = 2;", dates=JsonDates.EPOCH_MS, more=MORE)
    assert sent(operation, {"a": MOMENT}).form == {"a": "2024-04-20 08:00:00"}


def test_an_integer_as_text_inside_json_is_a_text(call) -> None:
    operation = call(
        "Ids ids = 1;",
        more="message Ids { int64 a = 1 [(upstream.field).encoding = ENCODING_TEXT]; int64 b = 2; }",
    )
    assert sent(operation, {"ids": {"a": 7, "b": 7}}).form == {"ids": '{"a":"7","b":7}'}


def test_a_compact_time_follows_no_setting(call) -> None:
    operation = call(f"{TIME} [(upstream.field).encoding = ENCODING_COMPACT_TIME];", dates=JsonDates.EPOCH_MS)
    assert sent(operation, {"a": MOMENT}).form == {"a": "20240420080000123+0800"}


@pytest.mark.parametrize(
    ("field", "default", "text"),
    [
        ("int32 a = 1", "1", "1"),
        ("string a = 1", '"x"', "x"),
        ("bool a = 1", "false", "false"),
        ("double a = 1", "1.50", "1.50"),
        ("repeated int64 a = 1", "[1,2]", "[1,2]"),
        ("Pair a = 1", '{"key":"k"}', '{"key":"k"}'),
    ],
)
def test_a_default_is_sent_where_nothing_is_set(call, field: str, default: str, text: str) -> None:
    operation = call(f"{field} [(upstream.field).default = {json.dumps(default)}];", more=MORE)
    assert sent(operation, {}).form == {"a": text}


def test_what_is_set_is_sent_in_place_of_the_default(call) -> None:
    operation = call('optional int32 a = 1 [(upstream.field).default = "1"];')
    assert sent(operation, {"a": 0}).form == {"a": "0"}


def test_what_is_not_set_is_not_sent(call) -> None:
    operation = call("string a = 1; repeated string b = 2; Pair c = 3; optional bool d = 4;", more=MORE)
    assert sent(operation, {}).form == {}


def test_words_max_len_and_pattern(call) -> None:
    operation = call(
        'string a = 1 [(upstream.field) = { max_len: 3 pattern: "[a-z饼]+"'
        ' value_map { key: "ab" value: "AB" } }];'
    )
    assert sent(operation, {"a": "ab"}).form == {"a": "AB"}
    assert sent(operation, {"a": "饼饼饼"}).form == {"a": "饼饼饼"}
    assert _violations(operation, {"a": "abcd"}) == ["a: must be at most 3 characters"]
    for text in ("A", "ab\n", "a b"):
        assert _violations(operation, {"a": text}) == ["a: must match [a-z饼]+"]


ABSENT = """
    string refused = 1 [(upstream.field).open_platform.unmapped = UNMAPPED_FIELD_POLICY_REJECT];
    string stated = 2 [(upstream.field).open_platform.unmapped = UNMAPPED_FIELD_POLICY_DROP];
    string own = 3 [(upstream.field).open_platform.unmapped = UNMAPPED_FIELD_POLICY_LOCAL];
    optional int32 zero = 4 [(upstream.field).open_platform.unmapped = UNMAPPED_FIELD_POLICY_DROP];
    repeated Item items = 5;
"""


def test_the_three_kinds_of_absence(call) -> None:
    everything = {"refused": "a", "stated": "b", "own": "c", "zero": 0}
    here = call(ABSENT, more=MORE)
    assert sent(here, everything).form == {"refused": "a", "stated": "b", "own": "c", "zero": "0"}
    there = call(ABSENT, more=MORE, dialect=Dialect.OPEN_PLATFORM)
    del everything["refused"]
    assert sent(there, everything) == Parameters(form={}, files={}, left_out=("stated", "zero"))
    assert sent(there, {"stated": "", "own": "c"}).left_out == ()
    with pytest.raises(NotInDialect) as refused:
        sent(there, {"refused": "a"})
    assert refused.value.violations == (
        Violation(field="refused", description="cannot be sent in open-platform"),
    )


def test_what_is_left_out_of_lists_is_named_without_its_place(call) -> None:
    """The path is a label of a counter: it must not be another one for every place."""
    items = [
        {"id": "1", "note": "x"},
        {"id": "2", "note": "y", "inner": {"note": "z"}},
    ]
    parameters = sent(call(ABSENT, more=MORE), {"items": items})
    assert parameters.left_out == ("items.note", "items.note", "items.inner.note")
    assert parameters.form == {"items": '[{"id":"1"},{"id":"2","inner":{}}]'}


def test_what_is_wrong_comes_before_what_is_missing(call) -> None:
    fields = "repeated Item items = 1; string site = 2 [(upstream.field).national_site.required = true];"
    operation = call(fields, more=MORE)
    item = {"fee": {"units": "-1"}}
    assert _violations(operation, {"items": [{"id": "1"}, item]}) == [
        "items[1].fee: must be an amount of at least 0, with nanos from 0 to 999,999,999"
    ]
    with pytest.raises(RequiredInDialect) as refused:
        sent(operation, {"items": [{"id": "1"}, {}]})
    assert [violation.field for violation in refused.value.violations] == ["items[1].id", "site"]


EITHER = """
    string a = 1 [(upstream.field).open_platform.required_without = "items"];
    repeated Item items = 2;
"""


def test_one_of_two_is_needed(call) -> None:
    here, there = (call(EITHER, more=MORE, dialect=dialect) for dialect in Dialect)
    assert sent(here, {}).form == {}
    assert sent(there, {"a": "x"}).form == {"a": "x"}
    assert sent(there, {"items": [{"id": "1"}]}).form == {"items": '[{"id":"1"}]'}
    with pytest.raises(RequiredInDialect) as refused:
        sent(there, {})
    assert refused.value.violations == (
        Violation(field="a", description="is required in open-platform without items"),
    )


EACH = "repeated Item items = 1; string own = 2 [(upstream.field).unmapped = UNMAPPED_FIELD_POLICY_LOCAL];"
A_CALL_EACH = 'api: "ns:small.call-1" open_platform { fan_out: "items" param: "item" }'


def test_a_call_for_each_element(call) -> None:
    """In its dialect, an element's members take the place of the request's."""
    items = {"items": [{"id": "1", "note": "x"}, {"id": "2", "fee": {"units": "3"}}], "own": "x"}
    here, there = (call(EACH, more=MORE, operation=A_CALL_EACH, dialect=dialect) for dialect in Dialect)
    assert sent(here, items).form == {"items": '[{"id":"1"},{"id":"2","fee":300}]'}
    assert there.encode(json_format.ParseDict(items, there.request())) == (
        Parameters(form={"item": '{"id":"1"}'}, files={}, left_out=("items.note",)),
        Parameters(form={"item": '{"id":"2","fee":300}'}, files={}, left_out=()),
    )


def test_nothing_of_a_list_is_sent_where_one_element_is_wrong(call) -> None:
    there = call(EACH, more=MORE, operation=A_CALL_EACH, dialect=Dialect.OPEN_PLATFORM)
    with pytest.raises(RequiredInDialect) as refused:
        there.encode(json_format.ParseDict({"items": [{"id": "1"}, {}, {}]}, there.request()))
    assert [violation.field for violation in refused.value.violations] == ["items[1].id", "items[2].id"]


def _violations(operation: Operation, request: dict[str, Any]) -> list[str]:
    with pytest.raises(RequestError) as refused:
        sent(operation, request)
    assert type(refused.value) is InvalidRequest
    return str(refused.value).split("; ")
