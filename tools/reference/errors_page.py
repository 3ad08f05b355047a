"""The page of errors: every reason with its status, what it comes with, and what a caller does."""

from collections import defaultdict

from google.protobuf.descriptor import EnumValueDescriptor
from google.rpc import code_pb2
from nationalsite.errors import v1 as errors_v1

from services.adapter.codec.schema import Dialect, operation
from services.server.status import NON_RETRYABLE, RETRY_AFTER_MS
from tools.reference.advice import ADVICE
from tools.reference.comments import Comments
from tools.reference.prose import PREFIX, Prose, code, table
from tools.reference.services import ERRORS_PAGE, SERVED

_ENUM = errors_v1.ErrorReason.DESCRIPTOR


def errors_page(comments: Comments) -> str:
    """Return the page. KeyError: a reason has no advice."""
    prose = Prose(ERRORS_PAGE)
    values = [value for value in _ENUM.values if value.number]
    refused = _refused()
    rows = [
        [prose.reason(_name(value)), code(_status(value)), _repeat(_name(value)), str(value.number)]
        for value in values
    ]
    parts = [
        "# Errors",
        prose.paragraphs(comments[_ENUM.file.name]),
        "What follows is the enum "
        f"`{_ENUM.full_name}` ([proto](../../protos/{_ENUM.file.name})); its names begin with `{PREFIX}`.",
        table(["reason", "status", "repeat", "no."], rows),
        "New reasons may come with any release: treat one that you do not know by its status.",
        *(_section(value, comments, prose, refused[_name(value)]) for value in values),
    ]
    return "\n\n".join(parts)


def _section(value: EnumValueDescriptor, comments: Comments, prose: Prose, refused: list[str]) -> str:
    name = _name(value)
    parts = [
        f"## {name}",
        f"{code(_status(value))}, number {value.number}",
        prose.paragraphs(comments[f"{_ENUM.full_name}.{value.name}"]),
        f"**Do:** {prose.line(ADVICE[name])}",
    ]
    if name in RETRY_AFTER_MS:
        parts.append(f"`RetryInfo` and pushback: {RETRY_AFTER_MS[name]:,} ms.")
    if refused:
        parts.append(f"Refusals of 1688's that mean it: {', '.join(prose.rpc(rpc) for rpc in refused)}.")
    return "\n\n".join(parts)


def _refused() -> defaultdict[str, list[str]]:
    """Return the RPCs whose refusal rows lead to each reason."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for service in SERVED.values():
        for method in service.methods:
            reasons = [row.reason for each in Dialect for row in operation(method, each).refusals]
            for reason in dict.fromkeys(reasons):
                found[errors_v1.ErrorReason.Name(reason).removeprefix(PREFIX)].append(method.name)
    return found


def _repeat(name: str) -> str:
    if name in NON_RETRYABLE:
        return "never"
    return f"after {RETRY_AFTER_MS[name]:,} ms" if name in RETRY_AFTER_MS else ""


def _status(value: EnumValueDescriptor) -> str:
    return str(code_pb2.Code.Name(value.GetOptions().Extensions[errors_v1.status]))


def _name(value: EnumValueDescriptor) -> str:
    return str(value.name).removeprefix(PREFIX)
