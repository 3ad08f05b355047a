"""How a field travels to 1688 in one dialect, in words for a cell of a table."""

from collections.abc import Iterator

from nationalsite.upstream import v1 as upstream_v1

from services.adapter.codec.schema import PAYLOAD, Field
from tools.reference.prose import code

ABSENT = {
    upstream_v1.ABSENT_REFUSED: "refused if set",
    upstream_v1.ABSENT_LEFT_OUT: "left out",
    upstream_v1.ABSENT_LOCAL: "stays in the suite",
}
FORMS = {
    upstream_v1.FORM_NUMBER: "as a number",
    upstream_v1.FORM_TEXT: "as text",
    upstream_v1.FORM_FEN: "in whole fen",
    upstream_v1.FORM_FOREIGN: "in the request's currency",
    upstream_v1.FORM_COMPACT_TIME: "as yyyyMMddHHmmssSSS+0800",
    upstream_v1.FORM_COMMA_JOINED: "joined by commas",
    upstream_v1.FORM_SEMICOLON_JOINED: "joined by semicolons",
    upstream_v1.FORM_PAIR_TEXT: "as JSON text of a pair",
    upstream_v1.FORM_FILE: "as a file part",
    upstream_v1.FORM_RAW: "as JSON text",
}

FILLED = frozenset(
    f"nationalsite.product.v1.{message}.language"
    for message in ("SearchByKeywordRequest", "SearchByImageRequest", "GetProductDetailRequest")
)
"""Fields that a dialect requires, and that a service fills where its caller has not."""


def is_asked_for(field: Field) -> bool:
    """Return whether the dialect refuses a request in which the caller has not set the field."""
    wire = field.wire
    return bool(wire.required or wire.required_without) and field.descriptor.full_name not in FILLED


def in_words(field: Field, *, read: bool) -> str:
    """Return the field's name at 1688, its form, and what the dialect asks for; `read`: of answers."""
    wire = field.wire
    if wire.absent:
        return ABSENT[wire.absent]
    name = "the payload itself" if field.name == PAYLOAD else code(field.name)
    form = f" {FORMS[wire.form]}" if wire.form else ""
    return "<br>".join((name + form, *_asked(field, read)))


def _asked(field: Field, read: bool) -> Iterator[str]:
    wire = field.wire
    if wire.read:
        yield f"also read: {', '.join(code(name) for name in wire.read)}"
    if wire.required and read:
        yield "an answer without it cannot be read"
    elif wire.required and not is_asked_for(field):
        yield "unset: filled by the suite"
    elif wire.required:
        yield "**required**"
    if wire.required_without:
        yield f"**required** without {code(wire.required_without)}"
    if wire.default:
        yield f"unset: {code(wire.default)}"
    if wire.max_len:
        yield f"at most {wire.max_len:,} characters"
    if wire.pattern:
        yield f"matches {code(wire.pattern)}"
    for ours, theirs in sorted(wire.words.items()):
        yield f"{code(ours)} → {code(theirs)}"
