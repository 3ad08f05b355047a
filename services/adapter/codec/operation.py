"""Compiles an RPC's descriptors, in one dialect, into what turns requests and replies over."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from nationalsite.upstream.v1 import Operation as Options

from services.adapter.codec.decoder import NOTHING, field_reader, member_names, message_reader
from services.adapter.codec.encoder import EncodeContext, File, JsonDates, Params, message_writer
from services.adapter.codec.envelope import Kind, PayloadReader
from services.adapter.codec.fast_decoder import fast_decoder
from services.adapter.codec.option_checks import NOT_HERE, SchemaError
from services.adapter.codec.scalar_decoders import DecodeContext, FieldDecoder
from services.adapter.codec.schema import PAYLOAD, Dialect, Idempotency, fields, level, operation
from services.adapter.codec.tolerant_json import Json, dump, dump_bytes, parse
from services.errors import UpstreamUnreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What a call sends besides the system parameters."""

    form: Mapping[str, str]
    """Form fields, not encoded."""
    files: Mapping[str, bytes]
    """File parts, which make the call multipart."""
    left_out: tuple[str, ...]
    """Paths of set request fields that the dialect has no member for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeResult:
    """A reply as a response."""

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
    level: Idempotency
    api: str
    """1688's id `namespace:name-version`, or empty: local, or not in this dialect."""
    local: bool
    """The suite answers with a function of its own."""
    anonymous: bool
    """No access token is sent."""
    encode: Callable[[Message], tuple[Parameters, ...]]
    """What each call to make sends: one call, or where the operation says `each`, one an element, in order.

    Raises RequestError, before any of them is made."""
    parse: Callable[[bytes, Message], Json | DecodeResult]
    """From a reply's text, and the request it answers, as far as the text alone tells. Raises ValueError."""
    decode: Callable[[Json | DecodeResult, Message], DecodeResult]
    """From a parsed reply and the request it answers. Raises Refused or Unreadable, nothing else."""


def compile_service(
    service: ServiceDescriptor,
    dialect: Dialect,
    *,
    exceptions: Mapping[str, Dialect] | None = None,
    dates: JsonDates = JsonDates.TEXT,
) -> dict[str, Operation]:
    """Compile every RPC of a service; `exceptions` gives some of them another dialect.

    Raises SchemaError with a line for each contradiction in the protos.
    """
    exceptions = exceptions or {}
    compiled: dict[str, Operation] = {}
    findings: list[str] = []
    for method in service.methods:
        try:
            chosen = exceptions.get(method.name, dialect)
            compiled[method.name] = compile_operation(method, chosen, dates=dates)
        except SchemaError as error:
            findings += error.lines
    if findings:
        raise SchemaError(*dict.fromkeys(findings))
    return compiled


def compile_operation(method: MethodDescriptor, dialect: Dialect, *, dates: JsonDates) -> Operation:
    """Compile one RPC."""
    options = operation(method, dialect)
    spoken = any(operation(method, each).api for each in Dialect)
    return Operation(
        rpc=method.name,
        request=GetMessageClass(method.input_type),
        dialect=dialect,
        level=level(method),
        api="" if options.local or options.api == NOT_HERE else options.api,
        local=options.local,
        anonymous=options.no_access_token,
        encode=_encoder(method.input_type, options, dialect, dates) if spoken else _never_sent,
        parse=_parser(method.output_type, options, dialect) if spoken else _parsed,
        decode=_decoder(method, options, dialect) if spoken else _never_received,
    )


def _never_sent(request: Message) -> tuple[Parameters, ...]:
    """In no dialect the RPC is an operation of 1688's."""
    return ()


def _never_received(reply: Json | DecodeResult, request: Message) -> DecodeResult:
    raise UpstreamUnreadable("1688 has no such operation")


