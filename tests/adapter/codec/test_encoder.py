"""Encoding of requests in every form, and all reasons to reject a request."""

import json
from typing import Any

import pytest
from google.protobuf import json_format

from services.adapter.codec import Dialect, JsonDates, Operation, Parameters
from services.errors import InvalidRequest, NotInDialect, RequestError, RequiredInDialect, Violation

TYPES = """
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
TIMESTAMP = "2024-04-20T00:00:00.123456Z"
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
    (TIME, "UNSPECIFIED", TIMESTAMP, "2024-04-20 08:00:00"),
    (TIME, "UNSPECIFIED", "0001-01-01T00:00:00Z", "0001-01-01 08:00:00"),
    (TIME, "COMPACT_TIME", TIMESTAMP, "20240420080000123+0800"),
    (TIME, "COMPACT_TIME", "2024-12-31T16:00:00Z", "20250101000000000+0800"),
    ("repeated string a = 1", "COMMA_JOINED", ["a", "b;c"], "a,b;c"),
    ("repeated int64 a = 1", "SEMICOLON_JOINED", [1, MAX], f"1;{MAX}"),
    ("Pair a = 1", "PAIR_TEXT", {"key": 'price"', "value": 3}, '{"price\\"":3}'),
]
REJECTED: list[tuple[str, str, Any]] = [
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


def encode(operation: Operation, request: dict[str, Any]) -> Parameters:
    (parameters,) = operation.encode(json_format.ParseDict(request, operation.request()))
    return parameters


@pytest.mark.parametrize(("field", "form", "value", "text"), FORMS)
def test_form(call, field: str, form: str, value: Any, text: str) -> None:
    operation = call(f"{field} [(upstream.field).encoding = ENCODING_{form}];", more=TYPES)
    assert encode(operation, {"a": value}) == Parameters(form={"a": text}, files={})


@pytest.mark.parametrize(("field", "form", "value"), REJECTED)
def test_rejected(call, field: str, form: str, value: Any) -> None:
    """The error has the field's path and what is accepted, and no value of the request."""
    operation = call(f"{field} [(upstream.field).encoding = ENCODING_{form}];", more=TYPES)
    with pytest.raises(InvalidRequest) as error:
        encode(operation, {"a": value})
    assert {violation.field for violation in error.value.violations} == {"a"}
    for text in ("12a", "HKD", "b,c", "price"):
        assert text not in str(error.value)


@pytest.mark.parametrize("seconds", [253_402_300_800, -62_135_625_601, 2**63 - 1])
def test_timestamp_out_of_range(call, seconds: int) -> None:
    operation = call(f"{TIME};")
    request = operation.request()
    request.a.seconds = seconds
    with pytest.raises(InvalidRequest, match="a: must be a time of the years 1 to 9999"):
        operation.encode(request)


def test_file(call) -> None:
    """It is a file part, beside the parameter with the other fields."""
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
    assert encode(operation, {"a": TIMESTAMP}).form == {"p": f'{{"a":{written}}}'}


def test_dates_that_are_form_fields_do_not_depend_on_the_setting(call) -> None:
    operation = call(f"{TIME}; Item item = 2;", dates=JsonDates.EPOCH_MS, more=TYPES)
    assert encode(operation, {"a": TIMESTAMP}).form == {"a": "2024-04-20 08:00:00"}


def test_integer_as_text_inside_json(call) -> None:
    operation = call(
        "Ids ids = 1;",
        more="message Ids { int64 a = 1 [(upstream.field).encoding = ENCODING_TEXT]; int64 b = 2; }",
    )
    assert encode(operation, {"ids": {"a": 7, "b": 7}}).form == {"ids": '{"a":"7","b":7}'}


def test_compact_time_does_not_depend_on_the_setting(call) -> None:
    operation = call(f"{TIME} [(upstream.field).encoding = ENCODING_COMPACT_TIME];", dates=JsonDates.EPOCH_MS)
    assert encode(operation, {"a": TIMESTAMP}).form == {"a": "20240420080000123+0800"}


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
def test_default_of_an_unset_field(call, field: str, default: str, text: str) -> None:
    operation = call(f"{field} [(upstream.field).default = {json.dumps(default)}];", more=TYPES)
    assert encode(operation, {}).form == {"a": text}


