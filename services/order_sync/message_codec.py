"""Converts 1688's messages: from JSON to a stored message, and from a stored message to a proto."""

import hashlib
from collections.abc import Callable

import structlog
from nationalsite.ordersync import v1 as protos
from prometheus_client import Counter

from services.adapter import DecodeResult, message_decoder
from services.errors import UpstreamUnreadable
from services.order_sync.deliveries import to_timestamp
from services.store import IncomingMessage
from services.store import Message as StoredMessage

_decode = message_decoder(protos.Message.DESCRIPTOR)
_unreadable = Counter(
    "nationalsite_message_fields_unreadable",
    "Fields of 1688's messages left unset because they could not be read; `message`: all fields.",
    ("field",),
)
_log = structlog.get_logger()


def parse_message(text: bytes, now_ms: Callable[[], int]) -> IncomingMessage:
    """Parse a message. If it cannot be parsed, it is stored as received, and its id is its hash."""
    try:
        decoded = _decode(text)
    except UpstreamUnreadable:
        decoded = DecodeResult(response=b"", unreadable=("message",))
    message, unreadable = protos.Message.FromString(decoded.response), decoded.unreadable
    for field in unreadable:
        _unreadable.labels(field).inc()
    if unreadable:
        _log.warning("unreadable_message", topic=message.topic, fields=sorted(set(unreadable)))
    return IncomingMessage(
        message_id=message.message_id or f"sha256:{hashlib.sha256(text).hexdigest()}",
        topic=message.topic,
        ordering_key=_order_key(message),
        event_time_ms=_time_ms(message) or now_ms(),
        member_id=message.member_id,
        raw=text,
    )


def to_proto(stored: StoredMessage) -> protos.Message:
    """Convert a stored message to the proto for consumers."""
    try:
        message = protos.Message.FromString(_decode(stored.raw).response)
    except UpstreamUnreadable:
        message = protos.Message()
    message.message_id = stored.message_id
    message.raw_json = stored.raw.decode(errors="replace")
    message.delivery_attempt = stored.delivery_attempt
    message.lease_expire_time.CopyFrom(to_timestamp(stored.lease_expire_time_ms))
    return message


def _time_ms(message: protos.Message) -> int:
    """Return the event time, else the creation time; 0 if both are unknown. Messages are ordered by it.

    1688's event time is in seconds, the creation time in milliseconds. If both are in the same second, the
    creation time is returned.
    """
    create_ms = message.create_time.ToMilliseconds()
    payload = message.WhichOneof("payload")
    sent = getattr(message, payload).send_time.ToMilliseconds() if payload in ("order", "refund") else 0
    return create_ms if not sent or sent == create_ms // 1000 * 1000 else sent


def _order_key(message: protos.Message) -> str | None:
    """Return the id of the purchase order; of several in a message about logistics, the first."""
    payload = message.WhichOneof("payload")
    if payload in ("order", "refund"):
        cbu_order_id = getattr(message, payload).cbu_order_id
    elif payload in ("logistics_trace", "mail_no_change"):
        items = getattr(message, payload).order_logs_items
        cbu_order_id = items[0].cbu_order_id if items else 0
    else:
        cbu_order_id = 0
    return str(cbu_order_id) if cbu_order_id else None
