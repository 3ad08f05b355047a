"""Replies as they are documented, decoded straight into protobuf's C code.

The tolerant reader (reading.py) looks at every value in Python. Most replies need none of its tolerance, so
they go another way: msgspec reads the JSON text into dicts of the documented types, and protobuf makes a
message of them. That message is a twin of the response: its fields have 1688's names, and the numbers and
types that the response has on the wire, so its bytes are the response's.

Whatever this way cannot read as it is meant (another name, another type, a refusal, a torn character) it does
not read at all: None, and the tolerant reader takes the whole reply. Where it does read, the two agree; that
is what tests/adapter/codec/test_direct.py holds it to.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypedDict

import msgspec
from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from nationalsite.upstream.v1 import options_pb2 as options

from services.adapter.codec import scalars
from services.adapter.codec.contradictions import MONEY, TIMESTAMP
from services.adapter.codec.envelope import FLAGS
from services.adapter.codec.lenient import Json, exact
from services.adapter.codec.specification import PAYLOAD, Dialect, Field, fields
from services.adapter.codec.values import read_text

Direct = Callable[[bytes], bytes | None]
"""From a reply's text to the serialized response; None where the tolerant reader has to read it."""

OF_THE_GATEWAY = ("error_code", "errorCode", "error", "exception")
"""Members of a reply in which the gateway itself speaks."""


class _Elsewhere:
    """The type of what only the tolerant reader reads. Null is welcome everywhere: it says nothing."""


class _Digits(str):
    """A text that travels as a number."""


class _Yuan(bytes):
    """Money, serialized: on the wire, bytes and a message look alike."""


class _Fen(bytes):
    """Likewise."""


class _Moment(bytes):
    """A Timestamp, serialized."""


_MAKE: Mapping[type, Callable[[Any], Any]] = {
    _Digits: read_text,
    _Yuan: scalars.yuan_bytes,
    _Fen: scalars.fen_bytes,
    _Moment: scalars.moment_bytes,
}
_TYPES: Mapping[tuple[int, int], type] = {
    (FieldDescriptor.TYPE_STRING, options.FORM_UNSPECIFIED): str,
    (FieldDescriptor.TYPE_STRING, options.FORM_NUMBER): _Digits,
    (FieldDescriptor.TYPE_BOOL, options.FORM_UNSPECIFIED): bool,
    (FieldDescriptor.TYPE_INT32, options.FORM_UNSPECIFIED): int,
    (FieldDescriptor.TYPE_INT32, options.FORM_TEXT): int,
    (FieldDescriptor.TYPE_INT64, options.FORM_UNSPECIFIED): int,
    (FieldDescriptor.TYPE_INT64, options.FORM_TEXT): int,
}
"""By a field's type and form."""
_WELL_KNOWN: Mapping[tuple[str, int], type] = {
    (MONEY, options.FORM_UNSPECIFIED): _Yuan,
    (MONEY, options.FORM_FEN): _Fen,
    (TIMESTAMP, options.FORM_UNSPECIFIED): _Moment,
    (TIMESTAMP, options.FORM_COMPACT_TIME): _Moment,
}


def direct(response: Descriptor, payload: str, dialect: Dialect) -> Direct | None:
    """Compile the direct way of an operation's replies. `payload` is its path below the envelope.

    None where there is none: the payload is the envelope itself, or no object and no list of objects.
    """
    found = fields(response, dialect)
    whole = next((each for each in found if PAYLOAD in each.read), None)
    if not payload or not any(each.read for each in found) or (whole and not whole.descriptor.message_type):
        return None
    twins = _Twins(dialect)
    member = whole.descriptor.name if whole else ""
    shape = twins.type_of(whole.descriptor, whole.wire.form) if whole else twins.shape(response)
    make = twins.made(response, member)
    needed = tuple(each.read[0] for each in found if each.wire.required)
    ways = _ways(tuple(payload.split(".")), shape)

    def decode(text: bytes) -> bytes | None:
        for way in ways:
            payload = way.payload(text)
            if payload:
                if way is not ways[0]:  # replies of one operation look alike
                    ways.reverse()
                return _serialized(make, {member: payload} if member else payload, needed)
        return None

    return decode


def _serialized(make: type[Message], members: Mapping[str, Any], needed: Iterable[str]) -> bytes | None:
    if not all(members.get(name) for name in needed):
        return None
    try:
        return make(**members).SerializeToString()
    except (TypeError, ValueError):  # out of range
        return None


