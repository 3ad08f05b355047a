"""Properties of the codec: messages survive a round trip, and any reply is decoded or is an error."""

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

from services.adapter.codec import Dialect, JsonDates, Operation, parse
from services.adapter.codec.decoder import MessageDecoder, find_value_field
from services.adapter.codec.encoder import EncodeContext, MessageEncoder
from services.adapter.codec.response_content import Content, ResponseContent, is_blank_json
from services.adapter.codec.scalar_decoders import DecodeContext
from services.adapter.codec.schema import PAYLOAD, resolve_derived_fields, resolve_fields
from services.errors import NationalsiteError, RequestError, UpstreamRefused, UpstreamUnreadable
from tests.support.compiled_operations import compile_once
from tests.support.sample_cases import SERVICES, UPSTREAM_METHODS, response_cases
from tools.reference.reachability import reachable_messages

OPERATIONS = [
    pytest.param(method, dialect, compile_once(service, dialect)[method.name], id=f"{method.name}-{dialect}")
    for service in SERVICES.values()
    for method in service.methods
    if method.name in UPSTREAM_METHODS
    for dialect in Dialect
]
SETTINGS = settings(max_examples=int(os.environ.get("EXAMPLES", "6")), deadline=None)
"""Examples of each property and operation; `make test-slow` takes more of them."""
IMAGE_UPLOADS = ("UploadImage", "UploadRefundVoucher")
EVERY_OPERATION = pytest.mark.parametrize(("method", "dialect", "operation"), OPERATIONS)


def is_encodable(method: Any, dialect: Dialect) -> bool:
    """Whether the encoder can write the responses: it knows no paths, and none of the options of objects."""
    messages = list(reachable_messages(method.output_type))
    fields = [field for message in messages for field in resolve_fields(message, dialect)]
    return not any(resolve_derived_fields(message, dialect) for message in messages) and not any(
        field.mapping.no_value
        or field.mapping.or_enclosing
        or any("." in name for name in field.read_names if name != PAYLOAD)
        for field in fields
    )


ENCODABLE = [param for param in OPERATIONS if is_encodable(*param.values[:2])]
ENCODABLE_OPERATIONS = pytest.mark.parametrize(("method", "dialect", "operation"), ENCODABLE)
BODIES = {
    name: [case.body for case in response_cases() if case.rpc == name and case.error is None]
    for name in {param.values[0].name for param in OPERATIONS if param not in ENCODABLE}
}
"""Responses of the other operations."""

