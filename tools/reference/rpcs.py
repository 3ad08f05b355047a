"""RPCs as sections of a page: what they do, what a repeat does, and what they are at 1688."""

import math
from collections.abc import Callable, Iterator

from google.protobuf.descriptor import MethodDescriptor
from nationalsite.errors.v1 import ErrorReason
from nationalsite.upstream import v1 as upstream_v1
from nationalsite.upstream.v1 import Operation, Refusal

from services.adapter.codec.option_checks import NOT_HERE
from services.adapter.codec.schema import Dialect, Field, Idempotency, level, operation
from services.adapter.factory import CACHE_S
from services.order_sync.sync_sender import ORDERING_KEYS
from services.server.interceptors.deadline import STREAM_LIMITS, UNARY_LIMITS, DeadlineLimits
from tools.reference.comments import Comments
from tools.reference.prose import PREFIX, Prose, code, table
from tools.reference.travel import paths
from tools.reference.types import Types
from tools.reference.wires import is_asked_for

LEVELS = {Idempotency.READ: "read", Idempotency.IDEMPOTENT: "repeatable", Idempotency.ONCE: "once"}
"""What a table says of a level."""
REPEATS = {
    Idempotency.READ: "changes nothing: the suite repeats it after a failure that may pass, and so may you.",
    Idempotency.IDEMPOTENT: (
        "a repeat does no harm: the suite repeats it after a failure that may pass, and so may you."
    ),
    Idempotency.ONCE: (
        "must not be repeated blindly. The suite sends it again only where it cannot have reached 1688; "
        "an outcome that nobody knows is OUTCOME_UNKNOWN."
    ),
}
HANDS_OUT = "hands out"
HANDING_OUT = (
    "each call hands out other messages. Call again as you like: what got lost comes after its lease."
)
"""Of what has no level and is no call to 1688 either."""


class Rpcs:
    """Writes the RPCs of one page."""

    def __init__(self, comments: Comments, types: Types, prose: Prose) -> None:
        self._comments = comments
        self._types = types
        self._prose = prose

    def section(self, method: MethodDescriptor) -> str:
        """Return an RPC with its request and its response."""
        found = {dialect: operation(method, dialect) for dialect in Dialect}
        kinds = dict.fromkeys((method.input_type, method.output_type))
        parts = [
            f"### {method.name}",
            self._signature(method),
            self._prose.paragraphs(self._comments[method.full_name]),
            "\n".join(f"- **{name}:** {self._prose.line(told)}" for name, told in self._facts(method, found)),
            self._at_1688(method, found),
            self._refusals(found),
            *(self._types.section(kind, 4) for kind in kinds),
        ]
        return "\n\n".join(part for part in parts if part)

    def _signature(self, method: MethodDescriptor) -> str:
        takes = f"{'stream ' if method.client_streaming else ''}{self._prose.type(method.input_type)}"
        gives = f"{'stream ' if method.server_streaming else ''}{self._prose.type(method.output_type)}"
        return f"{code(f'/{method.containing_service.full_name}/{method.name}')}<br>{takes} → {gives}"

    def _facts(self, method: MethodDescriptor, found: dict[Dialect, Operation]) -> Iterator[tuple[str, str]]:
        yield "Repeats", HANDING_OUT if label(method) == HANDS_OUT else REPEATS[level(method)]
        if method.name in ORDERING_KEYS:
            yield (
                "Repeats by setting",
                "where the operator has set `NATIONALSITE_REPEAT_SYNCS` to `off`, it is sent once only, "
                "and an outcome that nobody knows is OUTCOME_UNKNOWN.",
            )
        yield "Deadline", _deadline(STREAM_LIMITS if _streams(method) else UNARY_LIMITS)
        if method.name in CACHE_S:
            kept_s = CACHE_S[method.name]
            yield "Cache", f"answers are kept for {kept_s:,.0f} s; the header `nationalsite-cache` tells."
        if "request_id" in method.input_type.fields_by_name:
            yield "Request id", "a repeat with the same `request_id` and content is the same call."

    def _at_1688(self, method: MethodDescriptor, found: dict[Dialect, Operation]) -> str:
        if all(each.local for each in found.values()):
            return "No operation of 1688 of its own: the suite does it, alike in both dialects."
        rows = [
            [name, *(say(method, dialect, each) or "–" for dialect, each in found.items())]
            for name, say in _ROWS.items()
        ]
        kept = [row for row in rows if any(cell != "–" for cell in row[1:])]
        return table(["1688", *(str(dialect) for dialect in found)], kept)

    def _refusals(self, found: dict[Dialect, Operation]) -> str:
        told = {dialect: [self._row(row) for row in each.refusals] for dialect, each in found.items()}
        header = ["1688's code", "its text has", "its payload is", "reason"]
        if len({repr(rows) for rows in told.values()}) == 1:
            rows = next(iter(told.values()))
        else:
            rows = [[*row, str(dialect)] for dialect, rows in told.items() for row in rows]
            header.append("dialect")
        if not rows:
            return ""
        return f"Refusals, the first row that matches counts:\n\n{table(header, rows)}"

    def _row(self, row: Refusal) -> list[str]:
        return [
            ", ".join(code(each) for each in row.codes),
            code(row.text) if row.text else "",
            code(row.payload) if row.payload else "",
            self._prose.reason(ErrorReason.Name(row.reason).removeprefix(PREFIX)),
        ]


