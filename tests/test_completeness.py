"""Tables, reasons and samples are complete: each row has a sample, each reason a status."""

import inspect
import json
from fnmatch import fnmatchcase

import pytest
from google.rpc import code_pb2
from nationalsite.errors import v1 as errors_v1
from nationalsite.upstream import v1 as upstream_v1

from services import errors
from services.adapter.gateway.gateway_errors import ERROR_RULES, error_from_response
from tests.support.sample_cases import METHODS, SAMPLES, ResponseCase, response_cases

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


def test_every_error_class_has_a_reason_of_the_enum() -> None:
    reasons = {name.removeprefix("ERROR_REASON_") for name in errors_v1.ErrorReason.DESCRIPTOR.values_by_name}
    classes = [
        error_class
        for _, error_class in inspect.getmembers(errors, inspect.isclass)
        if issubclass(error_class, errors.NationalsiteError) and isinstance(error_class.reason, str)
    ]
    assert classes
    assert {error_class.reason for error_class in classes} <= reasons


def test_every_reason_has_a_status() -> None:
    for value in errors_v1.ErrorReason.DESCRIPTOR.values:
        status = value.GetOptions().Extensions[errors_v1.status]
        assert bool(status) == bool(value.number), value.name


def test_samples_expect_the_status_of_their_reason() -> None:
    values = errors_v1.ErrorReason.DESCRIPTOR.values_by_name
    for case in CASES:
        if case.error:
            status = values[case.error["reason"]].GetOptions().Extensions[errors_v1.status]
            assert case.error["status"] == code_pb2.Code.Name(status), case.name
