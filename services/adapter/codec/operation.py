"""Compiles an RPC's descriptors, in one dialect, to an encoder of requests and a decoder of responses."""

import base64
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter

import msgspec
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from nationalsite.upstream.v1 import Operation as OperationOption

from services.adapter.codec.decoder import (
    FieldDecoder,
    MessageDecoder,
    build_field_decoder,
    get_member_names,
)
from services.adapter.codec.dropped_fields import DroppedFieldFinder
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
from services.adapter.codec.image_chunks import Base64Chunks, JsonChunks, is_large_image
from services.adapter.codec.member_comparison import MemberComparer, MemberDifferences
from services.adapter.codec.option_checks import NO_OPERATION, SchemaError
from services.adapter.codec.response_content import Content, ResponseContent
from services.adapter.codec.scalar_decoders import DecodeContext
from services.adapter.codec.schema import (
    LOOKUPS,
    PAYLOAD,
    Dialect,
    Idempotency,
    find_handler_fields,
    get_idempotency,
    resolve_fields,
    resolve_operation,
)
from services.adapter.codec.tolerant_json import MAX_VALUES, Json, dump, has_more_values, parse
from services.adapter.form_value import FormValue
from services.errors import ErrorOrigin, UpstreamRefused, UpstreamUnreadable


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of one call, without those of the gateway client: token, timestamp, signature."""

    form: Mapping[str, FormValue]
    """Form fields, not yet URL-encoded."""
    files: Mapping[str, bytes]
    """File parts. If there are any, the call is sent as multipart/form-data."""


class DecodeResult(msgspec.Struct, frozen=True, kw_only=True):
    """A decoded response."""

    response: bytes
    """The serialized response message."""
    unreadable: tuple[str, ...]
    """Paths of the fields that could not be read."""
    rejection: UpstreamRefused | None = None
    """The error of a call that 1688 rejected, if the response still has content: see `may_be_partial`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """How one RPC is handled in one dialect: most RPCs call one operation of 1688.

    An RPC that calls no operation also has an instance of this class, with an empty `api_id`.
    """

    rpc: str
    request: type[Message]
    """The class of the request."""
    dialect: Dialect
    idempotency: Idempotency
    api_id: str
    """1688's id `namespace:name-version`. Empty if the RPC is local, or unsupported in this dialect."""
    is_upstream: bool
    """Whether 1688 has an operation for the RPC in either dialect."""
    origin: ErrorOrigin
    """The origin of the RPC's errors."""
    local: bool
    """Whether a handler of the service handles the RPC in this dialect, which has no operation for it."""
    anonymous: bool
    """Whether no access token is sent."""
    may_be_partial: bool
    """Whether a response that 1688 rejects can have content: it then has a `rejection`."""
    local_fields: frozenset[str]
    """Paths of the local request fields that the codec does not use: a handler or an interceptor uses them.

    A local field that the encoder copies into another one (option `filled_from`) is not among them."""
    find_dropped_fields: DroppedFieldFinder
    """Returns the paths of the request fields that are set and not sent, since the dialect drops them."""
    encode: Callable[[Message], tuple[Parameters, ...]]
    """Returns the parameters of each call: of one, or of one for each element of the field in `fan_out`.

    Raises RequestError."""
    parse: Callable[[bytes, Message], Json | DecodeResult]
    """First step: decodes the text of a response if it is exactly as documented; else only parses the JSON.

    The message is the request. Raises ValueError."""
    decode: Callable[[Json | DecodeResult, Message], DecodeResult]
    """Second step: decodes what `parse` returned for the same request, unless it is decoded already.

    Raises UpstreamRefused and UpstreamUnreadable, nothing else."""
    build_rejection: Callable[[str, str], UpstreamRefused]
    """Returns the error of a part of a response that 1688 rejected, by its code and text."""
    compare_members: Callable[[Json], MemberDifferences]
    """Compares the names in a parsed response that `decode` accepts with those of the protos.

    Raises UpstreamRefused, also for a response with a rejection, and UpstreamUnreadable."""

    @property
    def is_read_only(self) -> bool:
        """Whether a call has no side effects."""
        return self.idempotency is Idempotency.NO_SIDE_EFFECTS

    @property
    def is_idempotent(self) -> bool:
        """Whether two equal calls have the same effect as one."""
        return self.idempotency is not Idempotency.NON_IDEMPOTENT


