"""A contradiction in the protos stops the start, with one line that says where and what."""

import asyncio
import subprocess
import sys

import pytest

from services.adapter import AdapterSettings, operations_lifespan
from services.adapter.codec import Dialect, Idempotency, SchemaError, compile_service
from services.errors import StartupError

API = 'api: "ns:small.call-1"'

OPERATIONS = [
    # the operation of an RPC, what the line says besides the RPC's name
    (None, "no (nationalsite.upstream.v1.operation)"),
    ("", "neither an api nor local"),
    (f"{API} local: true", "both an api and local"),
    ('open_platform { api: "ns:small.call-1" }', "neither an api nor local"),
    (f'{API} fan_out: "ids"', "fan_out 'ids' is no list of messages in the request"),
    ('api: "small.call-1"', "api 'small.call-1' is not namespace:name-version"),
    ('api: "ns:small.call"', "api 'ns:small.call' is not namespace:name-version"),
    ('api: "ns:small.call-x"', "api 'ns:small.call-x' is not namespace:name-version"),
    (f"{API} national_site {{ open_platform {{ }} }}", "dialect blocks must not nest"),
    (f"{API} open_platform {{ national_site {{ }} }}", "dialect blocks must not nest"),
    (
        f'{API} error_mappings {{ payload: "{{" reason: ERROR_REASON_UPSTREAM_STATE }}',
        "payload '{' of an error mapping is not JSON",
    ),
    (
        f"{API} error_mappings {{ reason: ERROR_REASON_UPSTREAM_STATE }}",
        "an error mapping that matches every error",
    ),
    (f'{API} error_mappings {{ codes: "1" }}', "an error mapping without a reason"),
]


@pytest.mark.parametrize("fields", ["repeated string ids = 1;", "Inner ids = 1;"])
def test_each_is_for_lists_of_messages(service, fields: str) -> None:
    line = _line(service(fields, operation=f'{API} fan_out: "ids"', more="message Inner { string a = 1; }"))
    assert line == "Small.Call in national-site: fan_out 'ids' is no list of messages in the request"


@pytest.mark.parametrize(("operation", "line"), OPERATIONS)
def test_operations(service, operation: str | None, line: str) -> None:
    assert _line(service(operation=operation)) in (
        f"Small.Call: {line}",
        f"Small.Call in national-site: {line}",
    )


REQUESTS = [
    # the fields of a request, what the line says after the package
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
        "Request.a: dialect blocks must not nest",
    ),
    ('int32 a = 1 [(upstream.field).default = "{"];', "Request.a: default '{' is not JSON"),
    (
        'int32 a = 1 [(upstream.field).open_platform.default = "one"];',
        "Request.a: default 'one' is not JSON",
    ),
    (
        'string a = 1 [(upstream.field).pattern = "["];',
        "Request.a: pattern '[' does not compile: unterminated character set",
    ),
    (
        'int64 a = 1 [(upstream.field).pattern = "1"];',
        "Request.a: value_map, max_len and pattern are for texts",
    ),
    (
        'int64 a = 1 [(upstream.field).required_without = "b"];',
        "Request.a: required_without 'b' is no field beside it",
    ),
    (
        "bytes a = 1 [(upstream.field).max_len = 1];",
        "Request.a: value_map, max_len and pattern are for texts",
    ),
    ("Inner a = 1;", "Inner.b: pattern '(' does not compile: missing ), unterminated subpattern"),
    ("repeated Upload a = 1;", "Request.a: a file stands in no other message"),
    ("Bare a = 1;", "Bare: BARE_ONE has no word"),
    ("Worded a = 1 [(upstream.field).encoding = ENCODING_NUMBER];", "Worded: its words are not all numbers"),
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
]
REQUESTS += [
    (f"{field} [(upstream.field).encoding = {form}];", f"Request.a: {form} does not fit the field's type")
    for field, form in FORMS
]
MORE = """
message Inner { string b = 1 [(upstream.field).pattern = "("]; }
message Upload { bytes data = 1 [(upstream.field).encoding = ENCODING_FILE]; }
message Single { string b = 1; }
message Pair { string b = 1; string c = 2; }
enum Bare { BARE_UNSPECIFIED = 0; BARE_ONE = 1; }
enum Worded { WORDED_UNSPECIFIED = 0; WORDED_ONE = 1 [(upstream.enum_value).text = "one"]; }
"""


@pytest.mark.parametrize(("request_fields", "line"), REQUESTS)
def test_fields(service, request_fields: str, line: str) -> None:
    assert _line(service(request_fields, more=MORE)) == line


@pytest.mark.parametrize(
    ("response", "line"),
    [
        ("bytes a = 1;", "Response.a: replies hold no such type"),
        ("optional uint64 a = 1;", "Response.a: replies hold no such type"),
        ('int32 a = 1; int32 b = 2 [(upstream.field).name = "a"];', "Response.b: reads 'a', as does a"),
    ],
)
def test_responses(service, response: str, line: str) -> None:
    assert _line(service(response=response)) == line


def _line(service) -> str:
    with pytest.raises(SchemaError) as found:
        compile_service(service, Dialect.NATIONAL_SITE)
    (line,) = found.value.lines
    assert "\n" not in line
    package, _, rest = line.partition(".")
    assert package == service.file.package
    return rest


def test_a_name_of_the_dialect_itself_is_not_the_other_ones(call) -> None:
    """`country` is one field's name here and another's there."""
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


def test_an_operation_that_a_dialect_lacks(call) -> None:
    operation = call(operation=f'{API} open_platform {{ api: "-" }}', dialect=Dialect.OPEN_PLATFORM)
    assert (operation.api, operation.local, operation.level) == ("", False, Idempotency.ONCE)


def _settings() -> AdapterSettings:
    return AdapterSettings(  # type: ignore[call-arg] # the others have defaults
        gateway_url="http://127.0.0.1:9", app_key="1", app_secret="secret", access_token="token"
    )


def test_no_service_opens_on_a_contradiction(service) -> None:
    async def opened() -> None:
        async with operations_lifespan(service(operation=""), _settings()):
            pytest.fail("opened")

    with pytest.raises(StartupError, match="neither an api nor local"):
        asyncio.run(opened())


def test_a_contradiction_is_exit_code_2() -> None:
    """One line on stderr, no traceback: as serving does with every StartupError."""
    code = """
from services.adapter.codec import SchemaError
SchemaError("small.v1.Small.Call: neither an api nor local").exit()
"""
    done = subprocess.run(  # noqa: S603 # our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "small.v1.Small.Call: neither an api nor local\n")
