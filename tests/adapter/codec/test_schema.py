"""An invalid mapping option stops the start, with one line that says where and what."""

import asyncio
import subprocess
import sys

import pytest

from services.adapter import AdapterSettings, operations_lifespan
from services.adapter.codec import Dialect, Idempotency, SchemaError, compile_service
from services.errors import StartupError

API = 'api: "ns:small.call-1"'

OPERATIONS = [
    # the operation of an RPC, the line without the RPC's name
    (None, "the option (nationalsite.upstream.v1.operation) is missing"),
    ("", "has neither an api nor local"),
    (f"{API} local: true", "has both an api and local"),
    ('open_platform { api: "ns:small.call-1" }', "has neither an api nor local"),
    (f'{API} fan_out: "ids"', "fan_out 'ids' is not a list of messages in the request"),
    ('api: "small.call-1"', "api 'small.call-1' is not namespace:name-version"),
    ('api: "ns:small.call"', "api 'ns:small.call' is not namespace:name-version"),
    ('api: "ns:small.call-x"', "api 'ns:small.call-x' is not namespace:name-version"),
    (f"{API} national_site {{ open_platform {{ }} }}", "dialect blocks must not be nested"),
    (f"{API} open_platform {{ national_site {{ }} }}", "dialect blocks must not be nested"),
    (
        f'{API} error_mappings {{ payload: "{{" reason: ERROR_REASON_UPSTREAM_STATE }}',
        "payload '{' of an error mapping is not JSON",
    ),
    (
        f"{API} error_mappings {{ reason: ERROR_REASON_UPSTREAM_STATE }}",
        "an error mapping without a condition",
    ),
    (f'{API} error_mappings {{ codes: "1" }}', "an error mapping without a reason"),
    (f"{API} may_be_partial: true", "may_be_partial needs a response field google.rpc.Status rejection"),
]


@pytest.mark.parametrize("fields", ["repeated string ids = 1;", "Inner ids = 1;"])
def test_each_is_only_for_lists_of_messages(service, fields: str) -> None:
    line = _get_problem(
        service(fields, operation=f'{API} fan_out: "ids"', more="message Inner { string a = 1; }")
    )
    assert line == "Small.Call in national-site: fan_out 'ids' is not a list of messages in the request"


@pytest.mark.parametrize(("operation", "line"), OPERATIONS)
def test_invalid_operations(service, operation: str | None, line: str) -> None:
    assert _get_problem(service(operation=operation)) in (
        f"Small.Call: {line}",
        f"Small.Call in national-site: {line}",
    )


