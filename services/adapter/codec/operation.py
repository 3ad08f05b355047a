"""Compiles an RPC's descriptors, in one dialect, to an encoder of requests and a decoder of responses."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from nationalsite.upstream.v1 import Operation as OperationOption

from services.adapter.codec.decoder import (
    EMPTY_VALUES,
    FieldDecoder,
    MessageDecoder,
    build_field_decoder,
    get_member_names,
)
from services.adapter.codec.encoder import (
    EncodeContext,
    File,
    JsonDates,
    LookupTables,
    Members,
    MessageEncoder,
)
from services.adapter.codec.envelope import PayloadKind, PayloadReader
from services.adapter.codec.fast_decoder import build_fast_decoder
from services.adapter.codec.option_checks import NO_OPERATION, SchemaError
from services.adapter.codec.scalar_decoders import DecodeContext
from services.adapter.codec.schema import (
    LOOKUPS,
    PAYLOAD,
    Dialect,
    Idempotency,
    find_unused_local_fields,
    get_idempotency,
    resolve_fields,
    resolve_operation,
)
from services.adapter.codec.tolerant_json import Json, dump, dump_bytes, parse
from services.errors import UpstreamUnreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The parameters of one call, without the system parameters."""

    form: Mapping[str, str]
    """Form fields, not URL-encoded."""
    files: Mapping[str, bytes]
    """File parts. With any of them the call is multipart."""
    dropped_fields: tuple[str, ...]
    """Paths of request fields that are set and not sent, since the dialect has no member for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeResult:
    """A decoded response."""

    response: bytes
    """The serialized response message."""
    unreadable: tuple[str, ...]
    """Paths of the fields that could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One RPC in one dialect."""

    rpc: str
    request: type[Message]
    """The class of the request."""
    dialect: Dialect
    idempotency: Idempotency
    api_id: str
    """1688's id `namespace:name-version`. Empty if the RPC is local, or unsupported in this dialect."""
    local: bool
    """Whether a handler of the service handles the RPC in this dialect, which has no operation for it."""
    anonymous: bool
    """Whether no access token is sent."""
    local_fields: frozenset[str]
    """Paths of the request fields that are neither sent nor used to fill another field."""
    encode: Callable[[Message], tuple[Parameters, ...]]
    """Returns the parameters of one call; if the option `fan_out` names a field, of one per element.

    Raises RequestError."""
    parse: Callable[[bytes, Message], Json | DecodeResult]
    """Parses the text of a response, and decodes it if it is as documented. Raises ValueError."""
    decode: Callable[[Json | DecodeResult, Message], DecodeResult]
    """Decodes a parsed response to a request. Raises UpstreamRefused and UpstreamUnreadable, nothing else."""

    @property
    def is_read_only(self) -> bool:
        """Whether a call has no side effects."""
        return self.idempotency is Idempotency.NO_SIDE_EFFECTS

    @property
    def is_idempotent(self) -> bool:
        """Whether a call may be made twice with the effect of one."""
        return self.idempotency is not Idempotency.NON_IDEMPOTENT


def compile_service(
    service: ServiceDescriptor,
    dialect: Dialect,
    *,
    dialect_overrides: Mapping[str, Dialect] | None = None,
    dates: JsonDates = JsonDates.TEXT,
    lookups: LookupTables = LOOKUPS,
) -> dict[str, Operation]:
    """Compile every RPC of a service; `dialect_overrides` are RPCs with another dialect.

    Raises SchemaError with a line for each problem in the protos.
    """
    dialect_overrides = dialect_overrides or {}
    operations: dict[str, Operation] = {}
    problems: list[str] = []
    for method in service.methods:
        try:
            method_dialect = dialect_overrides.get(method.name, dialect)
            operations[method.name] = compile_operation(method, method_dialect, dates=dates, lookups=lookups)
        except SchemaError as error:
            problems += error.lines
    if problems:
        raise SchemaError(*dict.fromkeys(problems))
    return operations


def compile_operation(
    method: MethodDescriptor, dialect: Dialect, *, dates: JsonDates, lookups: LookupTables = LOOKUPS
) -> Operation:
    """Compile one RPC."""
    options = resolve_operation(method, dialect)
    is_upstream = any(resolve_operation(method, each_dialect).api for each_dialect in Dialect)
    return Operation(
        rpc=method.name,
        request=GetMessageClass(method.input_type),
        dialect=dialect,
        idempotency=get_idempotency(method),
        api_id="" if options.local or options.api == NO_OPERATION else options.api,
        local=options.local,
        anonymous=options.no_access_token,
        local_fields=frozenset() if options.local else find_unused_local_fields(method.input_type, dialect),
        encode=(
            _build_encoder(method.input_type, options, dialect, dates, lookups)
            if is_upstream
            else _encode_nothing
        ),
        parse=_build_parser(method.output_type, options, dialect) if is_upstream else _parse,
        decode=_ResponseDecoder(method, options, dialect).decode if is_upstream else _decode_nothing,
    )


def _encode_nothing(request: Message) -> tuple[Parameters, ...]:
    """Encode a request of an RPC that is not an operation of 1688 in any dialect."""
    return ()


