"""Every member that docs/upstream/purchase documents has a field, or is omitted for a reason."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf.descriptor import Descriptor
from nationalsite.upstream import v1 as upstream_v1

from services.adapter.codec.envelope import FLAGS
from services.adapter.codec.option_checks import SCALAR_MESSAGES
from services.adapter.codec.schema import Dialect, get_omitted_members, resolve_fields, resolve_operation
from services.adapter.error_words import CODES, TEXTS
from tests.adapter.codec.test_samples import OPERATIONS
from tests.support.sample_cases import UPSTREAM_METHODS
from tools.reference.reachability import reachable_messages

REFERENCE = Path(__file__).parents[3] / "docs" / "upstream" / "purchase" / "purchase.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the reference says of an operation."""

    api_id: str
    request: tuple[str, ...]
    """The paths of the request's members. Several names at the end of a path are joined by a comma."""
    response: tuple[str, ...]


def read_entries() -> dict[str, Entry]:
    """Return the operations of the reference, by slug."""
    text = REFERENCE.read_text(encoding="utf-8")
    operations = yaml.load(text, yaml.CSafeLoader)["operations"]  # safe, and faster
    return {
        operation["slug"]: Entry(
            api_id=operation["open_platform"]["api_id"],
            request=tuple(member["name"] for member in operation["request"]["open_platform"]),
            response=tuple(member["path"] for member in operation["response"]["open_platform"]["fields"]),
        )
        for operation in operations
    }


ENTRIES = read_entries()
NOT_SERVED = {
    "fast_create_order": "not in the cross-border solution: its apps may not call it",
    "query_refunds_by_order": "a part of query_order_refund_list: in-sale refunds only, and no closed ones",
}
RPCS = {
    slug: next(
        name
        for name in UPSTREAM_METHODS
        if resolve_operation(UPSTREAM_METHODS[name], Dialect.OPEN_PLATFORM).api == entry.api_id
    )
    for slug, entry in ENTRIES.items()
    if slug not in NOT_SERVED
}
ERROR_NAMES = (*CODES, *TEXTS)


def test_every_operation_is_served_or_omitted() -> None:
    assert len(RPCS) == 15
    assert RPCS.keys() | NOT_SERVED.keys() == ENTRIES.keys()
    assert all(NOT_SERVED.values())


@pytest.mark.parametrize("slug", RPCS)
def test_every_request_member_is_sent_or_omitted(slug: str) -> None:
    method = UPSTREAM_METHODS[RPCS[slug]]
    operation = resolve_operation(method, Dialect.OPEN_PLATFORM)
    known = {*operation.constants, *list_request_paths(method.input_type)}
    if operation.param:
        known = {operation.param, *(f"{operation.param}.{path}" for path in known)}
    documented = {name for path in ENTRIES[slug].request for name in split_names(path)}
    assert {path for path in documented if not is_known(path, known)} == set()


@pytest.mark.parametrize("slug", RPCS)
def test_every_response_member_is_read_or_omitted(slug: str) -> None:
    response = build_response(ENTRIES[slug].response)
    assert OPERATIONS["open-platform", RPCS[slug]].compare_members(response).unknown == ()


def test_every_omission_has_a_reason_and_is_documented() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    omissions = list(list_omissions())
    assert len(omissions) > 20
    for message, omitted in omissions:
        assert omitted.reason.strip(), message
        undocumented = [name for name in omitted.names if name.rpartition(".")[2] not in text]
        assert not undocumented, message


def list_omissions() -> Iterator[tuple[str, upstream_v1.OmittedMembers]]:
    """Yield every omission of the messages of purchase operations, with the name of its message."""
    seen = set()
    for rpc in RPCS.values():
        method = UPSTREAM_METHODS[rpc]
        for message in (*reachable_messages(method.input_type), *reachable_messages(method.output_type)):
            if message.full_name not in seen:
                seen.add(message.full_name)
                for omitted in message.GetOptions().Extensions[upstream_v1.message].omitted:
                    yield message.full_name, omitted


def list_request_paths(message: Descriptor) -> Iterator[str]:
    """Yield the path of every member that a request can have, or that is omitted."""
    yield from get_omitted_members(message)
    for field in resolve_fields(message, Dialect.OPEN_PLATFORM):
        if field.mapping.unmapped:
            continue
        yield field.upstream_name
        nested = field.descriptor.message_type
        if nested is not None and nested.full_name not in SCALAR_MESSAGES:
            yield from (f"{field.upstream_name}.{path}" for path in list_request_paths(nested))


def is_known(path: str, known: set[str]) -> bool:
    """Whether a path is known, or an object that contains it and of which no member is known by itself."""
    names = path.replace("[]", "").split(".")
    containers = [".".join(names[:length]) for length in range(1, len(names))]
    opened = {each for each in containers if any(other.startswith(f"{each}.") for other in known)}
    return ".".join(names) in known or any(each in known and each not in opened for each in containers)


def split_names(path: str) -> Iterator[str]:
    """Yield the paths in a documented name: `a.b, c` is `a.b` and `a.c`."""
    first, *others = path.split(", ")
    yield first
    yield from (f"{first.rpartition('.')[0]}.{other}" for other in others)


def build_response(paths: Iterable[str]) -> dict[str, Any]:
    """Build a response with every documented member, as a success."""
    response: dict[str, Any] = {}
    for documented in paths:
        for path in split_names(documented):
            *parents, name = path.split(".")
            owner = response
            for parent in parents:
                owner = enter(owner, parent)
            put(owner, name)
    return response


def enter(owner: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the object that a member holds; `[]` at the end of the name means a list of one object."""
    key = name.removesuffix("[]")
    value = owner.get(key)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return value[0]
    if isinstance(value, dict):
        return value
    nested: dict[str, Any] = {}
    owner[key] = [nested] if name.endswith("[]") else nested
    return nested


def put(owner: dict[str, Any], name: str) -> None:
    key = name.removesuffix("[]")
    if key in FLAGS:
        owner[key] = True
    elif key not in ERROR_NAMES:
        owner.setdefault(key, ["1"] if name.endswith("[]") else "1")
