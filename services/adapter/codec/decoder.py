"""The tolerant decoder: from the payload of a response to a protobuf message, compiled once per operation.

It loops over the members that 1688 sent, not over all fields of the message, since a response sets only a few
of them. If a value cannot be read, its field stays unset, and the field's path, never the value, is added to
`DecodeContext.unreadable`.

Responses that are exactly as documented do not need this decoder: see fast_decoder.py.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.type.money_pb2 import Money
from nationalsite.upstream import v1 as upstream_v1

from services.adapter.codec import scalar_decoders
from services.adapter.codec.conversions import ConversionError, is_blank, parse_text
from services.adapter.codec.json_values import EMPTY_VALUES, as_list, as_object, split_elements
from services.adapter.codec.option_checks import DECIMAL, SCALAR_MESSAGES, TIMESTAMP, SchemaError
from services.adapter.codec.scalar_decoders import (
    DecodeContext,
    EnumDecoder,
    PriceDecoder,
    PriceRange,
    ScalarDecoder,
)
from services.adapter.codec.schema import (
    PAYLOAD,
    Dialect,
    MappedField,
    get_enum_texts,
    normalize_word,
    resolve_derived_fields,
    resolve_fields,
)
from services.adapter.codec.tolerant_json import Json, dump

SEPARATORS: dict[int, str] = {
    upstream_v1.ENCODING_COMMA_JOINED: ",;",
    upstream_v1.ENCODING_SEMICOLON_JOINED: ";",
}
"""By encoding: the characters that separate the elements of a list in one text."""
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
_PRICE_DECODERS: dict[int, PriceDecoder] = {
    upstream_v1.ENCODING_UNSPECIFIED: scalar_decoders.decode_yuan_price,
    upstream_v1.ENCODING_FOREIGN_CURRENCY: scalar_decoders.decode_foreign_price,
}


class FieldDecoder(Protocol):
    """Sets one field of a protobuf message."""

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
    """Decodes a JSON object to a protobuf message."""

    def __init__(self, message: Descriptor, dialect: Dialect, path: str = "") -> None:
        """`path` is the path of the message in the response."""
        self._prefix = f"{path}." if path else ""
        self._members: dict[str, _Member] = {}
        self._raw_name = ""
        self._normalizers: list[_Normalizer] = []
        for field in resolve_derived_fields(message, dialect):
            if field.mapping.normalizes:
                self._normalizers.append(_build_normalizer(field))
            else:
                self._raw_name = field.descriptor.name
        self._enclosing: list[_EnclosingAppender] = []
        for field in resolve_fields(message, dialect):
            if not field.read_names:
                continue
            name = field.descriptor.name
            field_path = self._prefix + name
            decode = build_field_decoder(field, dialect, field_path)
            for index, read_name in enumerate(field.read_names):
                self._members[read_name] = _Member(decode, field_path, field.read_names[:index])
            if field.mapping.or_enclosing:
                self._enclosing.append(_build_enclosing_appender(field, dialect))
        self._parents = _list_parents(self._members)

    def decode(self, payload: dict[str, Json], message: Message, context: DecodeContext) -> None:
        """Set the fields of a message from the members of an object."""
        self._decode_members(self._flatten(payload, context) if self._parents else payload, message, context)
        for append in self._enclosing:
            append(payload, message, context)
        for normalize in self._normalizers:
            normalize(message)
        # An object in which nothing is known has no content: see response_content.py.
        if self._raw_name and message.ListFields():
            setattr(message, self._raw_name, dump(payload))

    def _flatten(self, payload: dict[str, Json], context: DecodeContext) -> dict[str, Json]:
        """Return the members of an object, and under their paths those of the objects in it."""
        flat = dict(payload)
        for parent in self._parents:
            if (value := flat.get(parent)) is None:
                continue
            try:
                nested = as_object(value) or {}
            except ConversionError:
                context.unreadable.append(self._prefix + parent)
                continue
            flat.update((f"{parent}.{name}", member) for name, member in nested.items())
        return flat

    def _decode_members(self, payload: dict[str, Json], message: Message, context: DecodeContext) -> None:
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
    """Return the names of the members of an object that are read, or that contain what is read."""
    fields = resolve_fields(message, dialect)
    names = {split_path(name)[0] for field in fields for name in field.read_names}
    for field in fields:
        if field.mapping.or_enclosing and field.descriptor.message_type is not None:
            names |= get_member_names(field.descriptor.message_type, dialect)
    return frozenset(names)


def split_path(name: str) -> list[str]:
    """Return the names of the members on a path. PAYLOAD is a name of its own."""
    return [name] if name == PAYLOAD else name.split(".")


def _list_parents(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths of the objects that contain these members; an object before those in it."""
    parents = set()
    for path in paths:
        names = split_path(path)
        parents |= {".".join(names[:length]) for length in range(1, len(names))}
    return tuple(sorted(parents))


