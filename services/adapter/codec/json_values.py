"""Reads JSON values in the forms in which 1688 sends them, such as JSON text in place of an object."""

from collections.abc import Iterable

from services.adapter.codec.conversions import ConversionError, is_blank
from services.adapter.codec.tolerant_json import Json, parse

EMPTY_VALUES: tuple[Json, ...] = (None, "", [], {})
"""Values of a member that mean no value."""


def split_elements(elements: Iterable[Json], separators: str) -> list[Json]:
    """Split the texts among the elements, each of which may be several that are joined."""
    parts: list[Json] = []
    for element in elements:
        parts += split_joined(element, separators) if isinstance(element, str) else [element]
    return parts


def split_joined(text: str, separators: str) -> list[str]:
    """Return the parts of a text joined by any of the separators, stripped, without empty ones."""
    for other in separators[1:]:
        text = text.replace(other, separators[0])
    return [part for part in map(str.strip, text.split(separators[0])) if part]


def as_object(value: Json) -> dict[str, Json] | None:
    """Return the object in a value: the object itself, the only element of a list, or JSON text of either.

    None if the value is blank.

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


def try_object(value: Json) -> dict[str, Json] | None:
    """Return the object in a value as `as_object` does; None also if there is none."""
    try:
        return as_object(value)
    except ConversionError:
        return None


def as_list(value: Json) -> list[Json] | None:
    """Return the list in a value: the list itself, or JSON text of one. None for any other value."""
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        try:
            value = parse(value)
        except ValueError:
            return None
    return value if isinstance(value, list) else None
