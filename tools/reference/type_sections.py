"""Messages and enums as sections of a page."""

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from nationalsite.upstream import v1 as upstream_v1

from services.adapter.codec.schema import Dialect, get_enum_texts
from tools.reference.field_mappings import describe_mapping
from tools.reference.markdown import MarkdownPage, code, short_name, table
from tools.reference.proto_comments import ProtoComments
from tools.reference.reachability import Reachability, field_mappings
from tools.reference.validation_rules import field_rules, is_required, message_rules

_SCALARS = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_DOUBLE: "double",
}


class TypeSections:
    """Builds the sections of messages and enums."""

    def __init__(self, comments: ProtoComments, reachability: Reachability, markdown: MarkdownPage) -> None:
        self._comments = comments
        self._reachability = reachability
        self._markdown = markdown

    def section(self, type_: Descriptor | EnumDescriptor, level: int) -> str:
        """Return the section of a type, under a heading of this level."""
        parts = [
            f"{'#' * level} {short_name(type_)}",
            self._markdown.paragraphs(self._comments[type_.full_name]),
        ]
        if isinstance(type_, EnumDescriptor):
            parts.append(self._values(type_))
            return "\n\n".join(parts)
        rules = [f"- {self._markdown.inline(rule)}" for rule in message_rules(type_)]
        parts += ["The message as a whole:\n\n" + "\n".join(rules)] if rules else []
        if type_.fields:
            parts.append(self._fields(type_))
        parts += [self.section(nested, level + 1) for nested in type_.nested_types]
        return "\n\n".join(parts)

    def _values(self, enum: EnumDescriptor) -> str:
        upstream_labels = _upstream_labels(enum)
        rows = [
            [
                code(value.name),
                str(value.number),
                self._markdown.cell(self._comments[f"{enum.full_name}.{value.name}"]),
                *(
                    [", ".join(code(label) for label in upstream_labels.get(value.number, ()))]
                    if upstream_labels
                    else []
                ),
            ]
            for value in enum.values
        ]
        return table(["value", "number", "meaning", *(["1688"] if upstream_labels else [])], rows)

    def _fields(self, message: Descriptor) -> str:
        columns = self._columns(message)
        rows = [
            [
                code(field.name),
                self._type(field),
                self._meaning(field),
                *(column[field.name] for column in columns.values()),
                str(field.number),
            ]
            for field in message.fields
        ]
        return table(["field", "type", "meaning", *columns, "no."], rows)

    def _columns(self, message: Descriptor) -> dict[str, dict[str, str]]:
        """Return the mappings of the fields: header -> field -> text. Equal dialects share one column."""
        columns = {
            str(dialect): self._describe_mappings(message, dialect)
            for dialect in self._reachability.dialects(message)
        }
        distinct = {tuple(column.values()) for column in columns.values()}
        is_same = len(columns) == len(Dialect) and len(distinct) == 1
        return {"1688, in both dialects": next(iter(columns.values()))} if is_same else columns

    def _describe_mappings(self, message: Descriptor, dialect: Dialect) -> dict[str, str]:
        received = self._reachability.is_only_received(message)
        texts = {
            name: describe_mapping(field, received=received)
            for name, field in field_mappings(message, dialect).items()
        }
        fan_out_field = self._reachability.fan_out_field(message, dialect)
        if fan_out_field:
            texts[fan_out_field] = "one call for each"
        return {field.name: texts[field.name] for field in message.fields}

    def _type(self, field: FieldDescriptor) -> str:
        type_ = field.message_type or field.enum_type
        name = self._markdown.type_link(type_) if type_ else code(_SCALARS[field.type])
        if field.is_repeated:
            return f"list of {name}"
        oneof = field.containing_oneof
        if oneof is not None and not _is_synthetic(field):
            return f"{name}<br>arm of {code(oneof.name)}"
        return f"{name}<br>optional" if _is_synthetic(field) else name

    def _meaning(self, field: FieldDescriptor) -> str:
        parts = [self._markdown.cell(self._comments[field.full_name])]
        parts += [f"*{self._rules(field)}*"] if field_rules(field) else []
        topics = field.GetOptions().Extensions[upstream_v1.field].topics
        parts += [f"Topics: {', '.join(code(topic) for topic in topics)}"] if topics else []
        parts += list(self._oneof_text(field))
        return "<br>".join(parts)

    def _rules(self, field: FieldDescriptor) -> str:
        return "; ".join(rule.replace("|", "\\|") for rule in field_rules(field))

    def _oneof_text(self, field: FieldDescriptor) -> Iterator[str]:
        """Yield the text of a oneof for its first arm, nothing for other fields."""
        oneof = field.containing_oneof
        if oneof is None or _is_synthetic(field) or oneof.fields[0] is not field:
            return
        comment = self._markdown.cell(self._comments[oneof.full_name])
        yield f"{code(oneof.name)}: {comment}{' *Exactly one arm.*' if is_required(oneof) else ''}"


def _is_synthetic(field: FieldDescriptor) -> bool:
    """Return whether protobuf made the oneof of the field for the keyword `optional`."""
    oneof = field.containing_oneof
    return oneof is not None and oneof.name == f"_{field.name}"


def _upstream_labels(enum: EnumDescriptor) -> dict[int, tuple[str, ...]]:
    """Return 1688's labels of the values of an enum; empty if the enum is never sent or received."""
    is_mapped = any(value.GetOptions().HasExtension(upstream_v1.enum_value) for value in enum.values)
    return get_enum_texts(enum) if is_mapped else {}
