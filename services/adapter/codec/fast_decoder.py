"""Replies as they are documented, decoded by msgspec's and protobuf's C code alone.

The tolerant reader (reading.py) looks at every value in Python. Most replies need none of its tolerance, and
go another way: msgspec reads the JSON text into dicts of the documented types, protobuf makes a message of
them (twins.py) and writes its bytes.

What this way cannot read as it is meant (another name, another type, a refusal, a torn character) it does not
read at all, and the tolerant reader takes the whole reply. Where it does read, the two agree:
tests/adapter/codec/test_direct.py holds it to that.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from google.protobuf.descriptor import Descriptor

from services.adapter.codec.envelope import FLAGS
from services.adapter.codec.schema import PAYLOAD, Dialect, fields
from services.adapter.codec.shadow_messages import ShadowSchema, convert, object_type
from services.adapter.codec.tolerant_json import parse_decimal

FastDecoder = Callable[[bytes, str], bytes | None]
"""From a reply's text, and the request's currency, to the serialized response.

None where the tolerant reader has to read it."""

GATEWAY_ERROR_KEYS = ("error_code", "errorCode", "error", "exception")
"""Members of a reply in which the gateway itself speaks."""


def fast_decoder(response: Descriptor, payload: str, dialect: Dialect) -> FastDecoder | None:
    """Compile the direct way of an operation's replies. `payload` is its path below the envelope.

    None where there is none: the payload is the envelope itself, or neither an object nor a list of objects.
    """
    found = fields(response, dialect)
    whole = next((each for each in found if PAYLOAD in each.read), None)
    if not payload or not any(each.read for each in found) or (whole and not whole.descriptor.message_type):
        return None
    twins = ShadowSchema(dialect)
    member = whole.descriptor.name if whole else ""
    shape = twins.type_of(whole.descriptor, whole.wire.encoding) if whole else twins.object_of(response)
    twin = twins.twin(response, member)
    needed = tuple(each.read[0] for each in found if each.wire.required)
    path = tuple(payload.split("."))
    # The envelope is the reply, or its `result` where no flag stands beside that.
    ways = [_ReplyLayout(("result", *path), shape, (None,)), _ReplyLayout(path, shape, (None, True))]

    def decode(text: bytes, currency: str) -> bytes | None:
        for way in ways:
            read = way.payload(text, currency)
            if read:
                if way is not ways[0]:  # replies of one operation look alike
                    ways.reverse()
                members = {member: read} if member else read
                if not all(members.get(name) for name in needed):
                    return None
                try:
                    return twin(**members).SerializeToString()
                except (TypeError, ValueError):  # out of range
                    return None
        return None

    return decode


class _ReplyLayout:
    """Where a payload stands in replies, and what it is made of."""

    def __init__(self, path: tuple[str, ...], shape: Any, flags: tuple[bool | None, ...]) -> None:
        """`flags` is what the reply's own flags may be; those of what it holds are missing or true."""
        self._path = path
        self._flags = flags
        self._currency = ""
        for depth, name in reversed(tuple(enumerate(path))):
            told: dict[str, Any] = dict.fromkeys(FLAGS, bool | None)
            told |= {} if depth else dict.fromkeys(GATEWAY_ERROR_KEYS, Any)
            # A `result` beside the payload may be its verdict; an object might hold a refusal.
            shape = object_type({**told, "result": bool | None, name: shape | None})
        self._decoder = msgspec.json.Decoder(
            shape, strict=False, dec_hook=self._made, float_hook=parse_decimal
        )

    def payload(self, text: bytes, currency: str) -> Any:
        """Return what stands there, where all of it is as documented and nothing speaks of a failure."""
        self._currency = currency
        try:
            found = self._decoder.decode(text)
        except (ValueError, RecursionError):
            return None
        if not found or any(found.get(name) for name in GATEWAY_ERROR_KEYS):
            return None
        flags = self._flags
        for name in self._path:
            if not found or any(found.get(flag) not in flags for flag in FLAGS):
                return None
            found, flags = found.get(name), (None, True)
        return found

    def _made(self, kind: type, found: Any) -> object:
        return convert(kind, found, self._currency)
