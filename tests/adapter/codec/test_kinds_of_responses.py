"""Every operation with every kind of response that brings nothing, or that is not understood."""

import json

import pytest
from google.protobuf.message_factory import GetMessageClass

from services.adapter.codec import DecodeResult, Dialect, parse
from services.errors import UpstreamRefused, UpstreamUnreadable
from tests.support.compiled_operations import compile_once
from tests.support.sample_cases import METHODS, REPLAY, SAMPLES, SERVICES

KINDS = json.loads((SAMPLES / "kinds_of_responses.json").read_text())
"""`bodies`: the body of each kind. `expected`: the answers of RPCs: OK, or reason, code and text."""
EXPECTED = {name: group["answers"] for group in KINDS["expected"] for name in group["rpcs"]}
OPERATIONS = {
    f"{rpc} {dialect}": operation
    for service in (*SERVICES.values(), REPLAY)
    for dialect in Dialect
    for rpc, operation in compile_once(service, dialect).items()
    if operation.api_id
}


def test_every_operation_has_answers() -> None:
    assert EXPECTED.keys() == OPERATIONS.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_kinds(name: str) -> None:
    answers = {kind: _answer(name, json.dumps(body).encode()) for kind, body in KINDS["bodies"].items()}
    assert answers == EXPECTED[name]


def _answer(name: str, body: bytes) -> str:
    operation = OPERATIONS[name]
    request = operation.request()
    assert not isinstance(operation.parse(body, request), DecodeResult), "none is decoded fast"
    try:
        result = operation.decode(parse(body), request)
    except (UpstreamRefused, UpstreamUnreadable) as error:
        return " ".join(filter(None, (error.reason, error.code, error.upstream_message)))
    response = GetMessageClass(METHODS[operation.rpc].output_type).FromString(result.response)
    assert not response.ListFields()
    return "OK"
