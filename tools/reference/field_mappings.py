"""Describes how a field is mapped to 1688's in one dialect, for a cell of a table."""

from collections.abc import Iterator

from nationalsite.upstream import v1 as upstream_v1

from services.adapter.codec.schema import PAYLOAD, MappedField
from tools.reference.markdown import code

UNMAPPED_TEXTS = {
    upstream_v1.UNMAPPED_FIELD_POLICY_REJECT: "rejected if set",
    upstream_v1.UNMAPPED_FIELD_POLICY_DROP: "dropped",
    upstream_v1.UNMAPPED_FIELD_POLICY_LOCAL: "not sent",
}
ENCODING_TEXTS = {
    upstream_v1.ENCODING_NUMBER: "as a number",
    upstream_v1.ENCODING_TEXT: "as text",
    upstream_v1.ENCODING_FEN: "in whole fen",
    upstream_v1.ENCODING_FOREIGN_CURRENCY: "in the request's currency",
    upstream_v1.ENCODING_COMPACT_TIME: "as yyyyMMddHHmmssSSS+0800",
    upstream_v1.ENCODING_COMMA_JOINED: "joined by commas",
    upstream_v1.ENCODING_SEMICOLON_JOINED: "joined by semicolons",
    upstream_v1.ENCODING_PAIR_TEXT: "as JSON text of a pair",
    upstream_v1.ENCODING_FILE: "as a file part",
    upstream_v1.ENCODING_RAW_JSON: "as JSON text",
    upstream_v1.ENCODING_ONE_OBJECT: "as one object",
    upstream_v1.ENCODING_Y_OR_N: "as y or n",
}


def is_required_of_caller(field: MappedField) -> bool:
    """Return whether the dialect rejects a request in which the caller has not set the field."""
    mapping = field.mapping
    return bool(mapping.required or mapping.required_without)


def describe_mapping(field: MappedField, *, received: bool) -> str:
    """Return the field's name at 1688, its encoding and its limits; `received`: of messages only received."""
    mapping = field.mapping
    if mapping.unmapped:
        return UNMAPPED_TEXTS[mapping.unmapped]
    if mapping.normalizes:
        return f"from {code(mapping.normalizes)}"
    name = "the value itself" if field.upstream_name == PAYLOAD else code(field.upstream_name)
    encoding = f" {ENCODING_TEXTS[mapping.encoding]}" if mapping.encoding else ""
    return "<br>".join((name + encoding, *_describe_limits(field, received)))


def _describe_limits(field: MappedField, received: bool) -> Iterator[str]:
    mapping = field.mapping
    if mapping.aliases:
        yield f"also read: {', '.join(code(name) for name in mapping.aliases)}"
    if mapping.required and received:
        yield "a response without it is unreadable"
    elif mapping.required:
        yield "**required**"
    if mapping.or_enclosing:
        yield "or the enclosing object"
    if mapping.no_value:
        yield f"unset for {code(mapping.no_value)}"
    if mapping.required_without:
        yield f"**required** without {code(mapping.required_without)}"
    if mapping.filled_from:
        yield f"unset: from {code(mapping.filled_from)} by the table {code(mapping.lookup)}"
    if mapping.default:
        yield f"unset: {code(mapping.default)}"
    if mapping.max_len:
        yield f"at most {mapping.max_len:,} characters"
    if mapping.pattern:
        yield mapping.pattern_text
    for value, upstream_value in sorted(mapping.value_map.items()):
        yield f"{code(value)} → {code(upstream_value)}"
