"""1688's pushed messages to protobuf bytes: an envelope, and a payload whose shape the topic decides."""

from collections.abc import Callable

from google.protobuf.descriptor import Descriptor

from services.adapter.codec import protowire as wire
from services.adapter.codec.envelope import walk
from services.adapter.codec.lenient import Json, parse
from services.adapter.codec.operation import Decoded
from services.adapter.codec.reading import ReadMessage, as_object, message_reader
from services.adapter.codec.scalars import Reading
from services.adapter.codec.specification import Dialect, Field, arms, fields
from services.adapter.codec.values import Unfit
from services.errors import Unreadable

TOPIC = "topic"
"""The field that says which arm is read."""

DecodeMessage = Callable[[bytes], Decoded]
"""From a message's text. Raises Unreadable where that is no JSON object, nothing else."""


def message_decoder(message: Descriptor) -> DecodeMessage:
    """Compile the decoder of messages. Raises SpecificationError."""
    dialect = Dialect.OPEN_PLATFORM  # messages are the same in both
    read = message_reader(message, dialect)
    payloads = {topic: _Payload(arm, dialect) for topic, arm in arms(message, dialect).items()}
    names = next(each.read for each in fields(message, dialect) if each.descriptor.name == TOPIC)

    def decode(text: bytes) -> Decoded:
        found = _parsed(text)
        reading = Reading()
        out = [read(found, reading)]
        topic = next((found[name] for name in names if found.get(name)), None)
        payload = payloads.get(topic) if isinstance(topic, str) else None
        if payload is not None:
            payload.put(found, out, reading)
        return Decoded(response=b"".join(out), unreadable=tuple(reading.unreadable))

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

    def put(self, found: dict[str, Json], out: list[bytes], reading: Reading) -> None:
        for path in self._paths:
            try:
                payload = as_object(walk(found, path))
            except Unfit:
                continue
            if payload is not None:
                data = self._read(payload, reading)
                out += (self._tag, wire.varint(len(data)), data)
                return
        reading.unreadable.append(self._name)


def _parsed(text: bytes) -> dict[str, Json]:
    try:
        found = as_object(parse(text))
    except (ValueError, Unfit) as error:
        raise Unreadable("the message is no JSON object") from error
    if found is None:
        raise Unreadable("the message is empty")
    return found