def _encoder(
    request: Descriptor, options: Options, dialect: Dialect, dates: JsonDates
) -> Callable[[Message], tuple[Parameters, ...]]:
    each, param = options.fan_out, options.param
    element = request.fields_by_name[each].message_type if each else None
    write = message_writer(element or request, dialect, dates, in_json=bool(param))

    def encode(found: Message) -> tuple[Parameters, ...]:
        parts = enumerate(getattr(found, each)) if each else ((0, found),)
        writing = EncodeContext()
        calls = []
        for index, part in parts:
            form, files = _parameters(param, write(part, f"{each}[{index}]." if each else "", writing))
            calls.append(Parameters(form=form, files=files, left_out=tuple(writing.left_out)))
            writing.left_out.clear()
        writing.check()
        return tuple(calls)

    return encode


def _parameters(param: str, members: Params) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return form and files."""
    files = {name: value.content for name, value in members.items() if isinstance(value, File)}
    plain = {name: value for name, value in members.items() if name not in files}
    if not param:
        return {name: _form_text(value) for name, value in plain.items()}, files
    text = dump_bytes(plain)
    del members, plain  # a picture may be in there: of large things no more is held than is needed
    return {param: text.decode()}, files


def _form_text(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value if isinstance(value, str) else dump(value)


def _parser(
    response: Descriptor, options: Options, dialect: Dialect
) -> Callable[[bytes, Message], Json | DecodeResult]:
    """Return what decodes a reply that is as documented, and parses any other."""
    read = fast_decoder(response, options.payload, dialect)
    if read is None:
        return _parsed

    def parsed(text: bytes, request: Message) -> Json | DecodeResult:
        response = read(text, getattr(request, "currency", ""))
        return parse(text) if response is None else DecodeResult(response=response, unreadable=())

    return parsed


def _parsed(text: bytes, _: Message) -> Json:
    return parse(text)


def _decoder(
    method: MethodDescriptor, options: Options, dialect: Dialect
) -> Callable[[Json | DecodeResult, Message], DecodeResult]:
    response = method.output_type
    put, kind, members = _shape(response, options, dialect)
    other_path = operation(method, dialect.other).payload
    payload = PayloadReader(options, kind, other_path=other_path, members=members)

    def decode(reply: Json | DecodeResult, request: Message) -> DecodeResult:
        if isinstance(reply, DecodeResult):
            return reply
        found = payload.read(reply)
        reading = DecodeContext(currency=getattr(request, "currency", ""))
        out: list[bytes] = []
        if found is not None:
            put(found, out, reading)
        return DecodeResult(response=b"".join(out), unreadable=tuple(reading.unreadable))

    return decode


def _shape(
    response: Descriptor, options: Options, dialect: Dialect
) -> tuple[FieldDecoder, Kind, frozenset[str]]:
    """Return what writes the payload, its JSON kind, and the names of its members."""
    found = [each for each in fields(response, dialect) if each.read]
    if not found:
        return _write_nothing, Kind.VERDICT if options.payload else Kind.NOTHING, frozenset()
    whole = next((each for each in found if PAYLOAD in each.read), None)
    if whole is None:
        read = message_reader(response, dialect)
        needed = [each for each in found if each.wire.required]

        def put(payload: Json, out: list[bytes], reading: DecodeContext) -> None:
            if not isinstance(payload, dict):
                raise UpstreamUnreadable("1688's answer is not an object")
            for each in needed:
                if all(payload.get(name) in NOTHING for name in each.read):
                    raise UpstreamUnreadable(f"1688's answer holds no {each.descriptor.name}")
            out.append(read(payload, reading))

        return put, Kind.OBJECT, member_names(response, dialect)
    message = whole.descriptor.message_type
    if whole.descriptor.is_repeated:
        kind = Kind.LIST
    else:
        kind = Kind.TEXT if message is None else Kind.OBJECT
    members = frozenset() if message is None else member_names(message, dialect)
    return field_reader(whole, dialect, whole.descriptor.name), kind, members


def _write_nothing(payload: Json, out: list[bytes], reading: DecodeContext) -> None:
    """The verdict is the whole answer."""
