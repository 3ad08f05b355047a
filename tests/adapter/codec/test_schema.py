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
        'string a = 1 [(upstream.field).pattern = "["];',
        "Request.a: pattern '[' does not compile: unterminated character set",
    ),
    (
        'int64 a = 1 [(upstream.field).pattern = "1"];',
        "Request.a: value_map, max_len and pattern are for strings",
    ),
    (
        'int64 a = 1 [(upstream.field).required_without = "b"];',
        "Request.a: required_without 'b' is not another field of the message",
    ),
    (
        "bytes a = 1 [(upstream.field).max_len = 1];",
        "Request.a: value_map, max_len and pattern are for strings",
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
]
REQUESTS += [
    (f"{field} [(upstream.field).encoding = {form}];", f"Request.a: {form} does not fit the field's type")
    for field, form in FORMS
]
TYPES = """
message Inner { string b = 1 [(upstream.field).pattern = "("]; }
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
    ],
)
def test_invalid_response_fields(service, response: str, line: str) -> None:
    assert _get_problem(service(response=response)) == line


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
