"""Builds the index: the pages, how to read them, and every operation of 1688 that is called."""

from google.protobuf.descriptor import MethodDescriptor

from services.adapter.codec.schema import Dialect
from tools.reference.markdown import MarkdownPage, code, first_sentence, table
from tools.reference.proto_comments import ProtoComments
from tools.reference.reachability import upstream_operations
from tools.reference.rpc_sections import (
    DELIVERY_LABEL,
    DELIVERY_TEXT,
    IDEMPOTENCY_LABELS,
    RETRY_TEXTS,
    idempotency_label,
)
from tools.reference.services import ERRORS_PAGE, PAGE_OF_RPC, REPLAY_SERVICE, SERVICE_PAGES

_READING = """\
## How to read the pages

`make reference` generates every page from the [protos](../../protos/nationalsite); `make lint` fails if a
page is stale. Texts and rules are those of the protos. The services check each request by the rules before
anything is sent, and reject it with INVALID_REQUEST.

**Presence.** A field with `optional`, an arm of a oneof, and a message can be unset, which differs from zero
or empty. Any other field is unset if it is zero or empty. Rules are in *italics*.

**Dialects.** The columns `national-site` and `open-platform` show 1688's name of a field in each dialect,
and limits of the dialect beside the rules. The operator of a service chooses the dialect
(`NATIONALSITE_DIALECT`). [dialects.json](dialects.json) has the limits for programs, and
[dialects.md](../dialects.md) explains them.

**Examples** are protobuf's JSON, and samples of the tests. The request and the response of an RPC need not
belong to the same call.
"""
_TERMS = {
    "**required**": "the dialect rejects a request without it: REQUIRED_IN_DIALECT",
    "rejected if set": "the dialect has no member for it, and the response would differ: NOT_IN_DIALECT",
    "dropped": "the dialect has no member for it; it is information only, so the request is sent without it",
    "not sent": "the service itself uses it or sets it; 1688 does not receive it",
    "unset:": "what is sent if you do not set it",
    "at most, matches": "a limit of the dialect, tighter than the rules: INVALID_REQUEST",
    "→": "your value, and the value in the dialect",
}
_VALUES = """\
Responses are read by the names of both dialects. A table without dialect columns describes a message that
1688 neither receives nor sends.

**Values.** Unless a column says otherwise, `bytes` are sent as base64 text, Money as decimal text in yuan,
Decimal as a number, Timestamp as text `yyyy-MM-dd HH:mm:ss` in Beijing time, an enum as its label, everything
else as in JSON.

**Idempotency.** Whether an RPC may be retried:
"""


def index_page(comments: ProtoComments) -> str:
    """Return the index."""
    markdown = MarkdownPage("README.md")
    pages = [
        [
            f"[{service.name}]({page})",
            markdown.cell(first_sentence(comments[service.full_name])),
            code(service.full_name),
        ]
        for page, service in SERVICE_PAGES.items()
    ]
    pages.append([f"[Errors]({ERRORS_PAGE})", "Every reason, and what to do", code("nationalsite.errors.v1")])
    labels = [[label, markdown.inline(RETRY_TEXTS[level])] for level, label in IDEMPOTENCY_LABELS.items()]
    labels.append([DELIVERY_LABEL, DELIVERY_TEXT])
    rpcs = [
        [markdown.rpc_link(method.name), f"[{service.name}]({page})", idempotency_label(method)]
        for page, service in SERVICE_PAGES.items()
        for method in service.methods
    ]
    parts = [
        "# API reference",
        table(["page", "content", "package"], pages),
        *(markdown.link_reasons(part) for part in _READING.split("\n\n")),
        table(["term", "meaning"], [[term, markdown.link_reasons(text)] for term, text in _TERMS.items()]),
        *(markdown.link_reasons(part) for part in _VALUES.split("\n\n")),
        table(["idempotency", "retry"], labels),
        "## RPCs",
        table(["RPC", "service", "idempotency"], sorted(rpcs)),
        "## Operations of 1688",
        "The last rows are 1688's message replay. Only OrderSyncService itself calls them.",
        table(["1688", "RPC", "dialects"], _operations(comments, markdown)),
    ]
    return "\n\n".join(parts)


def _operations(comments: ProtoComments, markdown: MarkdownPage) -> list[list[str]]:
    """Return every operation with the RPC that calls it; operations without an RPC are last."""
    rows: dict[tuple[str, str], list[str]] = {}
    for service in (*SERVICE_PAGES.values(), REPLAY_SERVICE):
        for dialect in Dialect:
            for method, api in upstream_operations(service.methods, dialect):
                rpc = (
                    markdown.rpc_link(method.name)
                    if method.name in PAGE_OF_RPC
                    else _describe_internal(method, comments, markdown)
                )
                rows.setdefault((api, rpc), []).append(str(dialect))
    return [
        [code(api), rpc, "both" if len(dialects) == len(Dialect) else dialects[0]]
        for (api, rpc), dialects in rows.items()
    ]


def _describe_internal(method: MethodDescriptor, comments: ProtoComments, markdown: MarkdownPage) -> str:
    paragraph, _, _ = comments[method.full_name].partition("\n\n")
    return f"{method.name}: {markdown.inline(paragraph)}"