def compile_service(
    service: ServiceDescriptor,
    dialect: Dialect,
    *,
    dialect_overrides: Mapping[str, Dialect] | None = None,
    dates: JsonDates = JsonDates.TEXT,
    lookups: LookupTables = LOOKUPS,
    turned_off: Collection[str] = (),
) -> dict[str, Operation]:
    """Compile every RPC of a service; `dialect_overrides` maps an RPC's name to another dialect.

    `turned_off` has the API ids of operations that are treated as if the dialect had none. Raises SchemaError
    with a line for each problem in the protos.
    """
    dialect_overrides = dialect_overrides or {}
    operations: dict[str, Operation] = {}
    problems: list[str] = []
    for method in service.methods:
        try:
            method_dialect = dialect_overrides.get(method.name, dialect)
            operations[method.name] = compile_operation(
                method, method_dialect, dates=dates, lookups=lookups, turned_off=turned_off
            )
        except SchemaError as error:
            problems += error.lines
    if problems:
        raise SchemaError(*dict.fromkeys(problems))
    return operations


def compile_operation(
    method: MethodDescriptor,
    dialect: Dialect,
    *,
    dates: JsonDates,
    lookups: LookupTables = LOOKUPS,
    turned_off: Collection[str] = (),
) -> Operation:
    """Compile one RPC. Raises SchemaError."""
    options = resolve_operation(method, dialect)
    has_api = any(resolve_operation(method, each_dialect).api for each_dialect in Dialect)
    is_unsupported = options.local or options.api == NO_OPERATION or options.api in turned_off
    api_id = "" if is_unsupported else options.api
    decoder = _ResponseDecoder(method, options, dialect) if has_api else None
    return Operation(
        rpc=method.name,
        request=GetMessageClass(method.input_type),
        dialect=dialect,
        idempotency=get_idempotency(method),
        api_id=api_id,
        is_upstream=has_api,
        origin=ErrorOrigin(api_id or method.name, dialect) if has_api else ErrorOrigin(method.name),
        local=options.local,
        anonymous=options.no_access_token,
        may_be_partial=options.may_be_partial,
        local_fields=frozenset() if options.local else find_handler_fields(method.input_type, dialect),
        find_dropped_fields=DroppedFieldFinder(method.input_type, dialect),
        encode=(
            _build_encoder(method.input_type, options, dialect, dates, lookups)
            if has_api
            else _encode_nothing
        ),
        parse=_build_parser(method, options, dialect) if has_api else _parse,
        decode=decoder.decode if decoder else _decode_nothing,
        build_rejection=decoder.build_rejection if decoder else _reject_nothing,
        compare_members=decoder.compare_members if decoder else _compare_nothing,
    )


def _encode_nothing(request: Message) -> tuple[Parameters, ...]:
    """Return no calls, for an RPC that has an operation of 1688 in neither dialect."""
    return ()


def _decode_nothing(response: Json | DecodeResult, request: Message) -> DecodeResult:
    raise UpstreamUnreadable("1688 has no such operation")


def _reject_nothing(code: str, text: str) -> UpstreamRefused:
    raise UpstreamUnreadable("1688 has no such operation")


def _compare_nothing(response: Json) -> MemberDifferences:
    return MemberDifferences(unknown=(), absent=())


