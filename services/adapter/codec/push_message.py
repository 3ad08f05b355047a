"""Decodes the messages that 1688 pushes: an envelope, and a payload whose type depends on the topic.

A message with two members of the same name is not read: its consumer could read another one of the two.
"""

from collections.abc import Callable

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from services.adapter.codec.conversions import ConversionError
from services.adapter.codec.decoder import MessageDecoder
from services.adapter.codec.envelope import get_path
from services.adapter.codec.json_values import as_object
from services.adapter.codec.operation import DecodeResult
from services.adapter.codec.scalar_decoders import DecodeContext
from services.adapter.codec.schema import Dialect, MappedField, resolve_fields, resolve_topic_fields
from services.adapter.codec.tolerant_json import Json, parse_unique
from services.errors import UpstreamUnreadable

TOPIC = "topic"
"""The protobuf field with the topic, which decides the field that holds the payload."""

DecodeMessage = Callable[[bytes], DecodeResult]
"""Decodes the JSON text of one of 1688's messages. Raises UpstreamUnreadable if it is not a JSON object, or
a member occurs twice."""


def message_decoder(message: Descriptor) -> DecodeMessage:
    """Compile the decoder from 1688's messages to the protobuf message. Raises SchemaError."""
    dialect = Dialect.OPEN_PLATFORM  # 1688's messages are the same in both
    envelope = MessageDecoder(message, dialect)
    payloads = {
        topic: _PayloadDecoder(field, dialect)
        for topic, field in resolve_topic_fields(message, dialect).items()
    }
    topic_names = next(
        field.read_names for field in resolve_fields(message, dialect) if field.descriptor.name == TOPIC
    )
    message_class = GetMessageClass(message)

    def decode(text: bytes) -> DecodeResult:
        body = _parse_object(text)
        context = DecodeContext()
        decoded = message_class()
        envelope.decode(body, decoded, context)
        topic = next((body[name] for name in topic_names if body.get(name)), None)
        payload = payloads.get(topic) if isinstance(topic, str) else None
        if payload is not None:
            payload.decode(body, decoded, context)
        return DecodeResult(response=decoded.SerializeToString(), unreadable=tuple(context.unreadable))

    return decode


class _PayloadDecoder:
    """Decodes the payload of the messages of one topic."""

    def __init__(self, field: MappedField, dialect: Dialect) -> None:
        message = field.descriptor.message_type
        assert message is not None  # noqa: S101 # checked by check_mapping: fields with topics are messages
        self._name = field.descriptor.name
        self._paths = field.read_names
        self._decoder = MessageDecoder(message, dialect, self._name)

    def decode(self, body: dict[str, Json], message: Message, context: DecodeContext) -> None:
        for path in self._paths:
            try:
                payload = as_object(get_path(body, path))
            except ConversionError:
                continue
            if payload is not None:
                nested = getattr(message, self._name)
                nested.SetInParent()
                self._decoder.decode(payload, nested, context)
                return
        context.unreadable.append(self._name)


def _parse_object(text: bytes) -> dict[str, Json]:
    try:
        body = as_object(parse_unique(text))
    except (ValueError, ConversionError) as error:
        raise UpstreamUnreadable("the message is not a JSON object with unique members") from error
    if body is None:
        raise UpstreamUnreadable("the message is empty")
    return body