def find_value_field(message: Descriptor, dialect: Dialect) -> MappedField | None:
    """Return the field that holds the whole element if the message is an element of a list, or None."""
    fields = resolve_fields(message, dialect)
    return next((field for field in fields if PAYLOAD in field.read_names), None)


def build_field_decoder(field: MappedField, dialect: Dialect, path: str) -> FieldDecoder:
    """Return the decoder of a field. `path` is the path of the field in the response."""
    descriptor = field.descriptor
    name, message = descriptor.name, descriptor.message_type
    element: FieldDecoder
    if message is None:
        decode = _choose_scalar_decoder(field)
        element = _ScalarAppender(name, decode) if descriptor.is_repeated else _ScalarSetter(name, decode)
    elif field.range_name:
        element = _PriceSetter(name, field.range_name, _PRICE_DECODERS[field.mapping.encoding])
    elif message.full_name in SCALAR_MESSAGES:
        decode = _choose_message_decoder(field, message)
        element = _ScalarAppender(name, decode) if descriptor.is_repeated else _WellKnownSetter(name, decode)
    elif (value_field := find_value_field(message, dialect)) is not None:
        if not descriptor.is_repeated:
            raise SchemaError(f"{descriptor.full_name}: only the messages of a list can hold a whole element")
        element = _WrappedAppender(name, value_field.descriptor.name, _choose_scalar_decoder(value_field))
    else:
        nested = MessageDecoder(message, dialect, path)
        required = _list_required_fields(message, dialect) if field.mapping.or_enclosing else ()
        element = (
            _MessageAppender(name, nested, required)
            if descriptor.is_repeated
            else _MessageSetter(name, nested)
        )
    if field.mapping.no_value:
        return _ValueFilter(re.compile(field.mapping.no_value), element)
    if not descriptor.is_repeated:
        return element
    return _ListDecoder(element, path, separators=SEPARATORS.get(field.mapping.encoding, ""))


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
    if message.full_name == DECIMAL:
        return scalar_decoders.decode_decimal
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
class _PriceSetter:
    """Sets a price. If the value is not one number, sets the field that has the option `range_of` too."""

    name: str
    range_name: str
    decode: PriceDecoder

    def __call__(self, value: Json, message: Message, context: DecodeContext, /) -> None:
        price = self.decode(value, context)
        if isinstance(price, PriceRange):
            price = self._set_range(price, getattr(message, self.range_name))
        if price is not None:
            getattr(message, self.name).CopyFrom(price)

    def _set_range(self, price: PriceRange, field: Any) -> Money:
        """Set the field of the range. Return its lower end."""
        field.text = price.text
        if price.ends is None:
            raise ConversionError("neither a number nor a range")
        low, high = price.ends
        field.min_price.CopyFrom(low)
        field.max_price.CopyFrom(high)
        return low


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
    """Appends a message, unless a required field of it has no value."""

    name: str
    decoder: MessageDecoder
    required: tuple[str, ...]

    def __call__(self, value: Json, message: Message, context: DecodeContext, /) -> None:
        payload = as_object(value)
        if payload is None:
            return
        elements = getattr(message, self.name)
        element = elements.add()
        self.decoder.decode(payload, element, context)
        if not all(getattr(element, name) for name in self.required):
            del elements[-1]


