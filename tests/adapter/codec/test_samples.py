"""Every sample of 1688's answers, through the codec alone: the response, or the reason of the refusal."""

import pytest
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass

from services.adapter.codec import Dialect, Operation, compile_service, parse
from services.adapter.gateway.gateway_errors import error_from_reply
from services.errors import UpstreamRefused, UpstreamUnreadable
from tests.support.sample_cases import METHODS, REPLAY, SAMPLES, SERVICES, ReplyCase, reply_cases

OPERATIONS: dict[tuple[str, str], Operation] = {
    (dialect.value, rpc): operation
    for service in (*SERVICES.values(), REPLAY)
    for dialect in Dialect
    for rpc, operation in compile_service(service, dialect).items()
}
OF_THE_OPERATION = [case for case in reply_cases() if not case.name.startswith("gateway/")]


@pytest.mark.parametrize("case", OF_THE_OPERATION, ids=lambda case: case.name)
def test_sample(case: ReplyCase) -> None:
    operation = OPERATIONS[case.dialect, case.rpc]
    request = json_format.ParseDict(case.request, operation.request())
    if case.error is not None:
        with pytest.raises((UpstreamRefused, UpstreamUnreadable)) as failure:
            operation.decode(_parsed(case.body), request)
        expected = case.error.get("cause", case.error["reason"]).removeprefix("ERROR_REASON_")
        assert failure.value.reason == expected
        assert failure.value.code == case.error.get("code", "")
        return
    decoded = operation.decode(_parsed(case.body), request)
    response = GetMessageClass(METHODS[case.rpc].output_type).FromString(decoded.response)
    assert json_format.MessageToDict(response, preserving_proto_field_name=True) == case.response
    assert sorted(set(decoded.unreadable)) == case.unreadable_fields


def _parsed(body: bytes) -> object:
    """Parse as the gateway does: what is no JSON is unreadable."""
    try:
        reply = parse(body)
    except ValueError as error:
        raise UpstreamUnreadable("no JSON") from error
    assert error_from_reply(200, reply) is None
    return reply


def test_every_answer_of_the_operations_is_a_case() -> None:
    """A sample without an expectation proves nothing."""
    bodies = {
        path.relative_to(SAMPLES / "replies").as_posix().removesuffix(".json")
        for path in (SAMPLES / "replies").rglob("*.json")
        if not path.name.endswith(".expected.json")
    }
    outside = {body for body in bodies if body.startswith(("get_token", "system_current_time"))}
    assert {case.name for case in reply_cases()} == bodies - outside
