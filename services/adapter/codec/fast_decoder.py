"""The fast decoder: responses as they are documented, decoded by the C code of msgspec and protobuf.

The tolerant decoder (decoder.py) looks at every value in Python. Most responses do not need its tolerance:
msgspec decodes their JSON text to dicts of the documented types. Each dict is passed as keyword arguments to
the class of a shadow message (shadow_messages.py), and protobuf serializes that. A shadow message has 1688's
names, but the serialized bytes are those of the response message.

Anything else in a response (another name, another type, an error, a broken character) makes the fast decoder
return None, and the tolerant decoder decodes the whole response. If the fast decoder returns a response, the
tolerant decoder returns the same: tests/adapter/codec/test_fast_decoder.py checks it. One exception:
broken characters in members that no field reads are skipped here. If the whole text is in no charset because
of them, the tolerant decoder rejects it.
"""

from typing import Any, Protocol

import msgspec
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from services.adapter.codec.envelope import FLAGS
from services.adapter.codec.response_content import ResponseContent, build_content_check
from services.adapter.codec.schema import PAYLOAD, Dialect, resolve_fields
from services.adapter.codec.shadow_messages import (
    ShadowSchema,
    TolerantOnly,
    build_object_type,
    convert,
)

GATEWAY_ERROR_KEYS = ("error_code", "errorCode", "error", "exception")
"""Names of the members in which the gateway itself reports an error."""
_NESTED_FLAGS = frozenset({None, True})
"""Which values a success flag may have in an object on the path of the payload; None means absent."""


class FastDecoder(Protocol):
    """Decodes the responses of one operation."""

    def __call__(self, text: bytes, currency: str, /) -> bytes | None:
        """Return the serialized response, or None if the tolerant decoder has to decode the response.

        `currency` is the currency of the request.
        """


def build_fast_decoder(response: Descriptor, payload: str, dialect: Dialect) -> FastDecoder | None:
    """Compile the fast decoder of an operation. `payload` is the path of the payload below the envelope.

    Return None if the fast decoder does not support the payload: it is the envelope itself, or neither an
    object nor a list of objects, or no field of the response is read from it, or Python has to decode it.
    """
    fields = resolve_fields(response, dialect)
    payload_field = next((field for field in fields if PAYLOAD in field.read_names), None)
    if not payload or not any(field.read_names for field in fields):
        return None
    if payload_field is not None and payload_field.descriptor.message_type is None:
        return None
    schema = ShadowSchema(dialect)
    payload_field_name = payload_field.descriptor.name if payload_field else ""
    payload_type = schema.add_field(payload_field) if payload_field else schema.add(response)
    if payload_type is TolerantOnly or payload_type == list[TolerantOnly]:
        return None
    path = tuple(payload.split("."))
    return _FastDecoder(
        # The envelope is the response, or its `result` if the response itself has no success flag.
        layouts=[
            _ResponseLayout(("result", *path), payload_type, frozenset({None})),
            _ResponseLayout(path, payload_type, _NESTED_FLAGS),
        ],
        shadow_class=schema.build_class(response, payload_field),
        payload_field=payload_field_name,
        groups=ResponseContent(response, dialect).upstream_groups,
    )


class _FastDecoder:
    def __init__(
        self,
        *,
        layouts: list["_ResponseLayout"],
        shadow_class: type[Message],
        payload_field: str,
        groups: tuple[tuple[str, ...], ...],
    ) -> None:
        self._layouts = layouts
        self._shadow_class = shadow_class
        self._payload_field = payload_field
        self._has_content = build_content_check(groups)

    def __call__(self, text: bytes, currency: str, /) -> bytes | None:
        for layout in self._layouts:
            payload = layout.read_payload(text, currency)
            if payload:
                if layout is not self._layouts[0]:  # try it first for the operation's next response
                    self._layouts.reverse()
                return self._serialize({self._payload_field: payload} if self._payload_field else payload)
        return None

    def _serialize(self, members: dict[str, Any]) -> bytes | None:
        if not self._has_content(members):  # the tolerant decoder decides what that means
            return None
        try:
            return self._shadow_class(**members).SerializeToString()
        except (TypeError, ValueError):  # a value does not fit into its field
            return None


class _ResponseLayout:
    """A place where the payload of a response may be: its path, and the types of the objects on the path."""

    def __init__(
        self, path: tuple[str, ...], payload_type: Any, accepted_flags: frozenset[bool | None]
    ) -> None:
        """`accepted_flags`: which values a success flag of the outermost object may have.

        If a flag has another value, the tolerant decoder reads the response.
        """
        self._path = path
        self._accepted_flags = accepted_flags
        self._currency = ""
        type_ = payload_type
        for depth, name in reversed(tuple(enumerate(path))):
            members: dict[str, Any] = dict.fromkeys(FLAGS, bool | None)
            members |= {} if depth else dict.fromkeys(GATEWAY_ERROR_KEYS, Any)
            # A `result` beside the payload has to be a boolean: an object may contain an error, which the
            # tolerant decoder reads.
            type_ = build_object_type({**members, "result": bool | None, name: type_ | None})
        self._decoder = msgspec.json.Decoder(
            type_, strict=False, dec_hook=self._convert, float_hook=str.encode
        )

    def read_payload(self, text: bytes, currency: str) -> Any:
        """Return the payload if the whole response is as documented and contains no error, else None."""
        self._currency = currency
        try:
            value = self._decoder.decode(text)
        except (ValueError, ArithmeticError, RecursionError):
            return None
        if not value or any(map(value.get, GATEWAY_ERROR_KEYS)):
            return None
        accepted_flags = self._accepted_flags
        for name in self._path:
            if not value or not accepted_flags.issuperset(map(value.get, FLAGS)):
                return None
            value, accepted_flags = value.get(name), _NESTED_FLAGS
        return value

    def _convert(self, type_: type, value: Any) -> object:
        return convert(type_, tuple(value) if type(value) is list else value, self._currency)