REQUESTS = [
    # the fields of a request, the line without the package
    (
        'string a = 1 [(upstream.field).name = "."];',
        "Request.a: '.' must be a message, and the only mapped field",
    ),
    (
        'string a = 1; Single b = 2 [(upstream.field).name = "."];',
        "Request.b: '.' must be a message, and the only mapped field",
    ),
    (
        'string a = 1; string b = 2 [(upstream.field).name = "a"];',
        "Request.b: reads 'a', as does a",
    ),
    (
        'string a = 1 [(upstream.field).aliases = "c"]; string b = 2 [(upstream.field).aliases = "c"];',
        "Request.b: reads 'c', as does a",
    ),
    (
        "string a = 1 [(upstream.field) = { national_site { open_platform {} } }];",
        "Request.a: dialect blocks must not be nested",
    ),
    ('int32 a = 1 [(upstream.field).default = "{"];', "Request.a: default '{' is not JSON"),
    (
        'int32 a = 1 [(upstream.field).open_platform.default = "one"];',
        "Request.a: default 'one' is not JSON",
    ),
    (
        'string a = 1 [(upstream.field) = { pattern: "[" pattern_text: "must be x" }];',
        "Request.a: pattern '[' does not compile: unterminated character set",
    ),
    (
        'string a = 1 [(upstream.field).pattern = "x"];',
        "Request.a: pattern and pattern_text need each other",
    ),
    (
        'int64 a = 1 [(upstream.field).pattern = "1"];',
        "Request.a: max_len and pattern are for strings",
    ),
    (
        'int64 a = 1 [(upstream.field).required_without = "b"];',
        "Request.a: required_without 'b' is not another field of the message",
    ),
    (
        "bytes a = 1 [(upstream.field).max_len = 1];",
        "Request.a: max_len and pattern are for strings",
    ),
    (
        'int64 a = 1 [(upstream.field).value_map = { key: "a" value: "b" }];',
        "Request.a: value_map is for strings and enums",
    ),
    (
        'WithTexts a = 1 [(upstream.field).value_map = { key: "two" value: "b" }];',
        "WithTexts: value_map has 'two', which is no value's text",
    ),
    (
        'string a = 1 [(upstream.field).name = "b.c"];',
        "Request.a: the name of a request field must not be a path",
    ),
    (
        'string a = 1 [(upstream.field).filled_from = "b"]; string b = 2;',
        "Request.a: filled_from and lookup need each other",
    ),
    (
        'string a = 1 [(upstream.field) = { filled_from: "c" lookup: "languages" }]; string b = 2;',
        "Request.a: filled_from 'c' is not for two strings",
    ),
    (
        'string a = 1 [(upstream.field) = { filled_from: "b" lookup: "x" }]; string b = 2;',
        "Request.a: lookup 'x' is not one of ['languages']",
    ),
    ("Inner a = 1;", "Inner.b: pattern '(' does not compile: missing ), unterminated subpattern"),
    ("repeated Upload a = 1;", "Request.a: a nested message cannot have a file"),
    ("WithoutTexts a = 1;", "WithoutTexts: WITHOUT_TEXTS_ONE has no text"),
    (
        "WithTexts a = 1 [(upstream.field).encoding = ENCODING_NUMBER];",
        "WithTexts: its texts are not all numbers",
    ),
]
FORMS = [
    ("int64 a = 1", "ENCODING_NUMBER"),
    ("string a = 1", "ENCODING_TEXT"),
    ("bool a = 1", "ENCODING_TEXT"),
    ("int64 a = 1", "ENCODING_FEN"),
    ("string a = 1", "ENCODING_FOREIGN_CURRENCY"),
    ("google.protobuf.Timestamp a = 1", "ENCODING_FEN"),
    ("google.type.Money a = 1", "ENCODING_COMPACT_TIME"),
    ("string a = 1", "ENCODING_COMMA_JOINED"),
    ("repeated google.type.Money a = 1", "ENCODING_SEMICOLON_JOINED"),
    ("Single a = 1", "ENCODING_PAIR_TEXT"),
    ("repeated Pair a = 1", "ENCODING_PAIR_TEXT"),
    ("string a = 1", "ENCODING_PAIR_TEXT"),
    ("string a = 1", "ENCODING_FILE"),
    ("repeated bytes a = 1", "ENCODING_FILE"),
    ("Single a = 1", "ENCODING_ONE_OBJECT"),
    ("repeated string a = 1", "ENCODING_ONE_OBJECT"),
    ("string a = 1", "ENCODING_Y_OR_N"),
]
REQUESTS += [
    (f"{field} [(upstream.field).encoding = {form}];", f"Request.a: {form} does not fit the field's type")
    for field, form in FORMS
]
TYPES = """
message Inner { string b = 1 [(upstream.field) = { pattern: "(" pattern_text: "must be x" }]; }
message Upload { bytes data = 1 [(upstream.field).encoding = ENCODING_FILE]; }
message Single { string b = 1; }
message Pair { string b = 1; string c = 2; }
enum WithoutTexts { WITHOUT_TEXTS_UNSPECIFIED = 0; WITHOUT_TEXTS_ONE = 1; }
enum WithTexts { WITH_TEXTS_UNSPECIFIED = 0; WITH_TEXTS_ONE = 1 [(upstream.enum_value).text = "one"]; }
"""


@pytest.mark.parametrize(("request_fields", "line"), REQUESTS)
def test_invalid_request_fields(service, request_fields: str, line: str) -> None:
    assert _get_problem(service(request_fields, more=TYPES)) == line


