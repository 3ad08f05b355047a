"""Builds the page of errors: each reason with its status, its retry delay, and what a caller does."""

from collections import defaultdict

from google.protobuf.descriptor import EnumValueDescriptor
from google.rpc import code_pb2
from nationalsite.errors import v1 as errors_v1

from services.adapter.codec.schema import Dialect, resolve_operation
from services.server.status import NON_RETRYABLE, RETRY_AFTER_MS
from tools.reference.advice import ADVICE
from tools.reference.markdown import PREFIX, MarkdownPage, code, table
from tools.reference.proto_comments import ProtoComments
from tools.reference.services import ERRORS_PAGE, SERVICE_PAGES

_ENUM = errors_v1.ErrorReason.DESCRIPTOR


def errors_page(comments: ProtoComments) -> str:
    """Return the page. Raises KeyError if a reason has no advice."""
    markdown = MarkdownPage(ERRORS_PAGE)
    values = [value for value in _ENUM.values if value.number]
    rpcs_by_reason = _rpcs_by_reason()
    rows = [
        [markdown.reason_link(_name(value)), code(_status(value)), _retry(_name(value)), str(value.number)]
        for value in values
    ]
    parts = [
        "# Errors",
        markdown.paragraphs(comments[_ENUM.file.name]),
        f"The reasons are the values of the enum `{_ENUM.full_name}` "
        f"([proto](../../protos/{_ENUM.file.name})), without the prefix `{PREFIX}`.",
        table(["reason", "status", "retry", "no."], rows),
        "Any release can add reasons. Handle a reason that you do not know by its status.",
        *(_section(value, comments, markdown, rpcs_by_reason[_name(value)]) for value in values),
    ]
    return "\n\n".join(parts)


def _section(
    value: EnumValueDescriptor, comments: ProtoComments, markdown: MarkdownPage, rpcs: list[str]
) -> str:
    name = _name(value)
    parts = [
        f"## {name}",
        f"{code(_status(value))}, number {value.number}",
        markdown.paragraphs(comments[f"{_ENUM.full_name}.{value.name}"]),
        f"**Do:** {markdown.inline(ADVICE[name])}",
    ]
    if name in RETRY_AFTER_MS:
        parts.append(f"Delay in `RetryInfo` and pushback: {RETRY_AFTER_MS[name]:,} ms.")
    if rpcs:
        parts.append(
            f"RPCs with an error mapping to it: {', '.join(markdown.rpc_link(rpc) for rpc in rpcs)}."
        )
    return "\n\n".join(parts)


def _rpcs_by_reason() -> defaultdict[str, list[str]]:
    """Return the RPCs whose error mappings lead to each reason."""
    rpcs: defaultdict[str, list[str]] = defaultdict(list)
    for service in SERVICE_PAGES.values():
        for method in service.methods:
            reasons = [
                row.reason for dialect in Dialect for row in resolve_operation(method, dialect).error_mappings
            ]
            for reason in dict.fromkeys(reasons):
                rpcs[errors_v1.ErrorReason.Name(reason).removeprefix(PREFIX)].append(method.name)
    return rpcs


def _retry(name: str) -> str:
    if name in NON_RETRYABLE:
        return "never"
    return f"after {RETRY_AFTER_MS[name]:,} ms" if name in RETRY_AFTER_MS else ""


def _status(value: EnumValueDescriptor) -> str:
    return str(code_pb2.Code.Name(value.GetOptions().Extensions[errors_v1.status]))


def _name(value: EnumValueDescriptor) -> str:
    return str(value.name).removeprefix(PREFIX)
