"""Whatever messages hold, the codec brings it across; whatever 1688 answers, the codec keeps its word."""

import json
import os
from decimal import Decimal
from typing import Any, cast

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from hypothesis import strategies as st
from nationalsite.upstream import v1 as upstream_v1

from services.adapter.codec import Dialect, JsonDates, Operation, compile_service, parse
from services.adapter.codec.decoder import NOTHING, message_reader
from services.adapter.codec.encoder import EncodeContext, message_writer
from services.adapter.codec.scalar_decoders import DecodeContext
from services.adapter.codec.schema import fields
from services.errors import NationalsiteError, RequestError, UpstreamRefused, UpstreamUnreadable
from tests.support.sample_cases import SERVICES, UPSTREAM_METHODS

OPERATIONS = [
    pytest.param(
        method, dialect, compile_service(service, dialect)[method.name], id=f"{method.name}-{dialect}"
    )
    for service in SERVICES.values()
    for method in service.methods
    if method.name in UPSTREAM_METHODS
    for dialect in Dialect
]
ENOUGH = settings(max_examples=int(os.environ.get("EXAMPLES", "15")), deadline=None)
"""Examples of each property and operation; `make test-slow` takes more of them."""
PICTURES = ("UploadImage", "UploadRefundVoucher")
EVERY_OPERATION = pytest.mark.parametrize(("method", "dialect", "operation"), OPERATIONS)