def _build_encoder(
    request: Descriptor, options: OperationOption, dialect: Dialect, dates: JsonDates, lookups: LookupTables
) -> Callable[[Message], tuple[Parameters, ...]]:
    fan_out, param, constants = options.fan_out, options.param, dict(options.constants)
    payload = _find_payload_field(request, dialect)
    part_name = fan_out or payload
    element = request.fields_by_name[part_name].message_type if part_name else None
    encoder = MessageEncoder(element or request, dialect, dates, lookups=lookups, in_json=bool(param))
    has_bytes = any(field.type == FieldDescriptor.TYPE_BYTES for field in (element or request).fields)

    def split(message: Message) -> Iterable[tuple[str, Message]]:
        """Return the message of each call, and its path."""
        if fan_out:
            return [(f"{fan_out}[{i}].", part) for i, part in enumerate(getattr(message, fan_out))]
        return [(f"{payload}.", getattr(message, payload))] if payload else [("", message)]

    def build_form(members: Members) -> tuple[dict[str, FormValue], dict[str, bytes]]:
        """Return form fields and file parts."""
        if has_bytes:
            return _split_files(param, members)
        return {param: dump(members)} if param else _to_form_values(members), {}

    def encode(message: Message) -> tuple[Parameters, ...]:
        context = EncodeContext()
        calls = []
        for prefix, part in split(message):
            members = encoder.encode(part, prefix, context)
            form, files = build_form(members)
            calls.append(Parameters(form=constants | form, files=files))
        context.check()
        return tuple(calls)

    return encode


def _find_payload_field(request: Descriptor, dialect: Dialect) -> str:
    """Return the name of the field that holds the entire payload, or an empty string. Raises SchemaError."""
    mapped = [field for field in resolve_fields(request, dialect) if not field.mapping.unmapped]
    found = next((field.descriptor for field in mapped if field.upstream_name == PAYLOAD), None)
    if found is None:
        return ""
    if len(mapped) > 1 or found.message_type is None or found.is_repeated:
        raise SchemaError(f"{found.full_name}: '.' must be a message, and the only mapped field")
    return str(found.name)


def _split_files(param: str, members: Members) -> tuple[dict[str, FormValue], dict[str, bytes]]:
    """Return form fields and file parts. If `param` is set, one form field of this name has all the JSON."""
    files = {name: value.content for name, value in members.items() if isinstance(value, File)}
    plain = {name: value for name, value in members.items() if name not in files}
    if not param:
        return _to_form_values(plain), files
    has_large_image = any(map(is_large_image, plain.values()))
    return {param: JsonChunks(plain) if has_large_image else dump(plain)}, files


def _to_form_values(members: Members) -> dict[str, FormValue]:
    return {
        name: value if isinstance(value, str) else _to_form_value(value) for name, value in members.items()
    }


def _to_form_value(value: object) -> FormValue:
    if isinstance(value, bytes):
        return Base64Chunks(value) if is_large_image(value) else base64.b64encode(value).decode()
    return dump(value)


def _build_parser(
    method: MethodDescriptor, options: OperationOption, dialect: Dialect
) -> Callable[[bytes, Message], Json | DecodeResult]:
    """Return a function that decodes a response if it is as documented, and parses any other."""
    decode_fast = build_fast_decoder(method.output_type, options.payload, dialect)
    if decode_fast is None:
        return _parse
    get_currency = _build_currency_getter(method.input_type)

    def decode_or_parse(text: bytes, request: Message) -> Json | DecodeResult:
        if has_more_values(text, MAX_VALUES):
            raise ValueError("too many values")
        serialized = decode_fast(text, get_currency(request))
        return parse(text) if serialized is None else DecodeResult(response=serialized, unreadable=())

    return decode_or_parse


def _parse(text: bytes, _: Message) -> Json:
    return parse(text)


def _build_currency_getter(request: Descriptor) -> Callable[[Message], str]:
    """Return a function that returns the currency of a request, which is empty for most types of requests."""
    return attrgetter("currency") if "currency" in request.fields_by_name else lambda _: ""


