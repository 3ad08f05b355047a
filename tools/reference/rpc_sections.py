"""Builds the sections of RPCs: what they do, whether to retry, which operations of 1688 they call."""

import math
from collections.abc import Callable, Iterator

from google.protobuf.descriptor import MethodDescriptor
from nationalsite.errors.v1 import ErrorReason
from nationalsite.upstream import v1 as upstream_v1
from nationalsite.upstream.v1 import ErrorMapping, Operation

from services.adapter.codec.option_checks import NO_OPERATION
from services.adapter.codec.schema import (
    Dialect,
    Idempotency,
    MappedField,
    get_idempotency,
    resolve_operation,
)
from services.adapter.factory import CACHE_TTL_S
from services.order_sync.sync_sender import ORDERING_KEYS
from services.server.interceptors.deadline import STREAM_LIMITS, UNARY_LIMITS
from services.server.settings import DeadlineLimits
from services.validation import get_request_bounds
from tools.reference.field_mappings import is_required_of_caller
from tools.reference.markdown import PREFIX, MarkdownPage, code, table
from tools.reference.proto_comments import ProtoComments
from tools.reference.reachability import field_paths
from tools.reference.samples import Samples
from tools.reference.type_sections import TypeSections

IDEMPOTENCY_LABELS = {
    Idempotency.NO_SIDE_EFFECTS: "read-only",
    Idempotency.IDEMPOTENT: "idempotent",
    Idempotency.NON_IDEMPOTENT: "not idempotent",
}
RETRY_TEXTS = {
    Idempotency.NO_SIDE_EFFECTS: (
        "read-only. The service retries it after a transient failure, and you may retry it."
    ),
    Idempotency.IDEMPOTENT: (
        "idempotent. The service retries it after a transient failure, and you may retry it."
    ),
    Idempotency.NON_IDEMPOTENT: (
        "not idempotent: do not retry it without a check. The service retries it only if it cannot have"
        " reached 1688. If the outcome is unknown, the error is OUTCOME_UNKNOWN."
    ),
}
DELIVERY_LABEL = "delivers messages"
DELIVERY_TEXT = (
    "each call delivers other messages. You may retry it: a lost message is redelivered when its lease ends."
)
"""Of RPCs that deliver messages: they are not idempotent, but local."""


class RpcSections:
    """Builds the sections of RPCs."""

    def __init__(self, comments: ProtoComments, type_sections: TypeSections, markdown: MarkdownPage) -> None:
        self._comments = comments
        self._type_sections = type_sections
        self._markdown = markdown
        self._samples = Samples()

    def section(self, method: MethodDescriptor) -> str:
        """Return the section of an RPC, with its request, its response and an example."""
        operations = {dialect: resolve_operation(method, dialect) for dialect in Dialect}
        types = dict.fromkeys((method.input_type, method.output_type))
        parts = [
            f"### {method.name}",
            self._signature(method),
            self._markdown.paragraphs(self._comments[method.full_name]),
            "\n".join(f"- **{name}:** {self._markdown.inline(text)}" for name, text in self._facts(method)),
            self._upstream_table(method, operations),
            self._error_mappings(operations),
            *self._samples.examples(method.name),
            *(self._type_sections.section(type_, 4) for type_ in types),
        ]
        return "\n\n".join(part for part in parts if part)

    def _signature(self, method: MethodDescriptor) -> str:
        request = self._markdown.type_link(method.input_type)
        response = self._markdown.type_link(method.output_type)
        return (
            f"{code(f'/{method.containing_service.full_name}/{method.name}')}<br>"
            f"{'stream ' if method.client_streaming else ''}{request} → "
            f"{'stream ' if method.server_streaming else ''}{response}"
        )

    def _facts(self, method: MethodDescriptor) -> Iterator[tuple[str, str]]:
        is_delivery = idempotency_label(method) == DELIVERY_LABEL
        yield "Retry", DELIVERY_TEXT if is_delivery else RETRY_TEXTS[get_idempotency(method)]
        if method.name in ORDERING_KEYS:
            yield (
                "Retry by setting",
                "if the operator has set `NATIONALSITE_RETRY_SYNCS` to `off`, the service does not retry it,"
                " and an unknown outcome is OUTCOME_UNKNOWN.",
            )
        yield "Deadline", _deadline(STREAM_LIMITS if _is_streaming(method) else UNARY_LIMITS)
        yield (
            "Size",
            f"a request has at most {get_request_bounds(method.input_type).max_bytes:,} bytes, serialized.",
        )
        if method.name in CACHE_TTL_S:
            yield (
                "Cache",
                f"responses are cached for {CACHE_TTL_S[method.name]:,.0f} s;"
                " see the metadata key `nationalsite-cache`.",
            )
        if "request_id" in method.input_type.fields_by_name:
            yield (
                "Request id",
                "a retry with the same `request_id` and content returns the response of the first call.",
            )

    def _upstream_table(self, method: MethodDescriptor, operations: dict[Dialect, Operation]) -> str:
        if all(option.local for option in operations.values()):
            return "This RPC is not an operation of 1688. It works the same in both dialects."
        rows = [
            [name, *(describe(method, dialect, option) or "–" for dialect, option in operations.items())]
            for name, describe in _ROWS.items()
        ]
        rows = [row for row in rows if any(cell != "–" for cell in row[1:])]
        return table(["1688", *(str(dialect) for dialect in operations)], rows)

    def _error_mappings(self, operations: dict[Dialect, Operation]) -> str:
        rows_by_dialect = {
            dialect: [self._error_mapping(row) for row in option.error_mappings]
            for dialect, option in operations.items()
        }
        header = ["1688's code", "1688's text contains", "1688's payload is", "reason"]
        if len({repr(rows) for rows in rows_by_dialect.values()}) == 1:
            rows = next(iter(rows_by_dialect.values()))
        else:
            rows = [[*row, str(dialect)] for dialect, rows in rows_by_dialect.items() for row in rows]
            header.append("dialect")
        if not rows:
            return ""
        return f"Error mappings; the first row that matches applies:\n\n{table(header, rows)}"

    def _error_mapping(self, row: ErrorMapping) -> list[str]:
        return [
            ", ".join(code(upstream_code) for upstream_code in row.codes),
            code(row.text) if row.text else "",
            code(row.payload) if row.payload else "",
            self._markdown.reason_link(ErrorReason.Name(row.reason).removeprefix(PREFIX)),
        ]


