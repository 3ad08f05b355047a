"""The codec decodes every sample response to the expected response, or raises the expected error."""

import pytest
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass

from services.adapter.codec import Dialect, Operation, parse
from services.adapter.gateway.gateway_errors import error_from_response
from services.errors import UpstreamRefused, UpstreamUnreadable
from tests.support.compiled_operations import compile_once
from tests.support.sample_cases import METHODS, REPLAY, SAMPLES, SERVICES, ResponseCase, response_cases

OPERATIONS: dict[tuple[str, str], Operation] = {
    (dialect.value, rpc): operation
    for service in (*SERVICES.values(), REPLAY)
    for dialect in Dialect
    for rpc, operation in compile_once(service, dialect).items()
}
OPERATION_CASES = [case for case in response_cases() if not case.name.startswith("gateway/")]


@pytest.mark.parametrize("case", OPERATION_CASES, ids=lambda case: case.name)
def test_sample(case: ResponseCase) -> None:
    operation = OPERATIONS[case.dialect, case.rpc]
    request = json_format.ParseDict(case.request, operation.request())
    if case.error is not None:
        with pytest.raises((UpstreamRefused, UpstreamUnreadable)) as error:
            operation.decode(_parse(case.body), request)
        expected = case.error.get("cause", case.error["reason"]).removeprefix("ERROR_REASON_")
        assert error.value.reason == expected
        assert error.value.code == case.error.get("code", "")
        if case.name.startswith("content/"):
            assert error.value.upstream_message == case.error.get("message", "")
        return
    result = operation.decode(_parse(case.body), request)
    response = GetMessageClass(METHODS[case.rpc].output_type).FromString(result.response)
    assert json_format.MessageToDict(response, preserving_proto_field_name=True) == case.response
    assert sorted(set(result.unreadable)) == case.unreadable_fields
    rejection = case.service_fields.get("rejection")
    assert (result.rejection is not None) == (rejection is not None)
    if rejection is not None:
        metadata = rejection["details"][0]["metadata"]
        assert result.rejection.code == metadata.get("upstreamCode", "")
        assert result.rejection.upstream_message == metadata.get("upstreamMessage", "")


def _parse(body: bytes) -> object:
    """Parse as the gateway client does: text that is not JSON is unreadable."""
    try:
        response = parse(body)
    except ValueError as error:
        raise UpstreamUnreadable("not JSON") from error
    assert error_from_response(200, response) is None
    return response


def test_every_sample_has_an_expectation() -> None:
    """A sample without an expectation would not be tested."""
    bodies = {
        path.relative_to(SAMPLES / "responses").as_posix().removesuffix(".json")
        for path in (SAMPLES / "responses").rglob("*.json")
        if not path.name.endswith(".expected.json")
    }
    gateway_bodies = {body for body in bodies if body.startswith(("get_token", "system_current_time"))}
    assert {case.name for case in response_cases()} == bodies - gateway_bodies
