"""Shadow messages of the fast decoder: types that msgspec decodes to, and messages that protobuf serializes.

A shadow message mirrors a message: its fields have 1688's names, and the numbers and wire types of the
message's fields. So a decoded object can be passed as keyword arguments to its shadow's class, and a
serialized shadow is a serialized message.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypedDict

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from nationalsite.upstream import v1 as upstream_v1

from services.adapter.codec import scalar_decoders
from services.adapter.codec.conversions import parse_decimal, parse_text
from services.adapter.codec.decoder import split_joined
from services.adapter.codec.envelope import FLAGS
from services.adapter.codec.option_checks import MONEY, TIMESTAMP
from services.adapter.codec.scalar_decoders import DecodeContext, ScalarDecoder
from services.adapter.codec.schema import Dialect, resolve_fields
from services.adapter.codec.tolerant_json import Json


class TolerantOnly:
    """The type of a member that only the tolerant decoder can decode. Null is accepted: it means no value."""


class _Number(str):
    """A string that 1688 sends as a number."""


class _Double(float):
    """A number with a fraction."""


class _CommaJoined(list[str]):
    """Strings in one text, joined by commas."""


class _SemicolonJoined(list[str]):
    """Strings in one text, joined by semicolons."""


class _Yuan(bytes):
    """A serialized Money: on the wire, messages and bytes look alike."""


class _Fen(bytes):
    """A serialized Money, from a whole number of fen."""


class _Foreign(bytes):
    """A serialized Money in the currency of the request."""


class _Timestamp(bytes):
    """A serialized Timestamp."""


def _serialized(decode: ScalarDecoder) -> Callable[[Any, str], bytes | None]:
    """Return a conversion to the serialized message that `decode` returns."""

    def convert_value(value: Any, currency: str) -> bytes | None:
        decoded: Any = decode(value, DecodeContext(currency=currency))
        return None if decoded is None else decoded.SerializeToString()

    return convert_value


_CONVERSIONS: Mapping[type, Callable[[Any, str], Any]] = {
    _Number: lambda value, _: parse_text(value),
    _Double: lambda value, _: parse_decimal(value),
    _CommaJoined: lambda value, _: _split(value, ","),
    _SemicolonJoined: lambda value, _: _split(value, ";"),
    _Yuan: _serialized(scalar_decoders.decode_yuan),
    _Fen: _serialized(scalar_decoders.decode_fen),
    _Foreign: _serialized(scalar_decoders.decode_foreign),
    _Timestamp: _serialized(scalar_decoders.decode_timestamp),
}
"""The conversion to each of these types, from 1688's value and the currency of the request."""
_SCALARS: Mapping[tuple[int, int], type] = {
    (FieldDescriptor.TYPE_STRING, upstream_v1.ENCODING_UNSPECIFIED): str,
    (FieldDescriptor.TYPE_STRING, upstream_v1.ENCODING_NUMBER): _Number,
    (FieldDescriptor.TYPE_STRING, upstream_v1.ENCODING_COMMA_JOINED): _CommaJoined,
    (FieldDescriptor.TYPE_STRING, upstream_v1.ENCODING_SEMICOLON_JOINED): _SemicolonJoined,
    (FieldDescriptor.TYPE_BOOL, upstream_v1.ENCODING_UNSPECIFIED): bool,
    (FieldDescriptor.TYPE_DOUBLE, upstream_v1.ENCODING_UNSPECIFIED): _Double,
    (FieldDescriptor.TYPE_INT32, upstream_v1.ENCODING_UNSPECIFIED): int,
    (FieldDescriptor.TYPE_INT32, upstream_v1.ENCODING_TEXT): int,
    (FieldDescriptor.TYPE_INT64, upstream_v1.ENCODING_UNSPECIFIED): int,
    (FieldDescriptor.TYPE_INT64, upstream_v1.ENCODING_TEXT): int,
}
"""The type of a member, by the type and the encoding of its field."""
_WELL_KNOWN: Mapping[tuple[str, int], type] = {
    (MONEY, upstream_v1.ENCODING_UNSPECIFIED): _Yuan,
    (MONEY, upstream_v1.ENCODING_FEN): _Fen,
    (MONEY, upstream_v1.ENCODING_FOREIGN_CURRENCY): _Foreign,
    (TIMESTAMP, upstream_v1.ENCODING_UNSPECIFIED): _Timestamp,
    (TIMESTAMP, upstream_v1.ENCODING_COMPACT_TIME): _Timestamp,
}
"""The type of a member, by the message and the encoding of its field."""
_SERIALIZED = frozenset(message for message, _ in _WELL_KNOWN)
"""Messages that are bytes in a shadow."""


