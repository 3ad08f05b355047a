"""The index: where everything is, how to read it, and every operation of 1688 that is called."""

from google.protobuf.descriptor import MethodDescriptor

from services.adapter.codec.schema import Dialect
from tools.reference.comments import Comments
from tools.reference.prose import Prose, code, first_sentence, table
from tools.reference.rpcs import HANDING_OUT, HANDS_OUT, LEVELS, REPEATS, label
from tools.reference.services import ERRORS_PAGE, PAGE_OF_RPC, REPLAY, SERVED
from tools.reference.travel import rpcs_of

_READING = """\
## How to read it

Every page is made from the [protos](../../protos/nationalsite) by `make reference`; `make lint` fails where
one is stale. Comments and rules are the protos' own: the services check each request by them before anything
is sent, and refuse by INVALID_REQUEST.

**Presence.** `optional`, an arm of a oneof and a message can be unset, and unset is not the same as zero or
empty. Any other field is unset when it is zero or empty. Rules stand in *italics*.

**Dialects.** The columns `national-site` and `open-platform` say what 1688 calls a field in each, and what
that dialect asks for beside the rules. The operator of a service chooses one (`NATIONALSITE_DIALECT`).
"""
_WORDS = {
    "**required**": "the dialect refuses a request without it: REQUIRED_IN_DIALECT",
    "refused if set": "it would change the answer, and the dialect cannot carry it: NOT_IN_DIALECT",
    "left out": "it only states a fact, and the dialect has no member for it",
    "stays in the suite": "1688 does not see it: it is meant for the suite itself, or filled by it",
    "unset:": "what is sent where you set nothing",
    "at most, matches": "a limit of the dialect's own, tighter than the rules: INVALID_REQUEST",
    "→": "what you write, and what the dialect is told",
}
_VALUES = """\
Answers are read under the names of both dialects. A table without such columns is of what stays in the suite.

**Values.** Unless a column says otherwise: `bytes` travel as base64 text, Money as decimal text in yuan,
Timestamp as text `yyyy-MM-dd HH:mm:ss` in Beijing time, an enum as its word, everything else as in JSON.

**Repeats.** What a repeat of an RPC does:
"""


def index_page(comments: Comments) -> str:
    """Return the index."""
    prose = Prose("README.md")
    pages = [
        [
            f"[{service.name}]({page})",
            prose.cell(first_sentence(comments[service.full_name])),
            code(service.full_name),
        ]
        for page, service in SERVED.items()
    ]
    pages.append(
        [f"[Errors]({ERRORS_PAGE})", "Every reason, and what to do about it", code("nationalsite.errors.v1")]
    )
    levels = [[LEVELS[each], prose.line(REPEATS[each])] for each in LEVELS]
    levels.append([HANDS_OUT, HANDING_OUT])
    rpcs = [
        [prose.rpc(method.name), f"[{service.name}]({page})", label(method)]
        for page, service in SERVED.items()
        for method in service.methods
    ]
    parts = [
        "# API reference",
        table(["page", "about", "package"], pages),
        *(prose.raw(part) for part in _READING.split("\n\n")),
        table(["words", "meaning"], [[words, prose.raw(meaning)] for words, meaning in _WORDS.items()]),
        *(prose.raw(part) for part in _VALUES.split("\n\n")),
        table(["level", "meaning"], levels),
        "## RPCs",
        table(["RPC", "service", "level"], sorted(rpcs)),
        "## Operations of 1688",
        "The last rows are 1688's message replay, which the suite alone calls.",
        table(["1688", "RPC", "dialects"], _operations(comments, prose)),
    ]
    return "\n\n".join(parts)


def _operations(comments: Comments, prose: Prose) -> list[list[str]]:
    """Return every operation with the RPC that calls it, those that are nobody's RPC last."""
    rows: dict[tuple[str, str], list[str]] = {}
    for service in (*SERVED.values(), REPLAY):
        for dialect in Dialect:
            for method, api in rpcs_of(service.methods, dialect):
                rpc = (
                    prose.rpc(method.name) if method.name in PAGE_OF_RPC else _alone(method, comments, prose)
                )
                rows.setdefault((api, rpc), []).append(str(dialect))
    return [
        [code(api), rpc, "both" if len(dialects) == len(Dialect) else dialects[0]]
        for (api, rpc), dialects in rows.items()
    ]


def _alone(method: MethodDescriptor, comments: Comments, prose: Prose) -> str:
    paragraph, _, _ = comments[method.full_name].partition("\n\n")
    return f"{method.name}: {prose.line(paragraph)}"