SCALARS = {
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_DOUBLE: st.floats(-1e30, 1e30).filter(
        lambda number: abs(number) > 1e-30 or number == 0
    ),
    FieldDescriptor.TYPE_STRING: st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=20),
}
PARTS = st.text("abcXYZ019-饼干", min_size=1, max_size=8)
"""Elements of joined lists: without separators, and without blanks at the ends, which are not kept."""
MONEY = st.builds(
    lambda units, nanos: {"currency_code": "CNY", "units": units, "nanos": nanos},
    st.integers(0, 2**63 - 1),
    st.integers(0, 10**9 - 1),
)
FEN = st.builds(
    lambda fen: {"currency_code": "CNY", "units": fen // 100, "nanos": fen % 100 * 10**7},
    st.integers(0, 2**63 - 1),
)
"""What travels as a whole number of fen, up to 1688's largest Long."""
LONGS = st.integers(0, 2**63 - 1).map(str)
"""Ids that 1688 takes as a Long."""
MOMENTS = st.builds(lambda seconds: {"seconds": seconds}, st.integers(0, 253_402_214_400))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10)
    | st.sampled_from(
        ["true", "0", "1e999", "9" * 50, "[1", '{"a":', "2026-13-01 00:00:00", " ", "null", "{}"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def message(descriptor: Descriptor, dialect: Dialect) -> st.SearchStrategy[Message]:
    """Return messages with any of the fields that the dialect has a member for."""
    kind = GetMessageClass(descriptor)
    values = {
        each.descriptor.name: _value(each, dialect)
        for each in fields(descriptor, dialect)
        if not each.wire.unmapped and _stands_free(each.descriptor)
    }
    return st.fixed_dictionaries({}, optional=values).map(lambda drawn: kind(**drawn))


def _stands_free(descriptor: FieldDescriptor) -> bool:
    """Say whether a field can be set beside all others; of a oneof, only its first field is drawn."""
    oneof = descriptor.containing_oneof
    return oneof is None or oneof.fields[0] is descriptor


def _value(each, dialect: Dialect) -> st.SearchStrategy:
    descriptor, form = each.descriptor, each.wire.encoding
    if descriptor.message_type is not None:
        money = FEN if form == upstream_v1.ENCODING_FEN else MONEY
        element: st.SearchStrategy[Any] | None = {
            "google.type.Money": money,
            "google.protobuf.Timestamp": MOMENTS,
        }.get(descriptor.message_type.full_name)
        if element is None:
            element = message(descriptor.message_type, dialect)
        if form == upstream_v1.ENCODING_PAIR_TEXT:
            kind = GetMessageClass(descriptor.message_type)
            element = st.builds(lambda order: kind(field="rePurchaseRate", order=order), st.integers(1, 2))
    elif descriptor.enum_type is not None:
        element = st.sampled_from([value.number for value in descriptor.enum_type.values if value.number])
    elif form in (upstream_v1.ENCODING_COMMA_JOINED, upstream_v1.ENCODING_SEMICOLON_JOINED):
        element = PARTS if descriptor.type == FieldDescriptor.TYPE_STRING else SCALARS[descriptor.type]
    elif form == upstream_v1.ENCODING_NUMBER:
        element = LONGS
    elif each.wire.max_len:
        element = st.text("abcdef09", min_size=1, max_size=each.wire.max_len)
    else:
        element = SCALARS[descriptor.type]
    return st.lists(element, max_size=3) if descriptor.is_repeated else element


def enveloped(payload: object, operation: Operation, method) -> object:
    """Return a payload as 1688 would wrap it in this operation and dialect."""
    body: dict[str, Any] = {"success": True}
    path = _path(method.GetOptions().Extensions[upstream_v1.operation], operation.dialect)
    if path:
        body[path] = payload
    elif isinstance(payload, list):
        return payload
    else:
        body.update(cast("dict[str, Any]", payload))
    return {"result": body} if operation.dialect is Dialect.OPEN_PLATFORM else body


def _path(option: upstream_v1.Operation, dialect: Dialect) -> str:
    block = option.national_site if dialect is Dialect.NATIONAL_SITE else option.open_platform
    return block.payload or option.payload


@EVERY_OPERATION
@ENOUGH
@given(data=st.data())
def test_a_response_survives_1688s_json(method, dialect, operation, data) -> None:
    """What a writer of 1688's form makes of a response, the decoder turns back into it."""
    response = data.draw(message(method.output_type, dialect))
    written = message_writer(method.output_type, dialect, JsonDates.TEXT)(
        response, "", writing := EncodeContext()
    )
    assert (writing.invalid, writing.refused) == ([], [])
    payload = written.get(".", written)
    option = method.GetOptions().Extensions[upstream_v1.operation]
    if not any(each.read for each in fields(method.output_type, dialect)):
        payload = True if option.payload else {}  # a verdict, or the flag alone
    elif _says_too_little(payload, method, dialect):
        with pytest.raises(UpstreamUnreadable):
            _decode(operation, parse(json.dumps(enveloped(payload, operation, method))))
        return
    elif "." not in written and any("." in each.read for each in fields(method.output_type, dialect)):
        return  # no payload at all: another test's matter
    reply = parse(json.dumps(enveloped(payload, operation, method)))
    if isinstance(payload, str) and payload.lower() in ("0", "", "true", "false"):
        with pytest.raises(UpstreamRefused):  # what stands for a failed upload, or is a verdict and no id
            _decode(operation, reply)
        return
    decoded = _decode(operation, reply)
    assert decoded.unreadable == ()
    assert type(response).FromString(decoded.response) == response


def _says_too_little(payload: object, method, dialect: Dialect) -> bool:
    """Whether an answer lacks what it cannot do without, or holds nothing to tell it from a refusal by."""
    if not isinstance(payload, dict):
        return False
    option = method.GetOptions().Extensions[upstream_v1.operation]
    needed = [each.name for each in fields(method.output_type, dialect) if each.wire.required]
    blank = [name for name, value in payload.items() if value in NOTHING]
    flat = not _path(option, dialect) and not option.may_be_empty
    return (flat and len(blank) == len(payload)) or any(
        name in blank or name not in payload for name in needed
    )


def _decode(operation: Operation, reply: object):
    request = operation.request()
    if "currency" in operation.request.DESCRIPTOR.fields_by_name:
        request.currency = "CNY"
    return operation.decode(reply, request)


@pytest.mark.parametrize(
    ("method", "dialect"),
    # Pictures are written and never read: no reply of 1688 holds bytes.
    [param.values[:2] for param in OPERATIONS if param.values[0].name not in PICTURES],
    ids=[param.id for param in OPERATIONS if param.values[0].name not in PICTURES],
)
@ENOUGH
@given(data=st.data())
def test_a_request_survives_1688s_parameters(method, dialect, data) -> None:
    """What is written of a request can be read back: nothing is lost or bent on the way."""
    request = data.draw(message(method.input_type, dialect))
    written = message_writer(method.input_type, dialect, JsonDates.TEXT)(
        request, "", writing := EncodeContext()
    )
    assert (writing.invalid, writing.refused) == ([], [])
    for each in fields(method.input_type, dialect):
        if each.wire.encoding == upstream_v1.ENCODING_PAIR_TEXT or (
            each.wire.default and not request.HasField(each.descriptor.name)
            if each.descriptor.has_presence
            else each.wire.default and not getattr(request, each.descriptor.name)
        ):
            written.pop(each.name, None)
            request.ClearField(each.descriptor.name)
    read = message_reader(method.input_type, dialect)
    assert type(request).FromString(read(parse(json.dumps(written)), reading := DecodeContext())) == request
    assert reading.unreadable == []


@EVERY_OPERATION
@ENOUGH
@given(data=st.data())
def test_any_reply_is_read_or_refused(method, dialect, operation, data) -> None:
    """Mutated replies raise nothing but the adapter's own errors, and leave a readable response."""
    response = data.draw(message(method.output_type, dialect))
    written = message_writer(method.output_type, dialect, JsonDates.TEXT)(response, "", EncodeContext())
    reply = enveloped(written.get(".", written), operation, method)
    mutated = parse(json.dumps(_mutated(reply, data)))
    try:
        decoded = _decode(operation, mutated)
    except NationalsiteError:
        return
    type(response).FromString(decoded.response)


def _mutated(value: object, data: st.DataObject) -> object:
    if data.draw(st.integers(0, 7)) == 0:
        return data.draw(JSON)
    if isinstance(value, dict):
        return {name: _mutated(inner, data) for name, inner in value.items()}
    if isinstance(value, list):
        return [_mutated(inner, data) for inner in value]
    return value


@EVERY_OPERATION
@ENOUGH
@given(data=st.data())
def test_any_request_is_written_or_refused(method, dialect, operation, data) -> None:
    """Whatever a request's bytes hold, encoding answers with texts or names the field."""
    kind = operation.request
    request = data.draw(message(method.input_type, dialect))
    request.MergeFromString(data.draw(st.just(b"") | st.just(kind().SerializeToString())))
    try:
        calls = operation.encode(request)
    except RequestError as refused:
        fields_named = [violation.field for violation in refused.violations]
    else:
        fields_named = ["none is wrong"]
        assert all(isinstance(text, str) for call in calls for text in call.form.values())
    assert all(fields_named)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_parsing_raises_nothing_but_value_errors(body: bytes) -> None:
    """Whatever bytes come, they parse exactly or raise ValueError."""
    try:
        value = parse(body)
    except ValueError:
        return
    assert not isinstance(value, float)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_decimals_stay_exact(number: Decimal) -> None:
    """A number with a fraction never passes through a float."""
    assert parse(f'{{"a": {number:f}}}') == {"a": number}