@pytest.mark.parametrize(
    ("response", "line"),
    [
        ("bytes a = 1;", "Response.a: fields of a response cannot have this type"),
        ("optional uint64 a = 1;", "Response.a: fields of a response cannot have this type"),
        ('int32 a = 1; int32 b = 2 [(upstream.field).name = "a"];', "Response.b: reads 'a', as does a"),
        ("Wrapped a = 1;", "Response.a: only the messages of a list can hold a whole element"),
        (
            'string a = 1; string b = 2 [(upstream.field).normalizes = "a"];',
            "Response.b: normalizes is for single enums",
        ),
        (
            'int32 a = 1; Word b = 2 [(upstream.field).normalizes = "a"];',
            "Response.b: normalizes 'a' is not a string of the message",
        ),
        (
            'string a = 1; Word b = 2 [(upstream.field) = { normalizes: "a" name: "c" }];',
            "Response.b: normalizes excludes all other options",
        ),
        (
            "repeated string a = 1 [(upstream.field).or_enclosing = true];",
            "Response.a: or_enclosing is for lists of messages",
        ),
        (
            "repeated Wrapped a = 1 [(upstream.field).or_enclosing = true];",
            "Response.a: or_enclosing needs elements with a required field",
        ),
        (
            'repeated string a = 1 [(upstream.field).no_value = "x"];',
            "Response.a: no_value is for single values",
        ),
        (
            'string a = 1 [(upstream.field).no_value = "("];',
            "Response.a: no_value '(' does not compile: missing ), unterminated subpattern",
        ),
    ],
)
def test_invalid_response_fields(service, response: str, line: str) -> None:
    more = """
    message Wrapped { int32 b = 1 [(upstream.field).name = "."]; }
    enum Word { WORD_UNSPECIFIED = 0; }
    """
    assert _get_problem(service(response=response, more=more)) == line


COUNTS = [
    # the fields of a response, the line without the package
    ("repeated Item a = 1 {};", "Response.a: counted_by 'b' is not an optional integer of the message"),
    *(
        (
            f"repeated Item a = 1 {{}}; {count} b = 2;",
            "Response.a: counted_by 'b' is not an optional integer of the message",
        )
        for count in (
            "int32",
            "repeated int32",
            "optional string",
            "optional bool",
            "optional double",
            "Item",
        )
    ),
    ("optional int32 b = 2; optional int32 a = 1 {};", "Response.a: counted_by is for lists"),
    ("optional int32 b = 2; optional Item a = 1 {};", "Response.a: counted_by is for lists"),
]


@pytest.mark.parametrize(("response", "line"), COUNTS)
def test_invalid_counts(service, response: str, line: str) -> None:
    """The process does not start with a number of elements that cannot be one."""
    fields = response.replace("{}", '[(upstream.field).counted_by = "b"]')
    assert _get_problem(service(response=fields, more="message Item { int32 id = 1; }")) == line


@pytest.mark.parametrize("count", ["optional int32", "optional int64"])
def test_valid_counts(service, count: str) -> None:
    fields = f'repeated Item a = 1 [(upstream.field).counted_by = "b"]; {count} b = 2;'
    compile_service(service(response=fields, more="message Item { int32 id = 1; }"), Dialect.NATIONAL_SITE)