SCALARS = {
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    # Zero has no sign: the codec reads -0 as 0.
    FieldDescriptor.TYPE_DOUBLE: st.floats(-1e30, 1e30).map(
        lambda number: number if abs(number) > 1e-30 else 0.0
    ),
    FieldDescriptor.TYPE_STRING: st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=20),
}
PARTS = st.text("abcXYZ019-饼干", min_size=1, max_size=8)
"""Elements of joined lists: without separators, and without blanks at the ends, which are stripped."""
MONEY = st.builds(
    lambda units, nanos: {"currency_code": "CNY", "units": units, "nanos": nanos},
    st.integers(0, 2**63 - 1),
    st.integers(0, 10**9 - 1),
)
FEN = st.builds(
    lambda fen: {"currency_code": "CNY", "units": fen // 100, "nanos": fen % 100 * 10**7},
    st.integers(0, 2**63 - 1),
)
"""Amounts that are sent as a whole number of fen, up to 1688's largest Long."""
LONGS = st.integers(0, 2**63 - 1).map(str)
"""Ids that 1688 accepts as a Long."""
DECIMALS = st.integers(0, 10**12).map(lambda number: {"value": str(number)})
"""Quantities without a fraction: the json module cannot write a Decimal."""
TIMESTAMPS = st.builds(lambda seconds: {"seconds": seconds}, st.integers(0, 253_402_214_400))
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
    """Return messages with any fields that have a member in the dialect."""
    kind = GetMessageClass(descriptor)
    values = {
        field.descriptor.name: _value(field, dialect)
        for field in resolve_fields(descriptor, dialect)
        if not field.mapping.unmapped and _is_first_of_oneof(field.descriptor)
    }
    return st.fixed_dictionaries({}, optional=values).map(lambda drawn: kind(**drawn))


def _is_first_of_oneof(descriptor: FieldDescriptor) -> bool:
    """Whether a field is in no oneof, or the first one there: only one field of a oneof can be set."""
    oneof = descriptor.containing_oneof
    return oneof is None or oneof.fields[0] is descriptor


def _value(field, dialect: Dialect) -> st.SearchStrategy:
    descriptor, form = field.descriptor, field.mapping.encoding
    if descriptor.message_type is not None:
        money = FEN if form == upstream_v1.ENCODING_FEN else MONEY
        element: st.SearchStrategy[Any] | None = {
            "google.type.Money": money,
            "google.protobuf.Timestamp": TIMESTAMPS,
            "google.type.Decimal": DECIMALS,
        }.get(descriptor.message_type.full_name)
        if element is None:
            element = message(descriptor.message_type, dialect)
            if find_value_field(descriptor.message_type, dialect):
                element = element.filter(lambda drawn: drawn.ListFields())  # an element without value is none
        if form == upstream_v1.ENCODING_PAIR_TEXT:
            kind = GetMessageClass(descriptor.message_type)
            element = st.builds(lambda order: kind(field="rePurchaseRate", order=order), st.integers(1, 2))
    elif descriptor.enum_type is not None:
        element = st.sampled_from([value.number for value in descriptor.enum_type.values if value.number])
    elif form in (upstream_v1.ENCODING_COMMA_JOINED, upstream_v1.ENCODING_SEMICOLON_JOINED):
        element = PARTS if descriptor.type == FieldDescriptor.TYPE_STRING else SCALARS[descriptor.type]
    elif form == upstream_v1.ENCODING_NUMBER:
        element = LONGS
    elif field.mapping.max_len:
        element = st.text("abcdef09", min_size=1, max_size=field.mapping.max_len)
    else:
        element = SCALARS[descriptor.type]
    return st.lists(element, max_size=3) if descriptor.is_repeated else element


def wrap_in_envelope(payload: object, operation: Operation, method) -> object:
    """Return a payload as 1688 would wrap it in this operation and dialect."""
    body: dict[str, Any] = {"success": True}
    path = _payload_path(method.GetOptions().Extensions[upstream_v1.operation], operation.dialect)
    if path:
        first, *others = path.split(".")
        for name in reversed(others):
            payload = {name: payload}
        body[first] = payload
    elif isinstance(payload, list):
        return payload
    else:
        body.update(cast("dict[str, Any]", payload))
    return {"result": body} if operation.dialect is Dialect.OPEN_PLATFORM else body


def _unwrap(value: Any) -> Any:
    """Return JSON in which the elements that hold one value are that value."""
    if isinstance(value, dict):
        return _unwrap(value["."]) if "." in value else {name: _unwrap(each) for name, each in value.items()}
    return [_unwrap(each) for each in value] if isinstance(value, list) else value


def _payload_path(option: upstream_v1.Operation, dialect: Dialect) -> str:
    block = option.national_site if dialect is Dialect.NATIONAL_SITE else option.open_platform
    return block.payload or option.payload


def encode(message: Message, dialect: Dialect) -> dict[str, object]:
    """Return the members of a message that has no invalid and no unsupported field."""
    context = EncodeContext()
    members = MessageEncoder(message.DESCRIPTOR, dialect, JsonDates.TEXT).encode(message, "", context)
    assert (context.invalid, context.unsupported) == ([], [])
    return members


@ENCODABLE_OPERATIONS
@SETTINGS
@given(data=st.data())
def test_response_round_trip(method, dialect, operation, data) -> None:
    """The decoder restores a response from the JSON that the encoder writes for it."""
    response = data.draw(message(method.output_type, dialect))
    members = encode(response, dialect)
    payload = _unwrap(members.get(".", members))
    option = method.GetOptions().Extensions[upstream_v1.operation]
    if not any(field.read_names for field in resolve_fields(method.output_type, dialect)):
        payload = True if option.payload else {}  # a boolean, or the flag alone
    elif (content := _find_content(response, payload, method, dialect)) is not Content.PRESENT:
        reply = parse(json.dumps(wrap_in_envelope(payload, operation, method)))
        maps_absence = any(mapping.payload == "null" for mapping in option.error_mappings)
        is_page = ResponseContent(method.output_type, dialect).is_page
        if content is Content.EMPTY:
            assert type(response).FromString(_decode(operation, reply).response) == response
        elif is_page and is_blank_json(payload):
            assert _decode(operation, reply).response == b""
        else:
            is_absent = maps_absence and is_blank_json(payload)
            with pytest.raises(UpstreamRefused if is_absent else UpstreamUnreadable):
                _decode(operation, reply)
        return
    elif "." not in members and any(
        "." in field.read_names for field in resolve_fields(method.output_type, dialect)
    ):
        return  # no payload at all
    reply = parse(json.dumps(wrap_in_envelope(payload, operation, method)))
    if isinstance(payload, str) and payload.lower() in ("0", "", "true", "false"):
        # a failed upload, or a boolean instead of an id
        with pytest.raises((UpstreamRefused, UpstreamUnreadable)):
            _decode(operation, reply)
        return
    decoded = _decode(operation, reply)
    assert decoded.unreadable == ()
    assert type(response).FromString(decoded.response) == response


@pytest.mark.parametrize(
    ("method", "dialect", "operation"),
    [param.values for param in ENCODABLE if param.values[2].may_be_partial],
    ids=[param.id for param in ENCODABLE if param.values[2].may_be_partial],
)
@SETTINGS
@given(data=st.data())
def test_content_beside_a_false_flag(method, dialect, operation, data) -> None:
    """A rejected response with content is decoded, and has a rejection. Without content it is an error."""
    response = data.draw(message(method.output_type, dialect))
    payload = _unwrap(encode(response, dialect))
    where = data.draw(st.sampled_from(["beside the flag", "in a result", "beside the envelope"]))
    flag = {"success": False, "errorCode": "E1"}
    reply = {
        "beside the flag": flag | payload,
        "in a result": flag | {"result": payload},
        "beside the envelope": {"result": flag} | payload,
    }[where]
    id_field = response.DESCRIPTOR.fields[0].name
    text = json.dumps(reply)
    parsed = operation.parse(text.encode(), operation.request())
    if getattr(response, id_field) == "0":
        response.ClearField(id_field)
    if _find_content(response, payload, method, dialect) is not Content.PRESENT:
        with pytest.raises(UpstreamRefused):
            _decode(operation, parsed)
        return
    decoded = _decode(operation, parsed)
    assert decoded.rejection.code == "E1"
    assert type(response).FromString(decoded.response) == response


def _find_content(response: Message, payload: object, method, dialect: Dialect) -> Content:
    content = ResponseContent(method.output_type, dialect)
    payload_field = next(
        (field for field in resolve_fields(method.output_type, dialect) if "." in field.read_names), None
    )
    if payload_field and payload_field.descriptor.message_type is None and isinstance(payload, dict):
        return Content.PRESENT  # no payload at all
    return content.find(payload, response)


def _decode(operation: Operation, reply: object):
    request = operation.request()
    if "currency" in operation.request.DESCRIPTOR.fields_by_name:
        request.currency = "CNY"
    return operation.decode(reply, request)


@pytest.mark.parametrize(
    ("method", "dialect"),
    # Images are sent and never received: no reply of 1688 has bytes.
    [param.values[:2] for param in OPERATIONS if param.values[0].name not in IMAGE_UPLOADS],
    ids=[param.id for param in OPERATIONS if param.values[0].name not in IMAGE_UPLOADS],
)
@SETTINGS
@given(data=st.data())
def test_request_round_trip(method, dialect, data) -> None:
    """The decoder restores a request from the members that the encoder writes for it."""
    request = data.draw(message(method.input_type, dialect))
    members = encode(request, dialect)
    for field in resolve_fields(method.input_type, dialect):
        if (
            field.mapping.encoding in _ENCODING_ONLY
            or _is_mapped_enum(field)
            or (
                field.mapping.default and not request.HasField(field.descriptor.name)
                if field.descriptor.has_presence
                else field.mapping.default and not getattr(request, field.descriptor.name)
            )
        ):
            members.pop(field.upstream_name, None)
            request.ClearField(field.descriptor.name)
    decoded, context = type(request)(), DecodeContext()
    MessageDecoder(method.input_type, dialect).decode(parse(json.dumps(members)), decoded, context)
    assert decoded == request
    assert context.unreadable == []


_ENCODING_ONLY = (upstream_v1.ENCODING_PAIR_TEXT, upstream_v1.ENCODING_Y_OR_N)


def _is_mapped_enum(field) -> bool:
    """Whether a field is an enum that is sent as other words: the decoder does not know them."""
    return field.descriptor.enum_type is not None and bool(field.mapping.value_map)


@EVERY_OPERATION
@SETTINGS
@given(data=st.data())
def test_any_reply_is_decoded_or_an_error(method, dialect, operation, data) -> None:
    """A mutated reply raises only the adapter's own errors, or gives a valid response."""
    if method.name in BODIES:
        reply = json.loads(data.draw(st.sampled_from(BODIES[method.name])))
    else:
        response = data.draw(message(method.output_type, dialect))
        members = MessageEncoder(method.output_type, dialect, JsonDates.TEXT).encode(
            response, "", EncodeContext()
        )
        reply = wrap_in_envelope(_unwrap(members.get(".", members)), operation, method)
    mutated = parse(json.dumps(_mutated(reply, data)))
    try:
        decoded = _decode(operation, mutated)
    except NationalsiteError:
        return
    GetMessageClass(method.output_type).FromString(decoded.response)


def _mutated(value: object, data: st.DataObject) -> object:
    if data.draw(st.integers(0, 7)) == 0:
        return data.draw(JSON)
    if isinstance(value, dict):
        return {name: _mutated(inner, data) for name, inner in value.items()}
    if isinstance(value, list):
        return [_mutated(inner, data) for inner in value]
    return value


@EVERY_OPERATION
@SETTINGS
@given(data=st.data())
def test_any_request_is_encoded_or_rejected(method, dialect, operation, data) -> None:
    """Encoding any request returns texts, or raises an error that names the fields."""
    kind = operation.request
    request = data.draw(message(method.input_type, dialect))
    request.MergeFromString(data.draw(st.just(b"") | st.just(kind().SerializeToString())))
    try:
        texts = [text for call in operation.encode(request) for text in call.form.values()]
    except RequestError as error:
        texts = [violation.field for violation in error.violations]
        assert all(texts)  # either outcome is right
    assert all(isinstance(text, str) for text in texts)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_parsing_raises_only_value_errors(body: bytes) -> None:
    """Any bytes are parsed exactly, or raise ValueError."""
    try:
        value = parse(body)
    except ValueError:
        return
    assert not isinstance(value, float)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_decimals_stay_exact(number: Decimal) -> None:
    """A number with a fraction is never converted to a float."""
    assert parse(f'{{"a": {number:f}}}') == {"a": number}
