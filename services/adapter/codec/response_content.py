"""Decides whether a decoded response has the content that the RPC exists for: see `FieldMapping.required`."""

from collections.abc import Callable, Iterable, Iterator
from enum import Enum, auto
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from services.adapter.codec.conversions import is_blank
from services.adapter.codec.option_checks import SCALAR_MESSAGES
from services.adapter.codec.schema import PAYLOAD, Dialect, MappedField, resolve_fields
from services.adapter.codec.tolerant_json import Json


class Content(Enum):
    """What a response brings."""

    PRESENT = auto()
    """All that it exists for."""
    EMPTY = auto()
    """Lists that 1688 sent empty: nothing was found."""
    MISSING = auto()
    """Not what it exists for, or 1688 sent it in a form that could not be read."""


class ResponseContent:
    """The fields that the responses of one operation exist for."""

    def __init__(self, response: Descriptor, dialect: Dialect) -> None:
        self._fields = {field.descriptor.name: field for field in resolve_fields(response, dialect)}
        self._names = frozenset(name for field in self._fields.values() for name in field.read_names)
        self._groups = tuple(_find_groups(self._fields.values()))

    @property
    def is_page(self) -> bool:
        """Whether the response is a page of a list."""
        return any(field.mapping.counted_by for field in self._fields.values())

    @property
    def upstream_groups(self) -> tuple[tuple[str, ...], ...]:
        """The groups of fields of which one must have content, under 1688's names in the dialect."""
        return tuple(
            tuple(
                name if PAYLOAD in self._fields[name].read_names else self._fields[name].read_names[0]
                for name in group
            )
            for group in self._groups
        )

    def drop_zeros(self, payload: dict[str, Json]) -> dict[str, Json]:
        """Return a payload without the members that it exists for if they are 0: 1688's id of nothing."""
        fields = [self._fields[name] for group in self._groups for name in group]
        names = {name for field in fields for name in field.read_names}
        return {name: value for name, value in payload.items() if name not in names or value not in (0, "0")}

    def find(self, payload: Json, message: Message) -> Content:
        """Return what the message brings. `payload` is the payload from which it was decoded."""
        if not self._groups:
            return Content.PRESENT if _holds_value(message) else Content.MISSING
        found = [
            Content.PRESENT if has_content(message, group) else self._explain(payload, message, group)
            for group in self._groups
        ]
        return next((each for each in (Content.MISSING, Content.EMPTY) if each in found), Content.PRESENT)

    def _explain(self, payload: Json, message: Message, group: tuple[str, ...]) -> Content:
        """Return why no field of a group has content."""
        field = self._fields[group[0]]
        if PAYLOAD in field.read_names and isinstance(payload, list):
            return Content.EMPTY if is_blank_json(payload) else Content.MISSING
        if not field.descriptor.is_repeated or not isinstance(payload, dict):
            return Content.MISSING
        sent = [payload[name] for name in field.read_names if name in payload]
        if field.mapping.or_enclosing or any(value != [] and not is_blank_json(value) for value in sent):
            return Content.MISSING  # the element may be elsewhere, or none of the elements could be read
        if [] in sent:
            return Content.EMPTY
        if not field.mapping.counted_by:
            return Content.EMPTY if sent else Content.MISSING
        count = self._fields[field.mapping.counted_by]
        return self._explain_page(payload, message, count, is_sent=bool(sent))

    def _explain_page(
        self, payload: dict[str, Json], message: Message, count: MappedField, *, is_sent: bool
    ) -> Content:
        """Return whether a page without a list is empty, by the number of elements on all pages."""
        if message.HasField(count.descriptor.name):
            return Content.MISSING if getattr(message, count.descriptor.name) else Content.EMPTY
        if any(not is_blank_json(payload.get(name)) for name in count.read_names):
            return Content.MISSING  # a number that could not be read
        if is_sent:
            return Content.EMPTY
        is_known = [name in self._names for name, value in payload.items() if not is_blank_json(value)]
        return Content.EMPTY if is_known and all(is_known) else Content.MISSING


def build_content_check(groups: tuple[tuple[str, ...], ...]) -> Callable[[dict[str, Any]], bool]:
    """Return a function that tells whether the members of a shadow message have content in each group.

    Without groups, it tells whether any member has content. It looks at the members, since reading the
    fields of a message takes much longer: for a product detail, a third of the time of decoding it.
    """
    if not groups:
        return _holds_member

    def has_content(members: dict[str, Any]) -> bool:
        for group in groups:
            for name in group:
                value = members.get(name)
                if not is_blank(value) if isinstance(value, str) else _holds_member(value):
                    break
            else:
                return False
        return True

    return has_content


def _holds_member(value: Any) -> bool:
    """Whether a value has a member or an element, at any depth, that is neither null nor empty."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return value is not None
    for nested in value:  # noqa: SIM110 # a loop is faster than any() with a generator
        if _holds_member(nested):
            return True
    return False


def has_content(message: Message, names: tuple[str, ...]) -> bool:
    """Whether one of the fields has a value that is not blank: a message or an element must not be empty."""
    return any(_is_filled(message, message.DESCRIPTOR.fields_by_name[name]) for name in names)


def _is_filled(message: Message, field: Any) -> bool:
    value = getattr(message, field.name)
    if field.is_repeated:
        return any(map(_holds_value, value)) if field.message_type else bool(value)
    if field.message_type is not None:
        return _holds_value(value)
    return not is_blank(value) if isinstance(value, str) else message.HasField(field.name)


def _holds_value(message: Message) -> bool:
    """Whether a message has a field, at any depth, that is not an empty message."""
    if message.DESCRIPTOR.full_name in SCALAR_MESSAGES:
        return True
    return any(
        (any(map(_holds_value, value)) if field.is_repeated else _holds_value(value))
        if field.message_type is not None
        else True
        for field, value in message.ListFields()
    )


def is_blank_json(value: Json) -> bool:
    """Whether a value contains nothing but null, blank texts, and empty lists and objects."""
    if isinstance(value, str):
        return is_blank(value)
    if isinstance(value, list):
        return all(map(is_blank_json, value))
    if isinstance(value, dict):
        return all(map(is_blank_json, value.values()))
    return value is None


def _find_groups(fields: Iterable[MappedField]) -> Iterator[tuple[str, ...]]:
    """Yield the groups of fields of which one must have content."""
    for field in fields:
        if not field.read_names:
            continue
        mapping, name = field.mapping, field.descriptor.name
        if mapping.required_without:
            yield (name, mapping.required_without)
        elif mapping.required or mapping.counted_by or PAYLOAD in field.read_names:
            yield (name,)
