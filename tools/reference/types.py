"""Messages and enums as sections of a page."""

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from nationalsite.upstream import v1 as upstream_v1

from services.adapter.codec.schema import Dialect, words
from tools.reference.comments import Comments
from tools.reference.prose import Prose, code, short_name, table
from tools.reference.rules import field_rules, is_required, message_rules
from tools.reference.travel import Travel, wires
from tools.reference.wires import in_words

_SCALARS = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_DOUBLE: "double",
}


class Types:
    """Writes the types of one page."""

    def __init__(self, comments: Comments, travel: Travel, prose: Prose) -> None:
        self._comments = comments
        self._travel = travel
        self._prose = prose

    def section(self, kind: Descriptor | EnumDescriptor, level: int) -> str:
        """Return a type under a heading of this level."""
        parts = [f"{'#' * level} {short_name(kind)}", self._prose.paragraphs(self._comments[kind.full_name])]
        if isinstance(kind, EnumDescriptor):
            parts.append(self._values(kind))
            return "\n\n".join(parts)
        rules = [f"- {self._prose.line(rule)}" for rule in message_rules(kind)]
        parts += ["As a whole:\n\n" + "\n".join(rules)] if rules else []
        if kind.fields:
            parts.append(self._fields(kind))
        parts += [self.section(nested, level + 1) for nested in kind.nested_types]
        return "\n\n".join(parts)

    def _values(self, enum: EnumDescriptor) -> str:
        of_1688 = _words(enum)
        rows = [
            [
                code(value.name),
                str(value.number),
                self._prose.cell(self._comments[f"{enum.full_name}.{value.name}"]),
                *([", ".join(code(word) for word in of_1688.get(value.number, ()))] if of_1688 else []),
            ]
            for value in enum.values
        ]
        return table(["value", "number", "meaning", *(["1688"] if of_1688 else [])], rows)

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
        """Return what 1688 calls the fields: header -> field -> words; one column where dialects agree."""
        told = {dialect: self._told(message, dialect) for dialect in self._travel.dialects(message)}
        columns = {str(dialect): words for dialect, words in told.items()}
        alike = len(columns) == len(Dialect) and len({tuple(each.values()) for each in columns.values()}) == 1
        return {"1688, in both dialects": next(iter(columns.values()))} if alike else columns

    def _told(self, message: Descriptor, dialect: Dialect) -> dict[str, str]:
        read = self._travel.is_only_read(message)
        found = {name: in_words(field, read=read) for name, field in wires(message, dialect).items()}
        each = self._travel.each(message, dialect)
        if each:
            found[each] = "a call for each"
        return {field.name: found[field.name] for field in message.fields}

    def _type(self, field: FieldDescriptor) -> str:
        kind = field.message_type or field.enum_type
        name = self._prose.type(kind) if kind else code(_SCALARS[field.type])
        if field.is_repeated:
            return f"list of {name}"
        oneof = field.containing_oneof
        if oneof is not None and not _is_synthetic(field):
            return f"{name}<br>arm of {code(oneof.name)}"
        return f"{name}<br>optional" if _is_synthetic(field) else name

    def _meaning(self, field: FieldDescriptor) -> str:
        parts = [self._prose.cell(self._comments[field.full_name])]
        parts += [f"*{self._rules(field)}*"] if field_rules(field) else []
        topics = field.GetOptions().Extensions[upstream_v1.wire].topics
        parts += [f"Topics: {', '.join(code(topic) for topic in topics)}"] if topics else []
        parts += list(self._of_oneof(field))
        return "<br>".join(parts)

    def _rules(self, field: FieldDescriptor) -> str:
        return "; ".join(rule.replace("|", "\\|") for rule in field_rules(field))

    def _of_oneof(self, field: FieldDescriptor) -> Iterator[str]:
        """What a oneof says stands with its first arm."""
        oneof = field.containing_oneof
        if oneof is None or _is_synthetic(field) or oneof.fields[0] is not field:
            return
        told = self._prose.cell(self._comments[f"{field.containing_type.full_name}.{oneof.name}"])
        yield f"{code(oneof.name)}: {told}{' *Exactly one arm.*' if is_required(oneof) else ''}"


def _is_synthetic(field: FieldDescriptor) -> bool:
    """Whether the field's oneof is what protobuf makes of the word `optional`."""
    oneof = field.containing_oneof
    return oneof is not None and oneof.name == f"_{field.name}"


def _words(enum: EnumDescriptor) -> dict[int, tuple[str, ...]]:
    """Return 1688's words for an enum's values; none where it stays within the suite."""
    spoken = any(value.GetOptions().HasExtension(upstream_v1.word) for value in enum.values)
    return words(enum) if spoken else {}
