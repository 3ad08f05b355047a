"""Shadow messages of the fast decoder: types that msgspec decodes to, and messages that protobuf serializes.

For each message of the protos there is a shadow message, which is built at start. Its fields have the same
numbers and wire types, but 1688's names. So the members of a JSON object can be passed as keyword arguments
to the class of the shadow message, and the serialized shadow message can be parsed as the message itself.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Required, TypedDict

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from nationalsite.upstream import v1 as upstream_v1

from services.adapter.codec import scalar_decoders
from services.adapter.codec.conversions import check_number, is_blank, parse_decimal, parse_text
from services.adapter.codec.decoder import SEPARATORS, find_value_field
from services.adapter.codec.envelope import FLAGS
from services.adapter.codec.json_values import split_joined
from services.adapter.codec.option_checks import DECIMAL, MONEY, TIMESTAMP
from services.adapter.codec.scalar_decoders import DecodeContext, ScalarDecoder
from services.adapter.codec.schema import (
    PAYLOAD,
    Dialect,
    MappedField,
    resolve_derived_fields,
    resolve_fields,
)


class TolerantOnly:
    """The type of a member that only the tolerant decoder can decode. Null is accepted: it means no value."""


class _Number(str):
    """A string that 1688 sends as a number."""


class _Double(float):
    """A number that may have a fraction."""


class _CommaJoined(list[str]):
    """Strings in one text, joined by commas, or in a list."""


class _SemicolonJoined(list[str]):
    """Strings in one text, joined by semicolons, or in a list."""


class _Yuan(bytes):
    """A serialized Money: on the wire, messages and bytes look alike."""


class _Fen(bytes):
    """A serialized Money, from a whole number of fen."""


class _Foreign(bytes):
    """A serialized Money in the currency of the request."""


class _Timestamp(bytes):
    """A serialized Timestamp."""


class _Decimal(bytes):
    """A serialized Decimal."""


_INTEGER = int | float
"""An integer. msgspec would round a number with a fraction or an exponent to make it an int. So it becomes a
float, which no integer field of protobuf accepts: the tolerant decoder reads such a number exactly."""


def _build_serializer(decode: ScalarDecoder) -> Callable[[Any, str], bytes | None]:
    """Return a conversion that decodes a value with `decode`, and serializes the resulting message."""

    def convert_value(value: Any, currency: str) -> bytes | None:
        decoded: Any = decode(value, DecodeContext(currency=currency))
        return None if decoded is None else decoded.SerializeToString()

    return convert_value


_CONVERSIONS: Mapping[type, Callable[[Any, str], Any]] = {
    _Number: lambda value, _: _format_integer(value),
    _Double: lambda value, _: parse_decimal(value),
    _CommaJoined: lambda value, _: _split(value, upstream_v1.ENCODING_COMMA_JOINED),
    _SemicolonJoined: lambda value, _: _split(value, upstream_v1.ENCODING_SEMICOLON_JOINED),
    _Yuan: _build_serializer(scalar_decoders.decode_yuan),
    _Fen: _build_serializer(scalar_decoders.decode_fen),
    _Foreign: _build_serializer(scalar_decoders.decode_foreign),
    _Timestamp: _build_serializer(scalar_decoders.decode_timestamp),
    _Decimal: _build_serializer(scalar_decoders.decode_decimal),
}
"""By type: the conversion to it, from 1688's value and the currency of the request."""
_SCALARS: Mapping[tuple[int, int], Any] = {
    (FieldDescriptor.TYPE_STRING, upstream_v1.ENCODING_UNSPECIFIED): str,
    (FieldDescriptor.TYPE_STRING, upstream_v1.ENCODING_NUMBER): _Number,
    (FieldDescriptor.TYPE_STRING, upstream_v1.ENCODING_COMMA_JOINED): _CommaJoined,
    (FieldDescriptor.TYPE_STRING, upstream_v1.ENCODING_SEMICOLON_JOINED): _SemicolonJoined,
    (FieldDescriptor.TYPE_BOOL, upstream_v1.ENCODING_UNSPECIFIED): bool,
    (FieldDescriptor.TYPE_DOUBLE, upstream_v1.ENCODING_UNSPECIFIED): _Double,
    (FieldDescriptor.TYPE_INT32, upstream_v1.ENCODING_UNSPECIFIED): _INTEGER,
    (FieldDescriptor.TYPE_INT32, upstream_v1.ENCODING_TEXT): _INTEGER,
    (FieldDescriptor.TYPE_INT64, upstream_v1.ENCODING_UNSPECIFIED): _INTEGER,
    (FieldDescriptor.TYPE_INT64, upstream_v1.ENCODING_TEXT): _INTEGER,
}
"""The Python type of a member, by the protobuf type and the encoding of its field."""
_WELL_KNOWN: Mapping[tuple[str, int], type] = {
    (MONEY, upstream_v1.ENCODING_UNSPECIFIED): _Yuan,
    (MONEY, upstream_v1.ENCODING_FEN): _Fen,
    (MONEY, upstream_v1.ENCODING_FOREIGN_CURRENCY): _Foreign,
    (TIMESTAMP, upstream_v1.ENCODING_UNSPECIFIED): _Timestamp,
    (TIMESTAMP, upstream_v1.ENCODING_COMPACT_TIME): _Timestamp,
    (DECIMAL, upstream_v1.ENCODING_UNSPECIFIED): _Decimal,
}
"""The Python type of a member, by the message type and the encoding of its field."""
_SERIALIZED = frozenset(message for message, _ in _WELL_KNOWN)
"""Message types whose fields are bytes fields in a shadow message."""