class _Way:
    """Where a payload stands in replies, and what it is made of."""

    def __init__(self, path: tuple[str, ...], shape: Any, flags: tuple[object, ...]) -> None:
        """`flags` is what the reply's own flags may be; those of what it holds may be missing or true."""
        self._path = path
        self._flags = flags
        for depth, name in reversed(tuple(enumerate(path))):
            told = dict.fromkeys(FLAGS if depth else (*FLAGS, *OF_THE_GATEWAY), Any)
            # A `result` beside the payload may be its verdict; an object might hold a refusal.
            shape = _object({**told, "result": bool | None, name: shape | None})
        self._decoder = msgspec.json.Decoder(shape, strict=False, dec_hook=_made, float_hook=exact)

    def payload(self, text: bytes) -> Any:
        """Return what stands there, where all of it is as documented and nothing speaks of a failure."""
        try:
            found = self._decoder.decode(text)
        except (ValueError, RecursionError):
            return None
        if not found or any(found.get(name) for name in OF_THE_GATEWAY):
            return None
        flags = self._flags
        for name in self._path:
            if not found or any(found.get(flag) not in flags for flag in FLAGS):
                return None
            found, flags = found.get(name), (None, True)
        return found


def _ways(path: tuple[str, ...], shape: Any) -> list[_Way]:
    """The envelope is the reply, or its `result` where no flag stands beside that."""
    return [
        _Way(("result", *path), shape, (None,)),
        _Way(path, shape, (None, True)),
    ]


class _Twins:
    """The twins of a response's messages, and the types of the objects that they are made of."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._shapes: dict[str, Any] = {}
        self._file = descriptor_pb2.FileDescriptorProto(name="twins.proto", syntax="proto2")

    def made(self, response: Descriptor, member: str) -> type[Message]:
        """Return the class of the response's twin. `member` is its only field, where that is the payload."""
        if member:
            self._add(response, {member: response.fields_by_name[member]})
        pool = DescriptorPool()
        pool.Add(self._file)
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(_name(response)))

    def shape(self, message: Descriptor) -> Any:
        """Return the type of the objects that a message is read from; add its twin."""
        if message.full_name in self._shapes:
            return self._shapes[message.full_name]
        self._shapes[message.full_name] = _Elsewhere  # a message within itself
        members: dict[str, Any] = dict.fromkeys(FLAGS, _Elsewhere | None)
        twin: dict[str, FieldDescriptor] = {}
        for each in fields(message, self._dialect):
            for name in each.read:
                members[name] = _Elsewhere | None
            name = next(iter(each.read), "")
            kind = self.type_of(each.descriptor, each.wire.form) if name.isidentifier() else _Elsewhere
            if kind is not _Elsewhere:
                members[name] = kind | None
                twin[name] = each.descriptor
        self._add(message, twin)
        self._shapes[message.full_name] = shape = _object(members)
        return shape

    def type_of(self, field: FieldDescriptor, form: int) -> Any:
        """Return the type of what a field is read from."""
        message = field.message_type
        one: Any = _TYPES.get((field.type, form), _Elsewhere)
        if message is not None:
            known = message.full_name in (MONEY, TIMESTAMP)
            one = _WELL_KNOWN.get((message.full_name, form), _Elsewhere) if known else self.shape(message)
        return list[one] if field.is_repeated and one is not _Elsewhere else one

    def _add(self, message: Descriptor, members: Mapping[str, FieldDescriptor]) -> None:
        """Add a twin with these fields, by the names that its members have."""
        twin = self._file.message_type.add(name=_name(message))
        for name, field in members.items():
            added = twin.field.add(name=name, number=field.number, type=field.type)
            added.json_name = f"f{field.number}"  # derived from the name, two could be the same
            added.label = added.LABEL_REPEATED if field.is_repeated else added.LABEL_OPTIONAL
            if field.message_type is None:
                continue
            if field.message_type.full_name in (MONEY, TIMESTAMP):
                added.type = added.TYPE_BYTES
            else:
                added.type_name = _name(field.message_type)


def _name(message: Descriptor) -> str:
    return message.full_name.replace(".", "_")


def _object(members: Mapping[str, Any]) -> Any:
    return TypedDict("_object", dict(members), total=False)  # type: ignore[operator] # made at run time


@lru_cache(maxsize=8192, typed=True)
def _made(kind: type, found: str | int | Decimal) -> object:
    """Make a value of one of the types above; the same few prices and days come again and again."""
    value = _MAKE[kind](found) if kind in _MAKE else None
    if value is None:
        raise ValueError("for the tolerant reader")
    return kind(value)