def idempotency_label(method: MethodDescriptor) -> str:
    """Return the idempotency of an RPC, for a table."""
    is_local = all(resolve_operation(method, dialect).local for dialect in Dialect)
    return (
        DELIVERY_LABEL
        if is_local and get_idempotency(method) is Idempotency.NON_IDEMPOTENT
        else IDEMPOTENCY_LABELS[get_idempotency(method)]
    )


def _is_streaming(method: MethodDescriptor) -> bool:
    return bool(method.client_streaming or method.server_streaming)


def _deadline(limits: DeadlineLimits) -> str:
    if limits.cap_s == math.inf:
        return "set by the caller; a stream has no limit."
    return (
        f"set by the caller, at most {limits.cap_s:g} s; {limits.default_s:g} s if it sets none"
        " (the operator can change both: `NATIONALSITE_DEADLINES`)."
    )


def _operation(_: MethodDescriptor, __: Dialect, option: Operation) -> str:
    if option.local:
        return "none"
    return "none: OPERATION_NOT_IN_DIALECT" if option.api == NO_OPERATION else code(option.api)


def _parameters(_: MethodDescriptor, __: Dialect, option: Operation) -> str:
    if option.local:
        return ""
    fan_out = f", one call for each of {code(option.fan_out)}" if option.fan_out else ""
    return (f"JSON in {code(option.param)}" if option.param else "one form field each") + fan_out


def _constants(_: MethodDescriptor, __: Dialect, option: Operation) -> str:
    return ", ".join(code(f"{name}={value}") for name, value in sorted(option.constants.items()))


def _empty_responses(_: MethodDescriptor, __: Dialect, option: Operation) -> str:
    return ", ".join(code(each) for row in option.empty_responses for each in (*row.codes, row.text) if each)


def _payload(_: MethodDescriptor, __: Dialect, option: Operation) -> str:
    if option.local or option.fan_out:
        return ""
    return (code(option.payload) if option.payload else "the envelope") + (
        ", can be absent" if option.may_be_empty else ""
    )


def _token(_: MethodDescriptor, __: Dialect, option: Operation) -> str:
    if option.local:
        return ""
    return "none" if option.no_access_token else "required"


def _required(method: MethodDescriptor, dialect: Dialect, _: Operation) -> str:
    return _fields(method, dialect, is_required_of_caller)


def _rejected(method: MethodDescriptor, dialect: Dialect, _: Operation) -> str:
    return _fields(
        method, dialect, lambda field: field.mapping.unmapped == upstream_v1.UNMAPPED_FIELD_POLICY_REJECT
    )


def _dropped(method: MethodDescriptor, dialect: Dialect, _: Operation) -> str:
    return _fields(
        method, dialect, lambda field: field.mapping.unmapped == upstream_v1.UNMAPPED_FIELD_POLICY_DROP
    )


def _fields(method: MethodDescriptor, dialect: Dialect, is_included: Callable[[MappedField], bool]) -> str:
    """Return the paths of the included fields of the request, each with its alternative."""
    included = [
        (path, field.mapping) for path, field in field_paths(method.input_type, dialect) if is_included(field)
    ]
    return ", ".join(
        code(path) + (f" (or {code(mapping.required_without)})" if mapping.required_without else "")
        for path, mapping in included
    )


_ROWS: dict[str, Callable[[MethodDescriptor, Dialect, Operation], str]] = {
    "operation": _operation,
    "parameters": _parameters,
    "always sent": _constants,
    "payload of the response": _payload,
    "errors that mean nothing yet": _empty_responses,
    "access token": _token,
    "required": _required,
    "rejected if set": _rejected,
    "dropped": _dropped,
}
