"""Compares the member names of 1688's responses with the names that the protos have.

It finds unknown members, which no field reads, and documented members that a response lacks. It looks at
names only, never at values, and needs the parsed response: the fast decoder does not see unknown members.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from google.protobuf.descriptor import Descriptor
from nationalsite.upstream import v1 as upstream_v1

from services.adapter.codec.decoder import (
    find_value_field,
    get_member_names,
    split_path,
)
from services.adapter.codec.envelope import FLAGS
from services.adapter.codec.json_values import as_list, try_object
from services.adapter.codec.option_checks import SCALAR_MESSAGES
from services.adapter.codec.schema import (
    PAYLOAD,
    Dialect,
    MappedField,
    get_omitted_members,
    resolve_fields,
)
from services.adapter.codec.tolerant_json import Json
from services.adapter.error_words import CODES, TEXTS

HIDDEN_NAME = "*"
"""Stands in a path for a name that may be a value: some objects have ids or texts as names."""

_ENVELOPE = frozenset((*FLAGS, *CODES, *TEXTS))
_IGNORED = ("pageSize", "totalPage")
"""Documented members of a page that have no field on purpose: see ADR 0081."""
_WRAPPERS = ("result", "data")
"""Members that may hold the envelope or the payload, besides those on the payload's path."""
_NAME = re.compile(r"(?=.{1,64}\Z)[A-Za-z_]+(?:[0-9]{1,3}(?![0-9])[A-Za-z_]*)*")
"""A name that a programmer chose. A name with more than three digits in a row may be an id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberDifferences:
    """The member names of one response, compared with those of the protos.

    A path has 1688's names from the top of the response, without the indexes of lists.
    """

    unknown: tuple[str, ...]
    """Paths of members that no field reads, each once. What such a member contains is not listed."""
    absent: tuple[str, ...]
    """Paths of members that the dialect documents and none of the objects at the place has.

    What an absent member would contain is not listed."""


class MemberComparer:
    """Compares the responses of one operation."""

    def __init__(self, response: Descriptor, dialect: Dialect, payload_paths: Iterable[str]) -> None:
        """`payload_paths` are the paths of the payload below the envelope, one for each dialect."""
        fields = resolve_fields(response, dialect)
        payload_field = next((each for each in fields if PAYLOAD in each.read_names), None)
        self._payload = (
            _build_shape(response, dialect, also_known=(*_ENVELOPE, *_IGNORED))
            if payload_field is None
            else _get_shape(payload_field, dialect)
        )
        path_names = (name for path in payload_paths for name in path.split(".") if name)
        self._wrappers = frozenset((*path_names, *_WRAPPERS))
        self._known = frozenset((*_ENVELOPE, *get_omitted_members(response)))
        """Members around the payload."""

    def compare(self, response: Json, payload: Json) -> MemberDifferences:
        """Compare a response. `payload` is its payload, None if it has none."""
        findings = _Findings()
        self._compare_envelope(response, payload, "", findings)
        return MemberDifferences(
            unknown=tuple(dict.fromkeys(findings.unknown)),
            absent=tuple(
                path + names[0]
                for path, (shape, present) in findings.objects.items()
                for names in shape.documented
                if present.isdisjoint(names)
            ),
        )

    def _compare_envelope(self, value: Json, payload: Json, path: str, findings: "_Findings") -> None:
        """Compare everything around the payload, then the payload. `path` ends in a dot, or is empty."""
        body = try_object(value)
        if payload is not None and payload in (value, body, as_list(value)):
            if self._payload is not None:
                _compare(payload, self._payload, path, findings)
            return
        for name, member in (body or {}).items():
            if name in self._wrappers:
                self._compare_envelope(member, payload, f"{path}{name}.", findings)
            elif name not in self._known:
                findings.unknown.append(path + _printable(name))


class _Shape:
    """The members that the protos have for a JSON object."""

    def __init__(self) -> None:
        self.members: dict[str, _Shape | None] = {}
        """By name: the shape of the objects that the member holds, None if it holds none or any."""
        self.documented: list[tuple[str, ...]] = []
        """All names of each field that the dialect documents; its own name is the first."""

    def put(self, path: str, shape: "_Shape | None") -> None:
        """Add a member by its path below the object."""
        *parents, name = split_path(path)
        owner = self.get_parent(parents)
        if shape is not None or name not in owner.members:
            owner.members[name] = shape

    def get_parent(self, names: Iterable[str]) -> "_Shape":
        """Return the shape of the object at a path, and add the objects on the path that are missing."""
        owner = self
        for name in names:
            nested = owner.members.get(name)
            if nested is None:
                nested = owner.members[name] = _Shape()
            owner = nested
        return owner


def _build_shape(message: Descriptor, dialect: Dialect, *, also_known: Iterable[str] = ()) -> _Shape:
    shape = _Shape()
    shape.members.update(dict.fromkeys(also_known))
    fields = [each for each in resolve_fields(message, dialect) if each.read_names]
    # The fields with short paths first: what a path is added to is not replaced then.
    for each in sorted(fields, key=lambda each: max(name.count(".") for name in each.read_names)):
        for name in each.read_names:
            shape.put(name, _get_shape(each, dialect))
    for each in fields:
        nested = each.descriptor.message_type
        if each.mapping.or_enclosing and nested is not None:
            for name in get_member_names(nested, dialect):
                shape.put(name, None)
        if not each.mapping.unmapped:
            *parents, _ = split_path(each.read_names[0])
            siblings = [name for name in each.read_names if split_path(name)[:-1] == parents]
            shape.get_parent(parents).documented.append(tuple(split_path(name)[-1] for name in siblings))
    for name in get_omitted_members(message):
        shape.put(name, None)
    return shape


@dataclass(slots=True)
class _Findings:
    unknown: list[str] = field(default_factory=list)
    objects: dict[str, tuple[_Shape, set[str]]] = field(default_factory=dict)
    """By path: the shape of the objects there, and every name that one of them has."""


_Members: TypeAlias = dict[str, Json]


def _compare(value: Json, shape: _Shape, path: str, findings: _Findings) -> None:
    """Compare an object, or the objects of a list."""
    for each in _find_objects(value):
        _, present = findings.objects.setdefault(path, (shape, set()))
        present.update(each)
        for name, member in each.items():
            if name not in shape.members:
                findings.unknown.append(path + _printable(name))
            elif (nested := shape.members[name]) is not None:
                _compare(member, nested, f"{path}{name}.", findings)


def _get_shape(field_: MappedField, dialect: Dialect) -> _Shape | None:
    message = field_.descriptor.message_type
    if (
        message is None
        or message.full_name in SCALAR_MESSAGES
        or field_.mapping.encoding == upstream_v1.ENCODING_RAW_JSON
        or field_.range_name
        or find_value_field(message, dialect) is not None
    ):
        return None
    return _build_shape(message, dialect)


def _find_objects(value: Json) -> list[_Members]:
    """Return the objects that the tolerant decoder would read: of a list, in JSON text, or the value."""
    elements = as_list(value)
    found = (try_object(element) for element in ([value] if elements is None else elements))
    return [each for each in found if each is not None]


def _printable(name: str) -> str:
    return name if _NAME.fullmatch(name) else HIDDEN_NAME