def test_set_field_overrides_the_default(call) -> None:
    operation = call('optional int32 a = 1 [(upstream.field).default = "1"];')
    assert encode(operation, {"a": 0}).form == {"a": "0"}


def test_unset_fields_are_not_sent(call) -> None:
    operation = call("string a = 1; repeated string b = 2; Pair c = 3; optional bool d = 4;", more=TYPES)
    assert encode(operation, {}).form == {}


def test_value_map_max_len_and_pattern(call) -> None:
    operation = call(
        'string a = 1 [(upstream.field) = { max_len: 3 pattern: "[a-z饼]+" pattern_text: "must be small"'
        ' value_map { key: "ab" value: "AB" } }];'
    )
    assert encode(operation, {"a": "ab"}).form == {"a": "AB"}
    assert encode(operation, {"a": "饼饼饼"}).form == {"a": "饼饼饼"}
    assert _get_violations(operation, {"a": "abcd"}) == ["a: must be at most 3 characters"]
    for text in ("A", "ab\n", "a b"):
        assert _get_violations(operation, {"a": text}) == ["a: must be small"]


ABSENT = """
    string rejected = 1 [(upstream.field).open_platform.unmapped = UNMAPPED_FIELD_POLICY_REJECT];
    string stated = 2 [(upstream.field).open_platform.unmapped = UNMAPPED_FIELD_POLICY_DROP];
    string own = 3 [(upstream.field).open_platform.unmapped = UNMAPPED_FIELD_POLICY_LOCAL];
    optional int32 zero = 4 [(upstream.field).open_platform.unmapped = UNMAPPED_FIELD_POLICY_DROP];
    repeated Item items = 5;
"""


def test_unmapped_fields(call) -> None:
    all_fields = {"rejected": "a", "stated": "b", "own": "c", "zero": 0}
    national_site = call(ABSENT, more=TYPES)
    assert encode(national_site, all_fields).form == {"rejected": "a", "stated": "b", "own": "c", "zero": "0"}
    open_platform = call(ABSENT, more=TYPES, dialect=Dialect.OPEN_PLATFORM)
    del all_fields["rejected"]
    assert encode(open_platform, all_fields) == Parameters(form={}, files={})
    assert _find_dropped_fields(open_platform, all_fields) == ["stated", "zero"]
    assert _find_dropped_fields(open_platform, {"stated": "", "own": "c"}) == []
    assert _find_dropped_fields(national_site, all_fields) == []
    with pytest.raises(NotInDialect) as error:
        encode(open_platform, {"rejected": "a"})
    assert error.value.violations == (
        Violation(field="rejected", description="cannot be sent in open-platform", reason="NOT_IN_DIALECT"),
    )


def test_path_of_a_dropped_field_has_no_list_index(call) -> None:
    """The path is a label of a metric, which must not have a value for each index."""
    items = [
        {"id": "1", "note": "x"},
        {"id": "2", "note": "y", "inner": {"note": "z"}},
    ]
    operation = call(ABSENT, more=TYPES)
    assert _find_dropped_fields(operation, {"items": items}) == [
        "items.note",
        "items.note",
        "items.inner.note",
    ]
    assert encode(operation, {"items": items}).form == {"items": '[{"id":"1"},{"id":"2","inner":{}}]'}


def test_invalid_fields_are_reported_before_missing_fields(call) -> None:
    fields = "repeated Item items = 1; string site = 2 [(upstream.field).national_site.required = true];"
    operation = call(fields, more=TYPES)
    item = {"fee": {"units": "-1"}}
    assert _get_violations(operation, {"items": [{"id": "1"}, item]}) == [
        "items[1].fee: must be an amount of at least 0, with nanos from 0 to 999,999,999"
    ]
    with pytest.raises(RequiredInDialect) as error:
        encode(operation, {"items": [{"id": "1"}, {}]})
    assert [violation.field for violation in error.value.violations] == ["items[1].id", "site"]