class _ResponseDecoder:
    """Decodes the parsed responses of one operation."""

    def __init__(self, method: MethodDescriptor, options: OperationOption, dialect: Dialect) -> None:
        response = method.output_type
        self._get_currency = _build_currency_getter(method.input_type)
        self._response_class = GetMessageClass(response)
        self._decode_payload, kind, members = _build_payload_decoder(response, options, dialect)
        other_path = resolve_operation(method, dialect.other).payload
        content = ResponseContent(response, dialect)
        self._payload_reader = PayloadReader(
            options,
            kind,
            other_path=other_path,
            members=members,
            is_page=content.is_page,
            is_read_only=get_idempotency(method) is Idempotency.NO_SIDE_EFFECTS,
        )
        self._content = None if kind in (PayloadKind.BOOLEAN, PayloadKind.NONE) else content
        self._may_be_partial = options.may_be_partial
        self._comparer = MemberComparer(response, dialect, (options.payload, other_path))

    def decode(self, response: Json | DecodeResult, request: Message) -> DecodeResult:
        if isinstance(response, DecodeResult):
            return response
        try:
            payload, envelope = self._payload_reader.read(response)
        except UpstreamRefused as error:
            if self._may_be_partial and (partial := self._decode_anywhere(response, request, error)):
                return partial
            raise
        context = DecodeContext(currency=self._get_currency(request))
        message = self._response_class()
        content = Content.MISSING
        if payload is not None:
            self._decode_payload(payload, message, context)
            content = self._content.find(payload, message) if self._content else Content.PRESENT
        if content is not Content.PRESENT:
            # What a write has created may stand elsewhere in the response.
            if self._may_be_partial and (partial := self._decode_anywhere(response, request, None)):
                return partial
            self._payload_reader.check_content(response, envelope, content)
            if content is Content.MISSING:
                message.Clear()
        return DecodeResult(response=message.SerializeToString(), unreadable=tuple(context.unreadable))

    def _decode_anywhere(
        self, response: Json, request: Message, error: UpstreamRefused | None
    ) -> DecodeResult | None:
        """Decode a response wherever its content is; return None if it does not bring what it exists for.

        `error` is that of a response that 1688 rejected.
        """
        if self._content is None:
            return None
        context = DecodeContext(currency=self._get_currency(request))
        merged = self._response_class()
        for payload in self._payload_reader.find_all(response):
            message = self._response_class()
            self._decode_payload(self._content.drop_zeros(payload), message, context)
            for field, _ in merged.ListFields():  # the first object that has a field counts
                message.ClearField(field.name)
            merged.MergeFrom(message)
        if self._content.find(None, merged) is not Content.PRESENT:
            return None
        return DecodeResult(
            response=merged.SerializeToString(),
            unreadable=tuple(dict.fromkeys(context.unreadable)),
            rejection=error,
        )

    def build_rejection(self, code: str, text: str) -> UpstreamRefused:
        return self._payload_reader.build_rejection(code, text)

    def compare_members(self, response: Json) -> MemberDifferences:
        payload, _ = self._payload_reader.read(response)
        return self._comparer.compare(response, payload)


def _build_payload_decoder(
    response: Descriptor, options: OperationOption, dialect: Dialect
) -> tuple[FieldDecoder, PayloadKind, frozenset[str]]:
    """Return the decoder of the payload, the payload's JSON kind, and the names of its members."""
    fields = [field for field in resolve_fields(response, dialect) if field.read_names]
    if not fields:
        return _ignore_payload, PayloadKind.BOOLEAN if options.payload else PayloadKind.NONE, frozenset()
    payload_field = next((field for field in fields if PAYLOAD in field.read_names), None)
    if payload_field is None:
        decoder = MessageDecoder(response, dialect)

        def decode_object(payload: Json, message: Message, context: DecodeContext, /) -> None:
            if isinstance(payload, dict):  # always, since the reader accepts only objects
                decoder.decode(payload, message, context)

        return decode_object, PayloadKind.OBJECT, get_member_names(response, dialect)
    message = payload_field.descriptor.message_type
    if payload_field.descriptor.is_repeated:
        kind = PayloadKind.LIST
    else:
        kind = PayloadKind.TEXT if message is None else PayloadKind.OBJECT
    members = frozenset() if message is None else get_member_names(message, dialect)
    return build_field_decoder(payload_field, dialect, payload_field.descriptor.name), kind, members


def _ignore_payload(payload: Json, response: Message, context: DecodeContext) -> None:
    """Set no field: the response message has none that 1688 fills. The call has succeeded."""
