"""Builds the page of errors: each reason with its rule, and what a caller does."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from google.protobuf.descriptor import EnumValueDescriptor
from nationalsite.errors import v1 as errors_v1

from services.adapter.codec.schema import Dialect, resolve_operation
from services.server.reason_rules import REASON_RULES
from tools.reference.markdown import PREFIX, MarkdownPage, code, table
from tools.reference.proto_comments import ProtoComments
from tools.reference.services import ERRORS_PAGE, SERVICE_PAGES

_ENUM = errors_v1.ErrorReason.DESCRIPTOR
_RULE = errors_v1.ReasonRule.DESCRIPTOR
_RETRIES = {
    errors_v1.RETRY_NEVER: "never",
    errors_v1.RETRY_AFTER_DELAY: "later",
    errors_v1.RETRY_UNSAFE: "unsafe",
}
"""For the table. A reason without one of these stops the generator."""


class MissingAdvice(Exception):
    """The comment of a reason does not say what a caller does."""


def errors_page(comments: ProtoComments) -> str:
    """Return the page. Raises MissingAdvice."""
    markdown = MarkdownPage(ERRORS_PAGE)
    values = [value for value in _ENUM.values if value.number]
    rpcs_by_reason = _rpcs_by_reason()
    rows = [
        [
            markdown.reason_link(_name(value)),
            code(_status(value)),
            _RETRIES[REASON_RULES[_name(value)].retry],
            _delay(value),
            str(value.number),
        ]
        for value in values
    ]
    parts = [
        "# Errors",
        markdown.paragraphs(comments[_ENUM.file.name]),
        f"The reasons are the values of the enum `{_ENUM.full_name}` "
        f"([proto](../../protos/{_ENUM.file.name})), without the prefix `{PREFIX}`.",
        markdown.paragraphs(comments[_ENUM.full_name]),
        table(["reason", "status", "retry", "delay", "no."], rows),
        f"Each value has a `{_RULE.name}`, which programs can read from the descriptor. Its retry is one of:",
        _retry_list(comments, markdown),
        *(_section(value, comments, markdown, rpcs_by_reason[_name(value)]) for value in values),
    ]
    return "\n\n".join(parts)


def _section(
    value: EnumValueDescriptor, comments: ProtoComments, markdown: MarkdownPage, rpcs: list[str]
) -> str:
    comment = comments[f"{_ENUM.full_name}.{value.name}"]
    meaning, separator, advice = comment.rpartition("\n\nDo: ")
    if not separator:
        raise MissingAdvice(value.name)
    parts = [
        f"## {_name(value)}",
        f"{code(_status(value))}, number {value.number}",
        markdown.paragraphs(meaning),
        f"**Do:** {markdown.inline(advice)}",
        "\n".join(f"- **{name}:** {text}" for name, text in _facts(value)),
    ]
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


def _facts(value: EnumValueDescriptor) -> Iterator[tuple[str, str]]:
    rule = REASON_RULES[_name(value)]
    yield "Retry", f"{_RETRIES[rule.retry]}{f', after {_delay(value)}' if _delay(value) else ''}"
    if rule.retried_by_service:
        yield "Pushback", "-1, because the service has already retried its call to 1688"
    option = value.GetOptions().Extensions[errors_v1.rule]
    if option.metadata:
        yield "Metadata", _list_names(option.metadata)
    if option.details:
        yield "Details", _list_names(option.details)


def _list_names(names: Iterable[str]) -> str:
    return ", ".join(code(name.removesuffix("?")) + (" (optional)" * name.endswith("?")) for name in names)


def _retry_list(comments: ProtoComments, markdown: MarkdownPage) -> str:
    values = errors_v1.Retry.DESCRIPTOR.values_by_number
    return "\n".join(
        f"- **{text}** ({code(values[number].name)}):"
        f" {markdown.inline(comments[f'{errors_v1.Retry.DESCRIPTOR.full_name}.{values[number].name}'])}"
        for number, text in _RETRIES.items()
    )


def _delay(value: EnumValueDescriptor) -> str:
    delay_ms = REASON_RULES[_name(value)].retry_delay_ms
    return "" if delay_ms is None else f"{delay_ms:,} ms"


def _status(value: EnumValueDescriptor) -> str:
    return REASON_RULES[_name(value)].status.name


def _name(value: EnumValueDescriptor) -> str:
    return str(value.name).removeprefix(PREFIX)
