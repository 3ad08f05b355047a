"""What replies are made of in the direct way: types for msgspec to read, and messages for protobuf to write.

The twin of a message has fields with 1688's names, and with the numbers and wire types of the message's own,
so that an object as it is read is the keyword arguments of its twin.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypedDict

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from nationalsite.upstream import v1 as options

from services.adapter.codec import scalar_decoders
from services.adapter.codec.conversions import read_decimal, read_text
from services.adapter.codec.decoder import joined
from services.adapter.codec.envelope import FLAGS
from services.adapter.codec.option_checks import MONEY, TIMESTAMP
from services.adapter.codec.schema import Dialect, fields
from services.adapter.codec.tolerant_json import Json


class FallBack:
    """The type of what only the tolerant reader reads. Null is welcome everywhere: it says nothing."""


class _Digits(str):
    """A text that travels as a number."""


class _Double(float):
    """A number with a fraction."""


class _Commas(list[str]):
    """Texts that travel as one, joined by commas."""


class _Semicolons(list[str]):
    """Likewise, joined by semicolons."""


class _Yuan(bytes):
    """Money, serialized: on the wire, a message and bytes look alike."""


class _Fen(bytes):
    """Likewise."""


class _Foreign(bytes):
    """Likewise, in the currency that the request asked for."""


class _Moment(bytes):
    """A Timestamp, serialized."""


_READ: Mapping[type, Callable[[Any, str], Any]] = {
    _Digits: lambda found, _: read_text(found),
    _Double: lambda found, _: read_decimal(found),
    _Commas: lambda found, _: _parts(found, ","),
    _Semicolons: lambda found, _: _parts(found, ";"),
    _Yuan: lambda found, _: scalar_decoders.yuan_bytes(found),
    _Fen: lambda found, _: scalar_decoders.fen_bytes(found),
    _Foreign: scalar_decoders.foreign_bytes,
    _Moment: lambda found, _: scalar_decoders.moment_bytes(found),
}
"""What makes each of these types of what stands there, and of the request's currency."""
_SCALARS: Mapping[tuple[int, int], type] = {
    (FieldDescriptor.TYPE_STRING, options.ENCODING_UNSPECIFIED): str,
    (FieldDescriptor.TYPE_STRING, options.ENCODING_NUMBER): _Digits,
    (FieldDescriptor.TYPE_STRING, options.ENCODING_COMMA_JOINED): _Commas,
    (FieldDescriptor.TYPE_STRING, options.ENCODING_SEMICOLON_JOINED): _Semicolons,
    (FieldDescriptor.TYPE_BOOL, options.ENCODING_UNSPECIFIED): bool,
    (FieldDescriptor.TYPE_DOUBLE, options.ENCODING_UNSPECIFIED): _Double,
    (FieldDescriptor.TYPE_INT32, options.ENCODING_UNSPECIFIED): int,
    (FieldDescriptor.TYPE_INT32, options.ENCODING_TEXT): int,
    (FieldDescriptor.TYPE_INT64, options.ENCODING_UNSPECIFIED): int,
    (FieldDescriptor.TYPE_INT64, options.ENCODING_TEXT): int,
}
"""By a field's type and form."""
_WELL_KNOWN: Mapping[tuple[str, int], type] = {
    (MONEY, options.ENCODING_UNSPECIFIED): _Yuan,
    (MONEY, options.ENCODING_FEN): _Fen,
    (MONEY, options.ENCODING_FOREIGN_CURRENCY): _Foreign,
    (TIMESTAMP, options.ENCODING_UNSPECIFIED): _Moment,
    (TIMESTAMP, options.ENCODING_COMPACT_TIME): _Moment,
}
"""By a message and the field's form."""
_SERIALIZED = frozenset(message for message, _ in _WELL_KNOWN)
"""Messages that are bytes in a twin."""


class ShadowSchema:
    """The twins of a response's messages in one dialect, and the types of what they are read from."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._objects: dict[str, Any] = {}
        self._file = descriptor_pb2.FileDescriptorProto(name="twins.proto", syntax="proto2")

    def object_of(self, message: Descriptor) -> Any:
        """Return the type of the objects that a message is read from; add its twin."""
        if message.full_name not in self._objects:
            self._objects[message.full_name] = FallBack  # while it is made: a message within itself
            # A flag within a payload may refuse.
            members: dict[str, Any] = dict.fromkeys(FLAGS, FallBack | None)
            twin: dict[str, FieldDescriptor] = {}
            for each in fields(message, self._dialect):
                # Under a name other than the dialect's own it may have to give way to that one.
                members |= dict.fromkeys(each.read, FallBack | None)
                name = next(iter(each.read), "")
                kind = self.type_of(each.descriptor, each.wire.encoding) if name.isidentifier() else FallBack
                if kind is not FallBack:
                    members[name] = kind | None
                    twin[name] = each.descriptor
            self._add(message, twin)
            self._objects[message.full_name] = object_type(members)
        return self._objects[message.full_name]

    def type_of(self, field: FieldDescriptor, form: int) -> Any:
        """Return the type of what a field is read from."""
        message = field.message_type
        if message is None:
            one: Any = _SCALARS.get((field.type, form), FallBack)
        elif message.full_name in _SERIALIZED:
            one = _WELL_KNOWN.get((message.full_name, form), FallBack)
        else:
            one = self.object_of(message)
        is_one = not field.is_repeated or one in (FallBack, _Commas, _Semicolons)
        return one if is_one else list[one]

    def twin(self, response: Descriptor, member: str = "") -> type[Message]:
        """Return the class of the response's twin. `member` is its only field, where that is the payload."""
        if member:
            self._add(response, {member: response.fields_by_name[member]})
        pool = DescriptorPool()
        pool.Add(self._file)
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(_name(response)))

    def _add(self, message: Descriptor, members: Mapping[str, FieldDescriptor]) -> None:
        twin = self._file.message_type.add(name=_name(message))
        for name, field in members.items():
            added = twin.field.add(name=name, number=field.number, type=_kind(field))
            added.json_name = f"f{field.number}"  # derived from the names, two could be the same
            added.label = added.LABEL_REPEATED if field.is_repeated else added.LABEL_OPTIONAL
            if added.type == added.TYPE_MESSAGE and field.message_type is not None:
                added.type_name = _name(field.message_type)


def object_type(members: Mapping[str, Any]) -> Any:
    """Return the type of objects with these members, of which any may be missing, and with others."""
    return TypedDict("Object", dict(members), total=False)  # type: ignore[operator] # made at run time


@lru_cache(maxsize=8192, typed=True)
def convert(kind: type, found: str | int | Decimal, currency: str) -> object:
    """Return what stands there as one of the types above; the same few prices and days come again and again.

    Raises ValueError or TypeError for what the tolerant reader has to read.
    """
    value = _READ[kind](found, currency) if kind in _READ else None
    if value is None:
        raise ValueError("for the tolerant reader")
    return kind(value)


def _parts(found: Json, separator: str) -> list[str] | None:
    """Split a joined text. JSON text of a list is for the tolerant reader."""
    if not isinstance(found, str) or found.lstrip()[:1] == "[":
        return None
    return joined(found, separator)


def _kind(field: FieldDescriptor) -> Any:
    known = field.message_type is not None and field.message_type.full_name in _SERIALIZED
    return FieldDescriptor.TYPE_BYTES if known else field.type


def _name(message: Descriptor) -> str:
    return message.full_name.replace(".", "_")