class ShadowSchema:
    """The shadow messages of a response and its nested messages in one dialect.

    With each of them: the type of the JSON objects that are passed to it.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._object_types: dict[str, Any] = {}
        self._file = descriptor_pb2.FileDescriptorProto(name="shadow_messages.proto", syntax="proto2")

    def add(self, message: Descriptor) -> Any:
        """Add the shadow message of a message. Return the type of the JSON objects that are passed to it."""
        if message.full_name not in self._object_types and _is_tolerant_only(message, self._dialect):
            self._object_types[message.full_name] = TolerantOnly
        if message.full_name not in self._object_types:
            self._object_types[message.full_name] = TolerantOnly  # for a message type that contains itself
            # A success flag within a payload can say that the call failed: the tolerant decoder checks it.
            members: dict[str, Any] = dict.fromkeys(FLAGS, TolerantOnly | None)
            shadow_fields: dict[str, MappedField] = {}
            for field in resolve_fields(message, self._dialect):
                # The first name of a field is decoded here. The tolerant decoder reads the others, since it
                # chooses between several.
                members |= dict.fromkeys(field.read_names, TolerantOnly | None)
                name = next(iter(field.read_names), "")
                type_ = self.add_field(field) if name.isidentifier() else TolerantOnly
                if type_ is not TolerantOnly:
                    members[name] = type_ | None
                    shadow_fields[name] = field
            self._add_shadow(message, shadow_fields)
            self._object_types[message.full_name] = build_object_type(members)
        return self._object_types[message.full_name]

    def add_field(self, field: MappedField) -> Any:
        """Add the shadow message of a field's message type, if it has one. Return the type of the member."""
        message, encoding = field.descriptor.message_type, field.mapping.encoding
        if field.mapping.no_value:
            return TolerantOnly
        if message is None:
            type_: Any = _SCALARS.get((field.descriptor.type, encoding), TolerantOnly)
        elif message.full_name in _SERIALIZED:
            type_ = _WELL_KNOWN.get((message.full_name, encoding), TolerantOnly)
        else:
            holds_element = find_value_field(message, self._dialect) is not None
            type_ = TolerantOnly if holds_element else self.add(message)
        if type_ in (TolerantOnly, _CommaJoined, _SemicolonJoined):
            return type_
        if encoding == upstream_v1.ENCODING_ONE_OBJECT:
            return _require_first_member(type_)
        return list[type_] if field.descriptor.is_repeated else type_

    def build_class(self, response: Descriptor, payload_field: MappedField | None = None) -> type[Message]:
        """Return the class of the response's shadow message.

        `payload_field` is the field that holds the whole payload, if there is one.
        """
        if payload_field:
            self._add_shadow(response, {payload_field.descriptor.name: payload_field})
        pool = DescriptorPool()
        pool.Add(self._file)
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(_shadow_name(response)))

    def _add_shadow(self, message: Descriptor, fields: Mapping[str, MappedField]) -> None:
        shadow = self._file.message_type.add(name=_shadow_name(message))
        for name, mapped in fields.items():
            field = mapped.descriptor
            added = shadow.field.add(name=name, number=field.number, type=_shadow_type(field))
            added.json_name = f"f{field.number}"  # unique: the default, made from the name, may not be
            # One object and a list of one object have the same bytes: the shadow field need not be a list.
            is_list = field.is_repeated and mapped.mapping.encoding != upstream_v1.ENCODING_ONE_OBJECT
            added.label = added.LABEL_REPEATED if is_list else added.LABEL_OPTIONAL
            if added.type == added.TYPE_MESSAGE and field.message_type is not None:
                added.type_name = _shadow_name(field.message_type)


