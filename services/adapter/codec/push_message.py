"""1688's pushed messages to protobuf bytes: an envelope, and a payload whose shape the topic decides."""

from collections.abc import Callable

from google.protobuf.descriptor import Descriptor

from services.adapter.codec import protowire as wire
from services.adapter.codec.conversions import ConversionError
from services.adapter.codec.decoder import ReadMessage, as_object, message_reader
from services.adapter.codec.envelope import get_path
from services.adapter.codec.operation import DecodeResult
from services.adapter.codec.scalar_decoders import DecodeContext
from services.adapter.codec.schema import Dialect, Field, arms, fields
from services.adapter.codec.tolerant_json import Json, parse
from services.errors import UpstreamUnreadable

TOPIC = "topic"
"""The field that says which arm is read."""

DecodeMessage = Callable[[bytes], DecodeResult]
"""From a message's text. Raises Unreadable where that is no JSON object, nothing else."""


def message_decoder(message: Descriptor) -> DecodeMessage:
    """Compile the decoder of messages. Raises SchemaError."""
    dialect = Dialect.OPEN_PLATFORM  # messages are the same in both
    read = message_reader(message, dialect)
    payloads = {topic: _Payload(arm, dialect) for topic, arm in arms(message, dialect).items()}
    names = next(each.read for each in fields(message, dialect) if each.descriptor.name == TOPIC)

    def decode(text: bytes) -> DecodeResult:
        found = _parsed(text)
        reading = DecodeContext()
        out = [read(found, reading)]
        topic = next((found[name] for name in names if found.get(name)), None)
        payload = payloads.get(topic) if isinstance(topic, str) else None
        if payload is not None:
            payload.put(found, out, reading)
        return DecodeResult(response=b"".join(out), unreadable=tuple(reading.unreadable))

    return decode


class _Payload:
    """Reads one arm, wherever it stands."""

    def __init__(self, arm: Field, dialect: Dialect) -> None:
        descriptor = arm.descriptor.message_type
        assert descriptor is not None  # noqa: S101 # the specification was checked: arms hold messages
        self._name = arm.descriptor.name
        self._tag = wire.tag(arm.descriptor.number, wire.LENGTH)
        self._paths = arm.read
        self._read: ReadMessage = message_reader(descriptor, dialect, self._name)

    def put(self, found: dict[str, Json], out: list[bytes], reading: DecodeContext) -> None:
        for path in self._paths:
            try:
                payload = as_object(get_path(found, path))
            except ConversionError:
                continue
            if payload is not None:
                data = self._read(payload, reading)
                out += (self._tag, wire.varint(len(data)), data)
                return
        reading.unreadable.append(self._name)


def _parsed(text: bytes) -> dict[str, Json]:
    try:
        found = as_object(parse(text))
    except (ValueError, ConversionError) as error:
        raise UpstreamUnreadable("the message is no JSON object") from error
    if found is None:
        raise UpstreamUnreadable("the message is empty")
    return found