class ShadowSchema:
    """The shadows of a response's messages in one dialect, and the types from which they are built."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._object_types: dict[str, Any] = {}
        self._file = descriptor_pb2.FileDescriptorProto(name="shadow_messages.proto", syntax="proto2")

    def add(self, message: Descriptor) -> Any:
        """Add the shadow of a message. Return the type of the objects from which it is built."""
        if message.full_name not in self._object_types:
            self._object_types[message.full_name] = TolerantOnly  # for a message type that contains itself
            # A success flag within a payload can say that the call failed.
            members: dict[str, Any] = dict.fromkeys(FLAGS, TolerantOnly | None)
            shadow_fields: dict[str, FieldDescriptor] = {}
            for field in resolve_fields(message, self._dialect):
                # The tolerant decoder chooses between several names of a field.
                members |= dict.fromkeys(field.read_names, TolerantOnly | None)
                name = next(iter(field.read_names), "")
                type_ = (
                    self.add_field(field.descriptor, field.mapping.encoding)
                    if name.isidentifier()
                    else TolerantOnly
                )
                if type_ is not TolerantOnly:
                    members[name] = type_ | None
                    shadow_fields[name] = field.descriptor
            self._add_shadow(message, shadow_fields)
            self._object_types[message.full_name] = build_object_type(members)
        return self._object_types[message.full_name]

    def add_field(self, field: FieldDescriptor, encoding: int) -> Any:
        """Add the shadows of the messages in a field. Return the type of the field's member."""
        message = field.message_type
        if message is None:
            type_: Any = _SCALARS.get((field.type, encoding), TolerantOnly)
        elif message.full_name in _SERIALIZED:
            type_ = _WELL_KNOWN.get((message.full_name, encoding), TolerantOnly)
        else:
            type_ = self.add(message)
        is_list = field.is_repeated and type_ not in (TolerantOnly, _CommaJoined, _SemicolonJoined)
        return list[type_] if is_list else type_

    def build_class(self, response: Descriptor, payload_field: str = "") -> type[Message]:
        """Return the class of the response's shadow. `payload_field` is the field for the whole payload."""
        if payload_field:
            self._add_shadow(response, {payload_field: response.fields_by_name[payload_field]})
        pool = DescriptorPool()
        pool.Add(self._file)
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(_shadow_name(response)))

    def _add_shadow(self, message: Descriptor, fields: Mapping[str, FieldDescriptor]) -> None:
        shadow = self._file.message_type.add(name=_shadow_name(message))
        for name, field in fields.items():
            added = shadow.field.add(name=name, number=field.number, type=_shadow_type(field))
            added.json_name = f"f{field.number}"  # unique; derived from the names, two could be the same
            added.label = added.LABEL_REPEATED if field.is_repeated else added.LABEL_OPTIONAL
            if added.type == added.TYPE_MESSAGE and field.message_type is not None:
                added.type_name = _shadow_name(field.message_type)


def build_object_type(members: Mapping[str, Any]) -> Any:
    """Return the type of objects with these members. Any may be missing, and there may be others."""
    return TypedDict("Object", dict(members), total=False)  # type: ignore[operator] # built at run time


@lru_cache(maxsize=8192, typed=True)  # the same prices and days repeat
def convert(type_: type, value: str | int | Decimal, currency: str) -> object:
    """Return 1688's value as one of the types above.

    Raises ValueError or TypeError if the tolerant decoder has to decode the value.
    """
    converted = _CONVERSIONS[type_](value, currency) if type_ in _CONVERSIONS else None
    if converted is None:
        raise ValueError("for the tolerant decoder")
    return type_(converted)


def _split(value: Json, separator: str) -> list[str] | None:
    """Split a joined text. JSON text of a list is for the tolerant decoder."""
    if not isinstance(value, str) or value.lstrip()[:1] == "[":
        return None
    return split_joined(value, separator)


def _shadow_type(field: FieldDescriptor) -> Any:
    message = field.message_type
    is_serialized = message is not None and message.full_name in _SERIALIZED
    return FieldDescriptor.TYPE_BYTES if is_serialized else field.type


def _shadow_name(message: Descriptor) -> str:
    return message.full_name.replace(".", "_")
