"""Converts 1688's messages: from JSON to a stored message, and from a stored message to a proto."""

import hashlib
from collections.abc import Callable

import structlog
from google.protobuf.timestamp_pb2 import Timestamp
from nationalsite.ordersync import v1 as protos
from prometheus_client import Counter

from services.adapter import DecodeResult, decode_text, message_decoder
from services.errors import UpstreamUnreadable
from services.order_sync.times import to_timestamp
from services.store import DeadMessage as StoredDeadMessage
from services.store import IncomingMessage
from services.store import Message as StoredMessage
from services.store import ReceivedMessage as StoredReceivedMessage

MAX_MESSAGE_BYTES = 256 * 2**10
"""A message that is larger is not stored, so that a response to a consumer can hold any stored message."""

_decode = message_decoder(protos.Message.DESCRIPTOR)
_unreadable = Counter(
    "nationalsite_message_fields_unreadable",
    "Fields of 1688's messages left unset because they could not be read; `message`: no field was readable.",
    ("field",),
)
_log = structlog.get_logger()


class MessageTooLarge(Exception):
    """A message has more than MAX_MESSAGE_BYTES."""

    def __init__(self, message_id: str) -> None:
        super().__init__(message_id)
        self.message_id = message_id


def parse_message(text: bytes, now_ms: Callable[[], int]) -> IncomingMessage:
    """Parse a message. One that cannot be parsed is stored as received, with its hash as its id.

    Raises MessageTooLarge.
    """
    try:
        decoded = _decode(text)
    except UpstreamUnreadable:
        decoded = DecodeResult(response=b"", unreadable=("message",))
    message, unreadable = protos.Message.FromString(decoded.response), decoded.unreadable
    message_id = message.message_id or f"sha256:{hashlib.sha256(text).hexdigest()}"
    if len(text) > MAX_MESSAGE_BYTES:
        raise MessageTooLarge(message_id)
    for field in unreadable:
        _unreadable.labels(field).inc()
    if unreadable:
        _log.warning("unreadable_message", topic=message.topic, fields=sorted(set(unreadable)))
    times_ms = _event_and_create_time_ms(message)
    return IncomingMessage(
        message_id=message_id,
        topic=message.topic,
        ordering_key=_ordering_key(message),
        event_time_ms=_choose_event_time_ms(*times_ms) or now_ms(),
        newest_time_ms=max(times_ms) or None,
        member_id=message.member_id,
        raw=text,
    )


def to_received_proto(received: StoredReceivedMessage) -> protos.ReceivedMessage:
    """Convert a delivery of a message to the proto for its consumer."""
    return protos.ReceivedMessage(
        ack_id=str(received.ack_id),
        message=_to_proto(received.message),
        delivery_attempt=received.delivery_attempt,
        lease_expire_time=to_timestamp(received.lease_expire_time_ms),
    )


def to_dead_proto(dead: StoredDeadMessage) -> protos.DeadMessage:
    """Convert a dead message to the proto for callers."""
    return protos.DeadMessage(
        message=_to_proto(dead.message),
        delivery_attempts=dead.delivery_attempts,
        dead_time=to_timestamp(dead.dead_time_ms),
    )


def _to_proto(stored: StoredMessage) -> protos.Message:
    try:
        message = protos.Message.FromString(_decode(stored.raw).response)
    except UpstreamUnreadable:
        message = protos.Message()
    message.message_id = stored.message_id
    message.raw_json = _to_text(stored.raw)
    return message


def _to_text(raw: bytes) -> str:
    try:
        return decode_text(raw)
    except ValueError:
        return raw.decode(errors="replace")


def _event_and_create_time_ms(message: protos.Message) -> tuple[int, int]:
    """Return the event time and the creation time. A time that is unknown is 0."""
    payload = message.WhichOneof("payload")
    sent_ms = _to_ms(getattr(message, payload).send_time) if payload in ("order", "refund") else 0
    return sent_ms, _to_ms(message.create_time)


def _choose_event_time_ms(sent_ms: int, create_ms: int) -> int:
    """Return the event time, else the creation time; 0 if both are unknown. Messages are ordered by it.

    1688's event time is in seconds, the creation time in milliseconds. If both are in the same second, the
    creation time is returned.
    """
    return create_ms if not sent_ms or sent_ms == create_ms // 1000 * 1000 else sent_ms


def _to_ms(timestamp: Timestamp) -> int:
    return timestamp.seconds * 1000 + timestamp.nanos // 10**6


def _ordering_key(message: protos.Message) -> str | None:
    """Return the purchase order's id. A message about logistics may have several: return the first."""
    payload = message.WhichOneof("payload")
    if payload in ("order", "refund"):
        cbu_order_id = getattr(message, payload).cbu_order_id
    elif payload in ("logistics_trace", "mail_no_change"):
        items = getattr(message, payload).order_logs_items
        cbu_order_id = items[0].cbu_order_id if items else 0
    else:
        cbu_order_id = 0
    return str(cbu_order_id) if cbu_order_id else None
