"""dialects.json lists what the codec rejects or drops in one dialect, and nothing else."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from services.adapter.codec import Dialect, Operation
from services.errors import InvalidRequest, NotInDialect, RequestError, RequiredInDialect
from tests.support.compiled_operations import compile_once
from tests.support.sample_cases import SERVED_RPCS, SERVICES, UPSTREAM_METHODS
from tools.generation.client_data import DIALECT_RULES

RULES: list[dict[str, str]] = json.loads(DIALECT_RULES.reference_file.read_text())
RPCS = sorted(SERVED_RPCS & UPSTREAM_METHODS.keys())
OPERATIONS = {
    (rpc, dialect): operation
    for dialect in Dialect
    for service in SERVICES.values()
    for rpc, operation in compile_once(service, dialect).items()
}
BOTH_DIALECTS = pytest.mark.parametrize("dialect", Dialect)
ONEOF_ARMS = range(5)


@BOTH_DIALECTS
@pytest.mark.parametrize("rpc", RPCS)
def test_fields_that_a_dialect_lacks(rpc: str, dialect: Dialect) -> None:
    operation = OPERATIONS[rpc, dialect]
    rejected, dropped = set(), set()
    for request in _filled_requests(operation, lambda: "7"):
        rejected |= _violations(operation, request, NotInDialect)
        dropped |= set(operation.find_dropped_fields(request))
    assert rejected == _fields(rpc, dialect, "NOT_IN_DIALECT")
    assert dropped == _fields(rpc, dialect, "DROPPED")


@BOTH_DIALECTS
@pytest.mark.parametrize("rpc", RPCS)
def test_fields_that_a_dialect_requires(rpc: str, dialect: Dialect) -> None:
    operation = OPERATIONS[rpc, dialect]
    request = operation.request()
    _add_empty_messages(request)
    missing = _violations(operation, request, RequiredInDialect)
    for field in request.DESCRIPTOR.fields:  # fields of the request that are required without a list in it
        if field.message_type:
            nested = getattr(request, field.name)
            for each in nested if field.is_repeated else (nested,):
                _clear_lists(each)
    missing |= _violations(operation, request, RequiredInDialect)
    assert missing == _fields(rpc, dialect, "REQUIRED_IN_DIALECT")


@BOTH_DIALECTS
@pytest.mark.parametrize("rpc", RPCS)
def test_texts_that_a_dialect_limits(rpc: str, dialect: Dialect) -> None:
    operation = OPERATIONS[rpc, dialect]
    invalid = set()
    for text in ("A" * 10_000, "A"):
        for request in _filled_requests(operation, lambda text=text: text):
            invalid |= _violations(operation, request, InvalidRequest)
    assert invalid == _fields(rpc, dialect, "DIALECT_MAX_LEN", "DIALECT_PATTERN", "DIALECT_LONG")


def _fields(rpc: str, dialect: str, *rules: str) -> set[str]:
    """Return the fields of an RPC that have one of the rules."""
    return {
        rule["field"]
        for rule in RULES
        if rule["rpc"].rpartition("/")[2] == rpc and rule["dialect"] == dialect and rule["rule"] in rules
    }


def _violations(operation: Operation, request: Message, error_class: type[RequestError]) -> set[str]:
    """Return the fields, without list indexes, if the error of encoding a request has the class."""
    try:
        operation.encode(request)
    except RequestError as error:
        if isinstance(error, error_class):
            return {re.sub(r"\[\d+\]", "", violation.field) for violation in error.violations}
    return set()


def _filled_requests(operation: Operation, text: Callable[[], str]) -> Iterator[Message]:
    """Yield requests with all fields set, the texts to `text()`, until each arm of a oneof was set."""
    for arm in ONEOF_ARMS:
        request = operation.request()
        _fill(request, text, arm)
        yield request


def _fill(message: Message, text: Callable[[], str], arm: int) -> None:
    for field in message.DESCRIPTOR.fields:
        oneof = field.containing_oneof
        if oneof is not None and oneof.fields[arm % len(oneof.fields)] is not field:
            continue
        if field.message_type and field.message_type.full_name == "google.protobuf.Timestamp":
            getattr(message, field.name).seconds = 1
        elif field.message_type and field.message_type.full_name == "google.type.Decimal":
            getattr(message, field.name).value = "1"
        elif field.message_type:
            nested = getattr(message, field.name)
            element = nested.add() if field.is_repeated else nested
            element.SetInParent()
            if field.message_type.full_name.startswith("nationalsite."):
                _fill(element, text, arm)
        elif field.is_repeated:
            getattr(message, field.name).append(_scalar(field, text))
        else:
            setattr(message, field.name, _scalar(field, text))


def _scalar(field: FieldDescriptor, text: Callable[[], str]) -> Any:
    if field.enum_type:
        return field.enum_type.values[1].number
    if field.type == FieldDescriptor.TYPE_STRING:
        return text()
    return b"x" if field.type == FieldDescriptor.TYPE_BYTES else 1


def _add_empty_messages(message: Message) -> None:
    """Set the messages in a message, without any other field; a list gets one element."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type and field.message_type.full_name.startswith("nationalsite."):
            nested = getattr(message, field.name)
            element = nested.add() if field.is_repeated else nested
            element.SetInParent()
            _add_empty_messages(element)


def _clear_lists(message: Message) -> None:
    for field in message.DESCRIPTOR.fields:
        if field.is_repeated:
            message.ClearField(field.name)