def label(method: MethodDescriptor) -> str:
    """Return what a table says of an RPC's level."""
    local = all(operation(method, dialect).local for dialect in Dialect)
    return HANDS_OUT if local and level(method) is Idempotency.ONCE else LEVELS[level(method)]


def _streams(method: MethodDescriptor) -> bool:
    return bool(method.client_streaming or method.server_streaming)


def _deadline(limits: DeadlineLimits) -> str:
    if limits.cap_s == math.inf:
        return "only yours: a stream lasts as long as you like."
    return (
        f"yours, at most {limits.cap_s:g} s; {limits.default_s:g} s where you give none"
        " (`NATIONALSITE_DEADLINES` may say otherwise)."
    )


def _operation(_: MethodDescriptor, __: Dialect, found: Operation) -> str:
    if found.local:
        return "none: the suite does it"
    return "none: UNIMPLEMENTED" if found.api == NOT_HERE else code(found.api)


def _parameters(_: MethodDescriptor, __: Dialect, found: Operation) -> str:
    if found.local:
        return ""
    each = f", a call for each of {code(found.each)}" if found.each else ""
    return (f"JSON in {code(found.param)}" if found.param else "a form field for each") + each


def _payload(_: MethodDescriptor, __: Dialect, found: Operation) -> str:
    if found.local or found.each:
        return ""
    return (code(found.payload) if found.payload else "the envelope") + (
        ", may be absent" if found.may_be_empty else ""
    )


def _token(_: MethodDescriptor, __: Dialect, found: Operation) -> str:
    if found.local:
        return ""
    return "none" if found.anonymous else "needed"


def _requires(method: MethodDescriptor, dialect: Dialect, found: Operation) -> str:
    return _fields(method, dialect, found, is_asked_for)


def _refuses(method: MethodDescriptor, dialect: Dialect, found: Operation) -> str:
    return _fields(method, dialect, found, lambda field: field.wire.absent == upstream_v1.ABSENT_REFUSED)


def _leaves_out(method: MethodDescriptor, dialect: Dialect, found: Operation) -> str:
    return _fields(method, dialect, found, lambda field: field.wire.absent == upstream_v1.ABSENT_LEFT_OUT)


def _fields(
    method: MethodDescriptor, dialect: Dialect, found: Operation, fits: Callable[[Field], bool]
) -> str:
    """Return the paths of the request's fields that fit, each with what may stand in for it."""
    if found.local:
        return ""
    fitting = [(path, field.wire) for path, field in paths(method.input_type, dialect) if fits(field)]
    return ", ".join(
        code(path) + (f" (or {code(wire.required_without)})" if wire.required_without else "")
        for path, wire in fitting
    )


_ROWS: dict[str, Callable[[MethodDescriptor, Dialect, Operation], str]] = {
    "operation": _operation,
    "parameters": _parameters,
    "payload of the answer": _payload,
    "access token": _token,
    "required by it": _requires,
    "refused if set": _refuses,
    "left out": _leaves_out,
}