def _is_tolerant_only(message: Descriptor, dialect: Dialect) -> bool:
    """Whether a message is more than the values of an object's members: only Python decodes it then."""
    fields = resolve_fields(message, dialect)
    return bool(
        resolve_derived_fields(message, dialect)
        or any(field.mapping.or_enclosing for field in fields)
        or any("." in name for field in fields for name in field.read_names if name != PAYLOAD)
    )


def build_object_type(members: Mapping[str, Any]) -> Any:
    """Return the type of objects with these members. Each may be missing, and there may be others."""
    return TypedDict("Object", dict(members), total=False)  # type: ignore[operator] # built at run time


def _require_first_member(object_type: Any) -> Any:
    """Return the type of objects that must have the first member, though it may be null.

    So an object in which nothing is known is left to the tolerant decoder.
    """
    members: dict[str, Any] = object_type.__annotations__
    first = next(name for name in members if name not in FLAGS)
    return build_object_type({**members, first: Required[members[first]]})


@lru_cache(maxsize=8192, typed=True)  # many responses contain the same prices and days
def convert(type_: type, key: str | bytes | int | tuple[Any, ...], currency: str) -> object:
    """Return 1688's value as `type_`, one of the types above.

    `key` is the value in a form that can be hashed: a tuple stands for a list. The text of a number with a
    fraction or an exponent, as bytes, stands for the number, since the hash of a Decimal takes long.
    Raises ValueError, TypeError or ArithmeticError if the tolerant decoder has to decode the value.
    """
    value = check_number(Decimal(key.decode())) if isinstance(key, bytes) else key
    converted = _CONVERSIONS[type_](value, currency) if type_ in _CONVERSIONS else None
    if converted is None:
        raise ValueError("the tolerant decoder has to decode the value")
    return type_(converted)


def _format_integer(value: str | int | Decimal | tuple[Any, ...]) -> str | None:
    """Return an integer or a text as text. None if the tolerant decoder has to decode the value."""
    return None if isinstance(value, Decimal | tuple) else parse_text(value)


def _split(value: str | int | Decimal | tuple[Any, ...], encoding: int) -> list[str] | None:
    """Split a joined text, or the elements of a list. None if the tolerant decoder has to decode it."""
    elements = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(element, str) for element in elements):
        return None
    if isinstance(value, str) and (is_blank(value) or value.lstrip()[:1] == "["):  # JSON text
        return None
    return [part for element in elements for part in split_joined(element, SEPARATORS[encoding])]


def _shadow_type(field: FieldDescriptor) -> Any:
    message = field.message_type
    is_serialized = message is not None and message.full_name in _SERIALIZED
    return FieldDescriptor.TYPE_BYTES if is_serialized else field.type


def _shadow_name(message: Descriptor) -> str:
    return message.full_name.replace(".", "_")