@dataclass(frozen=True, slots=True)
class _Normalizer:
    """Sets an enum from the text of another field: see `normalizes`."""

    name: str
    source: str
    numbers: Mapping[str, int]
    """By normalized word."""

    def __call__(self, message: Message) -> None:
        if number := self.numbers.get(normalize_word(getattr(message, self.source))):
            setattr(message, self.name, number)


def _build_normalizer(field: MappedField) -> _Normalizer:
    enum = field.descriptor.enum_type
    assert enum is not None  # noqa: S101 # checked by check_mapping
    texts = get_enum_texts(enum)
    numbers = {normalize_word(text): number for number in texts for text in texts[number]}
    return _Normalizer(field.descriptor.name, field.mapping.normalizes, numbers)


def _list_required_fields(message: Descriptor, dialect: Dialect) -> tuple[str, ...]:
    return tuple(
        field.descriptor.name
        for field in resolve_fields(message, dialect)
        if field.mapping.required and field.read_names
    )


class _EnclosingAppender:
    """Appends the object that contains a list as an element of it, if it is one: see `or_enclosing`."""

    def __init__(self, name: str, append: _MessageAppender) -> None:
        self._name = name
        self._append = append

    def __call__(self, payload: dict[str, Json], message: Message, context: DecodeContext, /) -> None:
        elements = getattr(message, self._name)
        count = len(elements)
        self._append(payload, message, context)
        keys = [tuple(getattr(element, name) for name in self._append.required) for element in elements]
        if len(elements) > count and keys[-1] in keys[:-1]:
            del elements[-1]


def _build_enclosing_appender(field: MappedField, dialect: Dialect) -> _EnclosingAppender:
    message = field.descriptor.message_type
    required = () if message is None else _list_required_fields(message, dialect)
    if message is None or not required:
        raise SchemaError(f"{field.descriptor.full_name}: or_enclosing needs elements with a required field")
    name = field.descriptor.name
    return _EnclosingAppender(name, _MessageAppender(name, MessageDecoder(message, dialect, name), required))


@dataclass(frozen=True, slots=True)
class _ValueFilter:
    """Skips the values that mean no value: see `no_value`."""

    no_value: re.Pattern[str]
    decode: FieldDecoder

    def __call__(self, value: Json, message: Message, context: DecodeContext, /) -> None:
        text = parse_text(value)
        if text is not None and not self.no_value.fullmatch(text):
            self.decode(value, message, context)


@dataclass(frozen=True, slots=True)
class _WrappedAppender:
    """Appends a message that holds the element, a scalar, in one of its fields."""

    name: str
    value_name: str
    decode: ScalarDecoder

    def __call__(self, value: Json, message: Message, context: DecodeContext, /) -> None:
        decoded = self.decode(value, context)
        if decoded is not None:
            getattr(message, self.name).add(**{self.value_name: decoded})


class _ListDecoder:
    """Appends the elements of a list. An element that cannot be read is left out."""

    def __init__(self, append: FieldDecoder, path: str, *, separators: str) -> None:
        self._append = append
        self._path = path
        self._separators = separators

    def __call__(self, value: Json, message: Message, context: DecodeContext, /) -> None:
        for element in self._get_elements(value):
            if element is None:
                continue
            try:
                self._append(element, message, context)
            except ConversionError:
                context.unreadable.append(self._path)

    def _get_elements(self, value: Json) -> Iterable[Json]:
        """Return the elements of a list, of JSON text, of joined text, or a single element.

        An empty object in place of a list is no element.
        """
        elements = as_list(value)
        if elements is None:
            is_empty = value == {} or (isinstance(value, str) and is_blank(value))
            elements = [] if is_empty else [value]
        if self._separators:
            return split_elements(elements, self._separators)
        return elements
