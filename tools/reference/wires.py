"""How a field travels to 1688 in one dialect, in words for a cell of a table."""

from collections.abc import Iterator

from nationalsite.upstream.v1 import options_pb2

from services.adapter.codec.specification import PAYLOAD, Field
from tools.reference.prose import code

ABSENT = {
    options_pb2.ABSENT_REFUSED: "refused if set",
    options_pb2.ABSENT_LEFT_OUT: "left out",
    options_pb2.ABSENT_LOCAL: "stays in the suite",
}
FORMS = {
    options_pb2.FORM_NUMBER: "as a number",
    options_pb2.FORM_TEXT: "as text",
    options_pb2.FORM_FEN: "in whole fen",
    options_pb2.FORM_FOREIGN: "in the request's currency",
    options_pb2.FORM_COMPACT_TIME: "as yyyyMMddHHmmssSSS+0800",
    options_pb2.FORM_COMMA_JOINED: "joined by commas",
    options_pb2.FORM_SEMICOLON_JOINED: "joined by semicolons",
    options_pb2.FORM_PAIR_TEXT: "as JSON text of a pair",
    options_pb2.FORM_FILE: "as a file part",
    options_pb2.FORM_RAW: "as JSON text",
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
