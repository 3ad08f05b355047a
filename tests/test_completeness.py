"""Tables, reasons and samples are complete: each row has a sample, each reason a status."""

import inspect
import json
import re
from fnmatch import fnmatchcase

import pytest
from nationalsite.errors import v1 as errors_v1
from nationalsite.upstream import v1 as upstream_v1

from services import errors
from services.adapter.codec.option_checks import MONEY
from services.adapter.gateway.gateway_errors import ERROR_RULES, error_from_response
from services.server.reason_rules import REASON_RULES
from tests.support.sample_cases import METHODS, SAMPLES, ResponseCase, response_cases
from tools.reference.reachability import reachable_messages

ERROR_MAPPINGS = [
    pytest.param(method.name, row, id=f"{method.name}: {' '.join(row.codes)} {row.text}{row.payload}")
    for method in METHODS.values()
    for row in method.GetOptions().Extensions[upstream_v1.operation].error_mappings
]
CASES = list(response_cases())
GATEWAY_CASES = [case for case in CASES if case.name.startswith("gateway/")]
BODIES_WITHOUT_AN_RPC = ("get_token", "system_current_time")


@pytest.mark.parametrize(("rpc", "row"), ERROR_MAPPINGS)
def test_every_error_mapping_has_a_sample(rpc: str, row: upstream_v1.ErrorMapping) -> None:
    reason = errors_v1.ErrorReason.Name(row.reason)
    rows = METHODS[rpc].GetOptions().Extensions[upstream_v1.operation].error_mappings
    assert any(
        case.rpc == rpc
        and case.error
        and case.error.get("cause", case.error["reason"]) == reason
        # The first row that matches applies to a case. Rows with a payload have no order.
        and (
            _matches(row, case)
            if row.payload
            else row == next(other for other in rows if _matches(other, case))
        )
        for case in CASES
    )


def _matches(row: upstream_v1.ErrorMapping, case: ResponseCase) -> bool:
    code, text = case.error.get("code", ""), case.error.get("message", "")
    if row.codes and not any(fnmatchcase(code, pattern) for pattern in row.codes):
        return False
    if row.text not in text and row.text not in code:
        return False
    return (
        not row.payload
        or row.payload == "null"
        or json.dumps(row.payload)[1:-1] in json.dumps(case.body.decode())
    )


def test_every_gateway_sample_is_a_gateway_error() -> None:
    assert GATEWAY_CASES
    for case in GATEWAY_CASES:
        error = error_from_response(case.http_status, json.loads(case.body))
        assert isinstance(error, errors.UpstreamError), case.name


def test_every_gateway_code_of_the_table_has_a_sample() -> None:
    sampled = {case.error.get("code") for case in GATEWAY_CASES}
    codes = {row.code for row in ERROR_RULES if row.code.startswith("gw.")} - {"gw.Qos*"}
    assert codes | {"gw.QosAppFrequencyLimit", "gw.QosAPIFrequencyLimit", "401", "400", "500"} == sampled


def test_every_reply_sample_has_an_expectation() -> None:
    """Else no test would use it."""
    bodies = {
        path.relative_to(SAMPLES / "responses").as_posix().removesuffix(".json")
        for path in (SAMPLES / "responses").rglob("*.json")
        if not path.name.endswith(".expected.json") and not path.name.startswith(BODIES_WITHOUT_AN_RPC)
    }
    assert {case.name for case in CASES} == bodies


def test_every_price_that_is_sent_as_text_has_a_range() -> None:
    """1688 can send a range for each of them. Amounts in fen are integers."""
    prices = [
        (message, field)
        for name in ("SearchByKeyword", "SearchByImage", "GetProductDetail")
        for message in reachable_messages(METHODS[name].output_type)
        if message.name != "PriceRange"
        for field in message.fields
        if field.message_type and field.message_type.full_name == MONEY
    ]
    assert prices
    for message, field in prices:
        assert field.GetOptions().Extensions[upstream_v1.field].encoding != upstream_v1.ENCODING_FEN
        price_range = message.fields_by_name.get(f"{field.name}_range")
        assert price_range is not None, field.full_name
        assert price_range.GetOptions().Extensions[upstream_v1.field].range_of == field.name


def test_every_error_class_has_a_reason_of_the_enum() -> None:
    reasons = {name.removeprefix("ERROR_REASON_") for name in errors_v1.ErrorReason.DESCRIPTOR.values_by_name}
    classes = [
        error_class
        for _, error_class in inspect.getmembers(errors, inspect.isclass)
        if issubclass(error_class, errors.NationalsiteError) and isinstance(error_class.reason, str)
    ]
    assert classes
    assert {error_class.reason for error_class in classes} <= reasons


def test_samples_expect_the_status_of_their_reason() -> None:
    for case in CASES:
        if case.error:
            rule = REASON_RULES[case.error["reason"].removeprefix("ERROR_REASON_")]
            assert case.error["status"] == rule.status.name, case.name


WITHOUT_A_CALL = {
    "INTERNAL_FAULT": "a bug; tests/server raises one in a handler",
    "OPERATION_NOT_IN_DIALECT": "every RPC has an operation in both dialects; tests/adapter has one without",
}
"""Reasons that no call of a running service ends with in the tests."""


def test_every_reason_is_produced_by_a_test() -> None:
    """Samples, shared cases and e2e tests call running services, and expect the reasons that they name."""
    files = [
        path
        for folder in ("samples/responses", "polyglot/cases", "e2e", "mesh", "durability")
        for path in (SAMPLES.parent / folder).rglob("*")
        if path.suffix in (".py", ".json")
    ]
    words = set(
        re.findall(
            r"[A-Z][A-Z_]+", "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)
        )
    )
    produced = {word.removeprefix("ERROR_REASON_") for word in words} & REASON_RULES.keys()
    assert produced | WITHOUT_A_CALL.keys() == REASON_RULES.keys()