ONE_OF_TWO = """
    string a = 1 [(upstream.field).open_platform.required_without = "items"];
    repeated Item items = 2;
"""


def test_one_of_two_fields_is_required(call) -> None:
    national_site, open_platform = (call(ONE_OF_TWO, more=TYPES, dialect=dialect) for dialect in Dialect)
    assert encode(national_site, {}).form == {}
    assert encode(open_platform, {"a": "x"}).form == {"a": "x"}
    assert encode(open_platform, {"items": [{"id": "1"}]}).form == {"items": '[{"id":"1"}]'}
    with pytest.raises(RequiredInDialect) as error:
        encode(open_platform, {})
    assert error.value.violations == (
        Violation(
            field="a",
            description="is required in open-platform without items",
            reason="REQUIRED_IN_DIALECT",
        ),
    )


FILLED = """
    string country = 1 [(upstream.field).unmapped = UNMAPPED_FIELD_POLICY_LOCAL];
    string language = 2 [(upstream.field) = {
        name: "lang" default: "\\"en\\"" filled_from: "country" lookup: "languages"
    }];
    string note = 3 [(upstream.field).unmapped = UNMAPPED_FIELD_POLICY_LOCAL];
    repeated Local items = 4;
"""
LOCAL_ITEM = "message Local { string note = 1 [(upstream.field).unmapped = UNMAPPED_FIELD_POLICY_LOCAL]; }"


@pytest.mark.parametrize(
    ("request_fields", "language"),
    [
        ({}, "en"),
        ({"country": "Japan"}, "ja"),
        ({"country": "malaysia"}, "en"),
        ({"country": "japan", "language": "ko"}, "ko"),
    ],
)
def test_field_filled_from_another_one(call, request_fields: dict[str, str], language: str) -> None:
    operation = call(FILLED, more=LOCAL_ITEM)
    assert encode(operation, request_fields).form == {"lang": language}
    assert operation.local_fields == {"note", "items.note"}


FAN_OUT = "repeated Item items = 1; string own = 2 [(upstream.field).unmapped = UNMAPPED_FIELD_POLICY_LOCAL];"
FAN_OUT_OPERATION = 'api: "ns:small.call-1" open_platform { fan_out: "items" param: "item" }'


def test_one_call_for_each_element(call) -> None:
    """The members of the element are sent instead of the members of the request."""
    items = {"items": [{"id": "1", "note": "x"}, {"id": "2", "fee": {"units": "3"}}], "own": "x"}
    national_site, open_platform = (
        call(FAN_OUT, more=TYPES, operation=FAN_OUT_OPERATION, dialect=dialect) for dialect in Dialect
    )
    assert encode(national_site, items).form == {"items": '[{"id":"1"},{"id":"2","fee":300}]'}
    assert open_platform.encode(json_format.ParseDict(items, open_platform.request())) == (
        Parameters(form={"item": '{"id":"1"}'}, files={}),
        Parameters(form={"item": '{"id":"2","fee":300}'}, files={}),
    )
    assert _find_dropped_fields(open_platform, items) == ["items.note"]


def test_one_invalid_element_rejects_the_whole_request(call) -> None:
    open_platform = call(FAN_OUT, more=TYPES, operation=FAN_OUT_OPERATION, dialect=Dialect.OPEN_PLATFORM)
    with pytest.raises(RequiredInDialect) as error:
        open_platform.encode(json_format.ParseDict({"items": [{"id": "1"}, {}, {}]}, open_platform.request()))
    assert [violation.field for violation in error.value.violations] == ["items[1].id", "items[2].id"]


def _get_violations(operation: Operation, request: dict[str, Any]) -> list[str]:
    with pytest.raises(RequestError) as error:
        encode(operation, request)
    assert type(error.value) is InvalidRequest
    return str(error.value).split("; ")


def _find_dropped_fields(operation: Operation, request: dict[str, Any]) -> list[str]:
    return list(operation.find_dropped_fields(json_format.ParseDict(request, operation.request())))
