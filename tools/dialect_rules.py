"""What only a dialect requires, limits or drops: a rule for each RPC, request field and dialect.

`python -m tools.dialect_rules` prints the rules as JSON, for tools/generation/client_data.py.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from nationalsite.upstream import v1 as upstream_v1

from services.adapter.codec.conversions import INT64
from services.adapter.codec.option_checks import NO_OPERATION
from services.adapter.codec.schema import Dialect, MappedField, resolve_fields, resolve_operation
from tools.reference.services import SERVICE_PAGES
from tools.usage import build_parser


@dataclass(frozen=True, slots=True, kw_only=True)
class DialectRule:
    """One rule. docs/dialects.md describes the members for callers."""

    rpc: str
    field: str
    dialect: str
    rule: str
    limit: str = ""


def list_rules() -> Iterator[DialectRule]:
    """Yield the rules of all RPCs that callers can call, in the order of the protos."""
    for service in SERVICE_PAGES.values():
        for method in service.methods:
            for dialect in Dialect:
                yield from _rules_of_method(method, dialect)


def format_rules() -> str:
    """Return the rules as a JSON list, with a line for each."""
    lines = (json.dumps(asdict(rule)) for rule in list_rules())
    return "[\n  " + ",\n  ".join(lines) + "\n]\n"


def _rules_of_method(method: MethodDescriptor, dialect: Dialect) -> Iterator[DialectRule]:
    rpc = f"{method.containing_service.full_name}/{method.name}"
    if resolve_operation(method, dialect).api == NO_OPERATION:
        yield DialectRule(rpc=rpc, field="", dialect=dialect, rule="OPERATION_NOT_IN_DIALECT")
        return
    for path, rule, limit in _rules_of_message(method.input_type, dialect, ""):
        yield DialectRule(rpc=rpc, field=path, dialect=dialect, rule=rule, limit=limit)


def _rules_of_message(message: Descriptor, dialect: Dialect, prefix: str) -> Iterator[tuple[str, str, str]]:
    for field in resolve_fields(message, dialect):
        path = prefix + field.descriptor.name
        yield from ((path, rule, limit) for rule, limit in _rules_of_field(field, prefix))
        nested = field.descriptor.message_type
        if nested is not None and not field.mapping.unmapped:
            yield from _rules_of_message(nested, dialect, f"{path}.")


def _rules_of_field(field: MappedField, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield the rules of a field, each with its limit. `prefix` is the path of its message."""
    mapping = field.mapping
    if mapping.unmapped:
        rule = _RULE_BY_POLICY.get(mapping.unmapped)
        yield from ((rule, ""),) if rule else ()
        return
    if not mapping.default:  # otherwise the default is sent if the field is not set
        if mapping.required:
            yield "REQUIRED_IN_DIALECT", ""
        elif mapping.required_without:
            yield "REQUIRED_IN_DIALECT", prefix + mapping.required_without
    if mapping.max_len:
        yield "DIALECT_MAX_LEN", str(mapping.max_len)
    if mapping.pattern:
        yield "DIALECT_PATTERN", mapping.pattern
    is_string = field.descriptor.type == FieldDescriptor.TYPE_STRING
    if is_string and mapping.encoding == upstream_v1.ENCODING_NUMBER:
        yield "DIALECT_LONG", str(INT64 - 1)


_RULE_BY_POLICY = {
    upstream_v1.UNMAPPED_FIELD_POLICY_REJECT: "NOT_IN_DIALECT",
    upstream_v1.UNMAPPED_FIELD_POLICY_DROP: "DROPPED",
}

if __name__ == "__main__":
    build_parser(
        "python -m tools.dialect_rules", __doc__, "python -m tools.dialect_rules > dialects.json"
    ).parse_args()
    print(format_rules(), end="")
