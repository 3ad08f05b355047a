"""Where messages go: which of them 1688 gets or gives, in which dialect."""

from collections.abc import Iterable, Iterator

from google.protobuf.descriptor import Descriptor, MethodDescriptor
from nationalsite.upstream import v1 as upstream_v1

from services.adapter.codec.option_checks import NOT_HERE
from services.adapter.codec.schema import Dialect, Field, arms, fields, operation
from tools.reference.services import REPLAY, SERVED

_OURS = "nationalsite."


class Travel:
    """What goes over the wire to 1688, of all services together."""

    def __init__(self) -> None:
        methods = [method for service in (*SERVED.values(), REPLAY) for method in service.methods]
        pushed = [kind for method in methods for kind in below(method.output_type) if _is_pushed(kind)]
        self._read = {kind.full_name for message in pushed for kind in below(message)}
        self._written: dict[Dialect, set[str]] = {}
        self._each: dict[tuple[str, Dialect], str] = {}
        for dialect in Dialect:
            spoken = [(method, operation(method, dialect)) for method in methods]
            spoken = [(method, found) for method, found in spoken if found.api not in ("", NOT_HERE)]
            self._written[dialect] = {
                kind.full_name for method, _ in spoken for kind in below(method.input_type)
            }
            self._read |= {kind.full_name for method, _ in spoken for kind in below(method.output_type)}
            self._each |= {(method.input_type.full_name, dialect): found.each for method, found in spoken}

    def dialects(self, message: Descriptor) -> tuple[Dialect, ...]:
        """Return the dialects in which a message goes to 1688 or comes from there."""
        name = message.full_name
        return tuple(each for each in Dialect if name in self._read or name in self._written[each])

    def is_only_read(self, message: Descriptor) -> bool:
        """Return whether 1688 gives a message and never gets it."""
        return not any(message.full_name in self._written[dialect] for dialect in Dialect)

    def each(self, message: Descriptor, dialect: Dialect) -> str:
        """Return the field of a request whose elements travel in calls of their own; empty: none does."""
        return self._each.get((message.full_name, dialect), "")


def wires(message: Descriptor, dialect: Dialect) -> dict[str, Field]:
    """Return how the fields of a message travel, by their names."""
    by_topic = arms(message, dialect).values()
    return {each.descriptor.name: each for each in (*fields(message, dialect), *by_topic)}


def below(message: Descriptor) -> Iterator[Descriptor]:
    """Yield a message and all of ours that it is made of, each once."""
    seen: dict[str, Descriptor] = {}
    open_ends = [message]
    while open_ends:
        kind = open_ends.pop()
        if kind.full_name.startswith(_OURS) and kind.full_name not in seen:
            seen[kind.full_name] = kind
            open_ends += [field.message_type for field in kind.fields if field.message_type]
    return iter(seen.values())


def paths(message: Descriptor, dialect: Dialect, prefix: str = "") -> Iterator[tuple[str, Field]]:
    """Yield every field of a request, however deep, by its path; lists stand as `name[]`."""
    for name, field in wires(message, dialect).items():
        path = f"{prefix}{name}{'[]' if field.descriptor.is_repeated else ''}"
        yield path, field
        kind = field.descriptor.message_type
        if kind and kind.full_name.startswith(_OURS):
            yield from paths(kind, dialect, f"{path}.")


def rpcs_of(methods: Iterable[MethodDescriptor], dialect: Dialect) -> list[tuple[MethodDescriptor, str]]:
    """Return RPCs and 1688's ids of their operations, those that have one."""
    found = [(method, operation(method, dialect).api) for method in methods]
    return [(method, api) for method, api in found if api not in ("", NOT_HERE)]


def _is_pushed(message: Descriptor) -> bool:
    """Whether 1688 pushes it: its arms are read by topic."""
    return any(field.GetOptions().Extensions[upstream_v1.wire].topics for field in message.fields)
