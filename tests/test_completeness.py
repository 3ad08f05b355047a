"""Tables, enum and samples tie together: no row without a case, no reason without a status."""

import inspect
import json
from fnmatch import fnmatchcase

import pytest
from google.rpc import code_pb2
from nationalsite.errors import v1 as errors_v1
from nationalsite.upstream import v1 as upstream_v1

from services import errors
from services.adapter.gateway.gateway_errors import ERROR_RULES, error_from_reply
from tests.support.sample_cases import METHODS, SAMPLES, ReplyCase, reply_cases

REFUSALS = [
    pytest.param(method.name, row, id=f"{method.name}: {' '.join(row.codes)} {row.text}{row.payload}")
    for method in METHODS.values()
    for row in method.GetOptions().Extensions[upstream_v1.operation].error_mappings
]
CASES = list(reply_cases())
BODIES_WITHOUT_AN_RPC = ("get_token", "system_current_time")


@pytest.mark.parametrize(("rpc", "row"), REFUSALS)
def test_every_refusal_row_has_a_sample(rpc: str, row: upstream_v1.ErrorMapping) -> None:
    reason = errors_v1.ErrorReason.Name(row.reason)
    rows = METHODS[rpc].GetOptions().Extensions[upstream_v1.operation].error_mappings
    assert any(
        case.rpc == rpc
        and case.error
        and case.error.get("cause", case.error["reason"]) == reason
        # A case proves the first row that it meets; rows of payloads stand side by side.
        and (_meets(row, case) if row.payload else row == next(each for each in rows if _meets(each, case)))
        for case in CASES
    )


def _meets(row: upstream_v1.ErrorMapping, case: ReplyCase) -> bool:
    code, text = case.error.get("code", ""), case.error.get("message", "")
    if row.codes and not any(fnmatchcase(code, each) for each in row.codes):
        return False
    if row.text not in text and row.text not in code:
        return False
    return (
        not row.payload
        or row.payload == "null"
        or json.dumps(row.payload)[1:-1] in json.dumps(case.body.decode())
    )


def test_every_gateway_sample_is_a_gateway_error() -> None:
    for case in CASES:
        error = (
            error_from_reply(case.http_status, json.loads(case.body))
            if case.name.startswith("gateway/")
            else None
        )
        assert isinstance(error, errors.UpstreamError) == case.name.startswith("gateway/"), case.name


def test_every_gateway_code_of_the_table_has_a_sample() -> None:
    told = {case.error.get("code") for case in CASES if case.name.startswith("gateway/")}
    codes = {row.code for row in ERROR_RULES if row.code.startswith("gw.")} - {"gw.Qos*"}
    assert codes | {"gw.QosAppFrequencyLimit", "gw.QosAPIFrequencyLimit", "401", "400", "500"} == told


def test_every_answer_is_a_case() -> None:
    """A sample without an expectation proves nothing."""
    bodies = {
        path.relative_to(SAMPLES / "replies").as_posix().removesuffix(".json")
        for path in (SAMPLES / "replies").rglob("*.json")
        if not path.name.endswith(".expected.json") and not path.name.startswith(BODIES_WITHOUT_AN_RPC)
    }
    assert {case.name for case in CASES} == bodies


def test_every_error_class_has_a_reason_of_the_enum() -> None:
    reasons = {name.removeprefix("ERROR_REASON_") for name in errors_v1.ErrorReason.DESCRIPTOR.values_by_name}
    classes = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.NationalsiteError) and isinstance(kind.reason, str)
    ]
    assert {kind.reason for kind in classes} <= reasons


def test_every_reason_has_a_status_and_is_explained() -> None:
    for value in errors_v1.ErrorReason.DESCRIPTOR.values:
        status = value.GetOptions().Extensions[errors_v1.status]
        assert bool(status) == bool(value.number), value.name


def test_expected_statuses_are_those_of_their_reasons() -> None:
    values = errors_v1.ErrorReason.DESCRIPTOR.values_by_name
    for case in CASES:
        if case.error:
            status = values[case.error["reason"]].GetOptions().Extensions[errors_v1.status]
            assert case.error["status"] == code_pb2.Code.Name(status), case.name