def _decode_nothing(response: Json | DecodeResult, request: Message) -> DecodeResult:
    raise UpstreamUnreadable("1688 has no such operation")


def _build_encoder(
    request: Descriptor, options: OperationOption, dialect: Dialect, dates: JsonDates, lookups: LookupTables
) -> Callable[[Message], tuple[Parameters, ...]]:
    fan_out, param = options.fan_out, options.param
    element = request.fields_by_name[fan_out].message_type if fan_out else None
    encoder = MessageEncoder(element or request, dialect, dates, lookups=lookups, in_json=bool(param))

    def encode(message: Message) -> tuple[Parameters, ...]:
        context = EncodeContext()
        calls = []
        for index, part in enumerate(getattr(message, fan_out) if fan_out else (message,)):
            members = encoder.encode(part, f"{fan_out}[{index}]." if fan_out else "", context)
            form, files = _split_files(param, members)
            calls.append(Parameters(form=form, files=files, dropped_fields=tuple(context.dropped_fields)))
            context.dropped_fields.clear()
        context.check()
        return tuple(calls)

    return encode


def _split_files(param: str, members: Members) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return form fields and file parts."""
    files = {name: value.content for name, value in members.items() if isinstance(value, File)}
    plain = {name: value for name, value in members.items() if name not in files}
    if not param:
        return {name: _to_form_text(value) for name, value in plain.items()}, files
    text = dump_bytes(plain)
    del members, plain  # they may hold an image: free it before the text is copied
    return {param: text.decode()}, files


def _to_form_text(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value if isinstance(value, str) else dump(value)


def _build_parser(
    response: Descriptor, options: OperationOption, dialect: Dialect
) -> Callable[[bytes, Message], Json | DecodeResult]:
    """Return a function that decodes a response if it is as documented, and parses any other."""
    decode_fast = build_fast_decoder(response, options.payload, dialect)
    if decode_fast is None:
        return _parse

    def decode_or_parse(text: bytes, request: Message) -> Json | DecodeResult:
        response = decode_fast(text, _get_currency(request))
        return parse(text) if response is None else DecodeResult(response=response, unreadable=())

    return decode_or_parse


def _parse(text: bytes, _: Message) -> Json:
    return parse(text)


def _get_currency(request: Message) -> str:
    currency: str = getattr(request, "currency", "")
    return currency


class _ResponseDecoder:
    """Decodes the parsed responses of one operation."""

    def __init__(self, method: MethodDescriptor, options: OperationOption, dialect: Dialect) -> None:
        response = method.output_type
        self._response_class = GetMessageClass(response)
        self._decode_payload, kind, members = _build_payload_decoder(response, options, dialect)
        other_path = resolve_operation(method, dialect.other).payload
        self._payload_reader = PayloadReader(options, kind, other_path=other_path, members=members)

    def decode(self, response: Json | DecodeResult, request: Message) -> DecodeResult:
        if isinstance(response, DecodeResult):
            return response
        payload = self._payload_reader.read(response)
        context = DecodeContext(currency=_get_currency(request))
        message = self._response_class()
        if payload is not None:
            self._decode_payload(payload, message, context)
        return DecodeResult(response=message.SerializeToString(), unreadable=tuple(context.unreadable))


def _build_payload_decoder(
    response: Descriptor, options: OperationOption, dialect: Dialect
) -> tuple[FieldDecoder, PayloadKind, frozenset[str]]:
    """Return the decoder of the payload, the payload's JSON kind, and the names of its members."""
    fields = [field for field in resolve_fields(response, dialect) if field.read_names]
    if not fields:
        return _ignore_payload, PayloadKind.BOOLEAN if options.payload else PayloadKind.NONE, frozenset()
    payload_field = next((field for field in fields if PAYLOAD in field.read_names), None)
    if payload_field is None:
        return _ObjectDecoder(response, dialect), PayloadKind.OBJECT, get_member_names(response, dialect)
    message = payload_field.descriptor.message_type
    if payload_field.descriptor.is_repeated:
        kind = PayloadKind.LIST
    else:
        kind = PayloadKind.TEXT if message is None else PayloadKind.OBJECT
    members = frozenset() if message is None else get_member_names(message, dialect)
    return build_field_decoder(payload_field, dialect, payload_field.descriptor.name), kind, members


class _ObjectDecoder:
    """Decodes a payload whose members are the fields of the response."""

    def __init__(self, response: Descriptor, dialect: Dialect) -> None:
        self._decoder = MessageDecoder(response, dialect)
        self._required = [field for field in resolve_fields(response, dialect) if field.mapping.required]

    def __call__(self, payload: Json, response: Message, context: DecodeContext, /) -> None:
        if not isinstance(payload, dict):
            raise UpstreamUnreadable("1688's response is not an object")
        for field in self._required:
            if all(payload.get(name) in EMPTY_VALUES for name in field.read_names):
                raise UpstreamUnreadable(f"1688's response has no {field.descriptor.name}")
        self._decoder.decode(payload, response, context)


def _ignore_payload(payload: Json, response: Message, context: DecodeContext) -> None:
    """Decode a payload without content: success is the whole response."""
