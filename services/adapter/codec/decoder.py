"""The tolerant decoder: from the payload of a response to a protobuf message, compiled once per operation.

It reads the members that 1688 sent, not the fields that exist, since a response has few of the many. A value
that cannot be read leaves its field unset, and the context gets the field's path, never the value.

Responses as they are documented do not come here: see fast_decoder.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from nationalsite.upstream import v1 as upstream_v1

from services.adapter.codec import scalar_decoders
from services.adapter.codec.conversions import ConversionError, is_blank
from services.adapter.codec.option_checks import MONEY, TIMESTAMP, SchemaError
from services.adapter.codec.scalar_decoders import DecodeContext, EnumDecoder, ScalarDecoder
from services.adapter.codec.schema import Dialect, MappedField, get_enum_texts, resolve_fields
from services.adapter.codec.tolerant_json import Json, parse

EMPTY_VALUES: tuple[Json, ...] = (None, "", [], {})
"""Values of a member that mean no value."""

_SEPARATORS = {upstream_v1.ENCODING_COMMA_JOINED: ",", upstream_v1.ENCODING_SEMICOLON_JOINED: ";"}
_SCALAR_DECODERS: dict[int, ScalarDecoder] = {
    FieldDescriptor.TYPE_STRING: scalar_decoders.decode_text,
    FieldDescriptor.TYPE_BOOL: scalar_decoders.decode_bool,
    FieldDescriptor.TYPE_DOUBLE: scalar_decoders.decode_double,
    FieldDescriptor.TYPE_INT32: scalar_decoders.decode_int32,
    FieldDescriptor.TYPE_INT64: scalar_decoders.decode_int64,
}
_MONEY_DECODERS: dict[int, ScalarDecoder] = {
    upstream_v1.ENCODING_FEN: scalar_decoders.decode_fen,
    upstream_v1.ENCODING_FOREIGN_CURRENCY: scalar_decoders.decode_foreign,
}


class FieldDecoder(Protocol):
    """Sets one field of a message."""

    def __call__(self, value: Json, message: Message, context: DecodeContext, /) -> None:
        """Set the field, or leave it unset if the value is blank. Raises ConversionError."""


@dataclass(frozen=True, slots=True)
class _Member:
    """A name under which a field is read."""

    decode: FieldDecoder
    path: str
    preferred_names: tuple[str, ...]
    """Other names of the field. A value under one of them has precedence."""


class MessageDecoder:
    """Decodes an object to a message."""

    def __init__(self, message: Descriptor, dialect: Dialect, path: str = "") -> None:
        """`path` is the path of the message in the response."""
        self._members: dict[str, _Member] = {}
        for field in resolve_fields(message, dialect):
            if not field.read_names:
                continue
            name = field.descriptor.name
            field_path = f"{path}.{name}" if path else name
            decode = build_field_decoder(field, dialect, field_path)
            for index, read_name in enumerate(field.read_names):
                self._members[read_name] = _Member(decode, field_path, field.read_names[:index])

    def decode(self, payload: dict[str, Json], message: Message, context: DecodeContext) -> None:
        """Set the fields of a message from the members of an object."""
        members = self._members
        for name, value in payload.items():
            if value is None or (member := members.get(name)) is None:
                continue
            preferred = member.preferred_names
            if preferred and any(payload.get(other) not in EMPTY_VALUES for other in preferred):
                continue
            try:
                member.decode(value, message, context)
            except ConversionError:
                context.unreadable.append(member.path)


def get_member_names(message: Descriptor, dialect: Dialect) -> frozenset[str]:
    """Return every name under which a field of the message is read."""
    return frozenset(name for field in resolve_fields(message, dialect) for name in field.read_names)


def build_field_decoder(field: MappedField, dialect: Dialect, path: str) -> FieldDecoder:
    """Return the decoder of a field. `path` is the path of the field in the response."""
    descriptor = field.descriptor
    name, message = descriptor.name, descriptor.message_type
    element: FieldDecoder
    if message is None:
        decode = _choose_scalar_decoder(field)
        element = _ScalarAppender(name, decode) if descriptor.is_repeated else _ScalarSetter(name, decode)
    elif message.full_name in (MONEY, TIMESTAMP):
        decode = _choose_message_decoder(field, message)
        element = _ScalarAppender(name, decode) if descriptor.is_repeated else _WellKnownSetter(name, decode)
    else:
        nested = MessageDecoder(message, dialect, path)
        element = _MessageAppender(name, nested) if descriptor.is_repeated else _MessageSetter(name, nested)
    if not descriptor.is_repeated:
        return element
    return _ListDecoder(element, path, separator=_SEPARATORS.get(field.mapping.encoding, ""))


def _choose_scalar_decoder(field: MappedField) -> ScalarDecoder:
    descriptor = field.descriptor
    if descriptor.enum_type is not None:
        return EnumDecoder(get_enum_texts(descriptor.enum_type))
    if field.mapping.encoding == upstream_v1.ENCODING_RAW_JSON:
        return scalar_decoders.decode_json
    if descriptor.type in _SCALAR_DECODERS:
        return _SCALAR_DECODERS[descriptor.type]
    raise SchemaError(f"{descriptor.full_name}: fields of a response cannot have this type")


def _choose_message_decoder(field: MappedField, message: Descriptor) -> ScalarDecoder:
    if message.full_name == TIMESTAMP:
        return scalar_decoders.decode_timestamp
    return _MONEY_DECODERS.get(field.mapping.encoding, scalar_decoders.decode_yuan)


@dataclass(frozen=True, slots=True)
class _ScalarSetter:
    name: str
    decode: ScalarDecoder

    def __call__(self, value: Json, message: Message, context: DecodeContext, /) -> None:
        decoded = self.decode(value, context)
        if decoded is not None:
            setattr(message, self.name, decoded)


@dataclass(frozen=True, slots=True)
class _WellKnownSetter:
    """Sets a Money or a Timestamp."""

    name: str
    decode: ScalarDecoder

    def __call__(self, value: Json, message: Message, context: DecodeContext, /) -> None:
        decoded = self.decode(value, context)
        if decoded is not None:
            getattr(message, self.name).CopyFrom(decoded)


@dataclass(frozen=True, slots=True)
class _ScalarAppender:
    """Appends a scalar, or a copy of a Money or a Timestamp."""

    name: str
    decode: ScalarDecoder

    def __call__(self, value: Json, message: Message, context: DecodeContext, /) -> None:
        decoded = self.decode(value, context)
        if decoded is not None:
            getattr(message, self.name).append(decoded)


@dataclass(frozen=True, slots=True)
class _MessageSetter:
    name: str
    decoder: MessageDecoder

    def __call__(self, value: Json, message: Message, context: DecodeContext, /) -> None:
        payload = as_object(value)
        if payload is not None:
            nested = getattr(message, self.name)
            nested.SetInParent()
            self.decoder.decode(payload, nested, context)


@dataclass(frozen=True, slots=True)
class _MessageAppender:
    name: str
    decoder: MessageDecoder

    def __call__(self, value: Json, message: Message, context: DecodeContext, /) -> None:
        payload = as_object(value)
        if payload is not None:
            self.decoder.decode(payload, getattr(message, self.name).add(), context)


class _ListDecoder:
    """Appends every element of a list. One that cannot be read is left out."""

    def __init__(self, append: FieldDecoder, path: str, *, separator: str) -> None:
        self._append = append
        self._path = path
        self._separator = separator

    def __call__(self, value: Json, message: Message, context: DecodeContext, /) -> None:
        for element in value if isinstance(value, list) else self._split(value):
            if element is None:
                continue
            try:
                self._append(element, message, context)
            except ConversionError:
                context.unreadable.append(self._path)

    def _split(self, value: Json) -> Iterable[Json]:
        """Return the elements of a value that is not a list: joined text, JSON text, or a single element."""
        if isinstance(value, str):
            if (elements := as_list(value)) is not None:
                return elements
            if self._separator:
                return split_joined(value, self._separator)
            if is_blank(value):
                return ()
        return (value,)


def split_joined(text: str, separator: str) -> list[str]:
    """Return the parts of a joined text, stripped, without empty ones."""
    return [part for part in map(str.strip, text.split(separator)) if part]


def as_object(value: Json) -> dict[str, Json] | None:
    """Return an object: as it is, as the only element of a list, or as JSON text. None for a blank.

    Raises ConversionError.
    """
    if type(value) is dict:
        return value
    if isinstance(value, str):
        if is_blank(value):
            return None
        try:
            value = parse(value)
        except ValueError as error:
            raise ConversionError("not JSON text") from error
    if isinstance(value, list):
        if not value:
            return None
        value = value[0] if len(value) == 1 else value
    if isinstance(value, dict):
        return value
    raise ConversionError("not an object")


def as_list(value: Json) -> list[Json] | None:
    """Return a list: as it is, or as JSON text. None for anything else."""
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        try:
            value = parse(value)
        except ValueError:
            return None
    return value if isinstance(value, list) else None