RANGE = "message Range { google.type.Money min_price = 1; google.type.Money max_price = 2; string text = 3; }"
RANGES = [
    # the fields of a response, the line without the package
    (
        'Range b = 1 [(upstream.field).range_of = "a"];',
        "Response.b: range_of 'a' is not a Money of the message",
    ),
    (
        'string a = 1; Range b = 2 [(upstream.field).range_of = "a"];',
        "Response.b: range_of 'a' is not a Money of the message",
    ),
    (
        'repeated google.type.Money a = 1; Range b = 2 [(upstream.field).range_of = "a"];',
        "Response.b: range_of 'a' is not a Money of the message",
    ),
    (
        "google.type.Money a = 1 [(upstream.field).open_platform.encoding = ENCODING_FEN];"
        ' Range b = 2 [(upstream.field).range_of = "a"];',
        "Response.b: range_of 'a' is not sent as text",
    ),
    *(
        (
            f'google.type.Money a = 1; {type_} b = 2 [(upstream.field).range_of = "a"];',
            "Response.b: range_of needs a message of min_price, max_price and text",
        )
        for type_ in ("repeated Range", "google.type.Money", "string")
    ),
    (
        'google.type.Money a = 1; Range b = 2 [(upstream.field) = { range_of: "a" name: "c" }];',
        "Response.b: range_of excludes all other options",
    ),
    (
        'google.type.Money a = 1; Range b = 2 [(upstream.field).range_of = "a"];'
        ' Range c = 3 [(upstream.field).range_of = "a"];',
        "Response.c: range_of 'a', as b",
    ),
]


@pytest.mark.parametrize(("response", "line"), RANGES)
def test_invalid_ranges(service, response: str, line: str) -> None:
    assert _get_problem(service(response=response, more=RANGE)) == line


def test_only_a_range_reads_the_member_of_another_field(service) -> None:
    """Two fields never read one member otherwise: a range without the option is a field of its own."""
    fields = 'google.type.Money a = 1; Range b = 2 [(upstream.field).{option} = "a"];'
    compile_service(service(response=fields.format(option="range_of"), more=RANGE), Dialect.NATIONAL_SITE)
    line = _get_problem(service(response=fields.format(option="name"), more=RANGE))
    assert line == "Response.b: reads 'a', as does a"


def _get_problem(service) -> str:
    with pytest.raises(SchemaError) as error:
        compile_service(service, Dialect.NATIONAL_SITE)
    (line,) = error.value.lines
    assert "\n" not in line
    package, _, rest = line.partition(".")
    assert package == service.file.package
    return rest


def test_name_of_the_dialect_has_precedence_over_the_other_dialect(call) -> None:
    """`country` is the name of one field in national-site, and of another in open-platform."""
    response = """
    string country = 1 [(upstream.field).open_platform.unmapped = UNMAPPED_FIELD_POLICY_LOCAL];
    string language = 2 [(upstream.field) = {
        national_site { unmapped: UNMAPPED_FIELD_POLICY_REJECT } open_platform { name: "country" }
    }];
    """
    for dialect, number in ((Dialect.NATIONAL_SITE, 1), (Dialect.OPEN_PLATFORM, 2)):
        operation = call(response=response, dialect=dialect)
        decoded = operation.decode({"success": True, "country": "x"}, operation.request())
        assert decoded.response == bytes((number << 3 | 2, 1)) + b"x"


def test_operation_that_a_dialect_does_not_have(call) -> None:
    operation = call(operation=f'{API} open_platform {{ api: "-" }}', dialect=Dialect.OPEN_PLATFORM)
    assert (operation.api_id, operation.local, operation.idempotency) == (
        "",
        False,
        Idempotency.NON_IDEMPOTENT,
    )


def _build_settings() -> AdapterSettings:
    return AdapterSettings(  # type: ignore[call-arg] # the others have defaults
        gateway_url="http://127.0.0.1:9", app_key="1", app_secret="secret", access_token="token"
    )


def test_service_does_not_start_with_an_invalid_option(service) -> None:
    async def start() -> None:
        async with operations_lifespan(service(operation=""), _build_settings()):
            pytest.fail("started")

    with pytest.raises(StartupError, match="has neither an api nor local"):
        asyncio.run(start())


@pytest.mark.slow
def test_exit_code_of_an_invalid_option() -> None:
    """One line on stderr and no traceback, as for every StartupError."""
    code = """
from services.adapter.codec import SchemaError
SchemaError("small.v1.Small.Call: has neither an api nor local").exit()
"""
    completed = subprocess.run(  # noqa: S603 # our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (completed.returncode, completed.stderr) == (
        2,
        "small.v1.Small.Call: has neither an api nor local\n",
    )
