"""The rules of the protos (`buf.validate`), checked on each request."""

import json
from collections.abc import Callable

import protovalidate
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from services.errors import InvalidRequest, StartupError, Violation
from services.server.call import MethodInfo

_MOST_VIOLATIONS = 20


def validator(rpc: MethodInfo) -> Callable[[Message], None]:
    """What refuses a request that breaks a rule, naming the fields.

    The rules are compiled here, not during the first call. Raises StartupError where they do not compile.
    """
    violations = protovalidate.Validator().collect_violations
    try:
        for descriptor in _messages_in(rpc.descriptor.input_type):
            violations(GetMessageClass(descriptor)())
    except protovalidate.CompilationError as error:
        raise StartupError([f"{rpc.name}: a validation rule does not compile: {error}"]) from error

    def check(request: Message) -> None:
        if broken := violations(request):
            raise InvalidRequest([_violation(one.proto) for one in broken[:_MOST_VIOLATIONS]])

    return check


def _messages_in(root: Descriptor) -> list[Descriptor]:
    """A message's type and those of all messages it can hold: an empty one would leave theirs uncompiled."""
    found = [root]
    for message in found:
        held = (field.message_type for field in message.fields if field.message_type)
        found += [descriptor for descriptor in dict.fromkeys(held) if descriptor not in found]
    return found


def _violation(proto: protovalidate.ViolationPb) -> Violation:
    return Violation(field=field_path(proto.field), description=proto.message or proto.rule_id)


def field_path(path: protovalidate.FieldPathPb | None) -> str:
    """The path as one writes it: `sale_filters[0].sale_type`, `labels["red"]`; empty for the message."""
    return ".".join(_element(element) for element in path.elements) if path else ""


def _element(element: protovalidate.FieldPathElementPb) -> str:
    if element.subscript is None:
        return element.field_name
    # An index or a map's key: JSON spells numbers, booleans and texts as protovalidate's own paths do.
    return f"{element.field_name}[{json.dumps(element.subscript.value, ensure_ascii=False)}]"
