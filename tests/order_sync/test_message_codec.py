"""The size of a message, and the time by which it is put in sequence."""

import hashlib
import json
from datetime import datetime

import pytest

from services.order_sync.message_codec import MAX_MESSAGE_BYTES, MessageTooLarge, parse_message, to_dead_proto
from services.store import DeadMessage
from services.store import Message as StoredMessage
from tests.support.sample_cases import SAMPLES

EMPTY = json.dumps({"msgId": 7, "data": {"text": ""}})


def build_text(size: int) -> bytes:
    """Return a message of this many bytes, in characters of three bytes and some of one."""
    characters, rest = divmod(size - len(EMPTY), 3)
    return EMPTY.replace('""', f'"{"红" * characters}{"x" * rest}"').encode()


def test_a_message_of_the_maximum_size_is_stored() -> None:
    text = build_text(MAX_MESSAGE_BYTES)
    message = parse_message(text, now_ms=lambda: 1)
    assert (message.message_id, len(message.raw), message.raw) == ("7", MAX_MESSAGE_BYTES, text)


def test_a_larger_message_is_rejected_by_its_id() -> None:
    with pytest.raises(MessageTooLarge) as caught:
        parse_message(build_text(MAX_MESSAGE_BYTES + 1), now_ms=lambda: 1)
    assert caught.value.message_id == "7"


def test_sequence_of_the_sample_with_blanks_in_its_time() -> None:
    text = (SAMPLES / "messages" / "ORDER_BUYER_VIEW_ORDER_PAY.blanks_in_time.json").read_bytes()
    sent = datetime.fromisoformat("2018-05-30T11:34:27Z")
    assert parse_message(text, now_ms=lambda: 1).event_time_ms == int(sent.timestamp() * 1000)


EVENT_MS = int(datetime.fromisoformat("2018-05-30T11:34:00Z").timestamp() * 1000)
BORN_MS = 1_586_227_869_437


@pytest.mark.parametrize(
    "sent", ["2018-05-30 19: 34: 00", "2018-05-30 19:34", " 2018- 5-30  19:34: 0", "20180530 193400"]
)
@pytest.mark.parametrize("topic", ["ORDER_BUYER_VIEW_ORDER_PAY", "ORDER_BUYER_VIEW_ORDER_REFUND_AFTER_SALES"])
def test_sequence_follows_the_event_time_in_every_form(topic: str, sent: str) -> None:
    body = {"msgId": 1, "gmtBorn": BORN_MS, "type": topic, "data": {"orderId": 1, "msgSendTime": sent}}
    assert parse_message(json.dumps(body).encode(), now_ms=lambda: 1).event_time_ms == EVENT_MS


def test_sequence_follows_the_creation_time_without_a_readable_event_time() -> None:
    body = {
        "msgId": 1,
        "gmtBorn": BORN_MS,
        "type": "ORDER_BUYER_VIEW_ORDER_PAY",
        "data": {"msgSendTime": "soon"},
    }
    assert parse_message(json.dumps(body).encode(), now_ms=lambda: 1).event_time_ms == BORN_MS


def test_message_in_gbk() -> None:
    text = '{"msgId": 1, "type": "ORDER_BUYER_VIEW_ORDER_PAY", "userInfo": "红杯子", "data": {"orderId": 1}}'
    incoming = parse_message(text.encode("gbk"), now_ms=lambda: 1)
    stored = StoredMessage(
        message_id=incoming.message_id,
        topic=incoming.topic,
        event_time_ms=incoming.event_time_ms,
        member_id=incoming.member_id,
        raw=incoming.raw,
    )
    dead = DeadMessage(message=stored, delivery_attempts=10, dead_time_ms=1)
    message = to_dead_proto(dead).message
    assert (message.member_id, message.raw_json, message.order.cbu_order_id) == ("红杯子", text, 1)


def test_a_message_with_two_members_of_the_same_name_is_kept_as_text() -> None:
    """Its consumer could read the other one of the two."""
    body = b'{"msgId": 7, "type": "T", "data": {"orderId": 1}, "data": {"orderId": 2}}'
    message = parse_message(body, now_ms=lambda: 1)
    assert message.message_id == f"sha256:{hashlib.sha256(body).hexdigest()}"
    assert (message.topic, message.ordering_key, message.raw) == ("", None, body)
    assert parse_message(body.replace(b'"data": {"orderId": 1}, ', b""), now_ms=lambda: 1).message_id == "7"
