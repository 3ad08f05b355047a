"""The reads that follow each topic, from the recorded messages. message_reads.json has the cases."""

import json
import re
from pathlib import Path

import pytest
from google.protobuf import json_format
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import order_sync_service_pb2
from nationalsite.upstream.v1 import options_pb2
from nationalsite_client import list_message_reads

from services.order_sync.message_codec import parse_message, to_dead_proto
from services.store import DeadMessage
from services.store import Message as StoredMessage
from tests.support.sample_cases import SAMPLES

ROOT = Path(__file__).resolve().parents[2]
CASES = json.loads((Path(__file__).parent / "message_reads.json").read_text())
TOPICS = {
    topic
    for field in protos.Message.DESCRIPTOR.oneofs_by_name["payload"].fields
    for topic in field.GetOptions().Extensions[options_pb2.field].topics
}
TABLE_ROW = re.compile(r"^\| (`[A-Z_`, ]+`) \| ([^|]+) \| [^|]+ \| [^|]+ \|$", re.M)
SPELLINGS = {"ORDER_BUYER_VIEW_ORDER_CONFIRM_RECEIVEGOODS": "ORDER_BUYER_VIEW_ORDER_COMFIRM_RECEIVEGOODS"}
"""The sample of a topic that 1688 spells in two ways."""


def read_message(topic: str) -> protos.Message:
    """Return a recorded message as consumers get it."""
    text = (SAMPLES / "messages" / f"{SPELLINGS.get(topic, topic)}.json").read_bytes()
    text = text.replace(SPELLINGS.get(topic, topic).encode(), topic.encode())
    incoming = parse_message(text, now_ms=lambda: 1)
    stored = StoredMessage(
        message_id=incoming.message_id,
        topic=incoming.topic,
        event_time_ms=incoming.event_time_ms,
        member_id=incoming.member_id,
        raw=incoming.raw,
    )
    return to_dead_proto(DeadMessage(message=stored, delivery_attempts=1, dead_time_ms=1)).message


def test_every_topic_has_a_case() -> None:
    assert CASES.keys() == TOPICS


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_reads_after_a_message(topic: str) -> None:
    reads = list_message_reads(read_message(topic))
    found = [
        [read.rpc, json_format.MessageToDict(read.request, preserving_proto_field_name=True)]
        for read in reads
    ]
    assert found == CASES[topic]


def test_each_read_is_an_rpc_with_this_request() -> None:
    rpcs = order_sync_service_pb2.DESCRIPTOR.services_by_name["OrderSyncService"].methods_by_name
    for topic in TOPICS:
        for read in list_message_reads(read_message(topic)):
            assert rpcs[read.rpc].input_type is read.request.DESCRIPTOR


@pytest.mark.parametrize(
    "message",
    [
        protos.Message(topic="SYSTEM_TEST_PLATFORM"),
        protos.Message(topic="ORDER_BUYER_VIEW_ORDER_PAY", order=protos.OrderEvent()),
        protos.Message(refund=protos.RefundEvent()),
        protos.Message(batch_pay=protos.BatchPayEvent(results=[protos.BatchPayResult(status="successed")])),
        protos.Message(logistics_trace=protos.LogisticsTraceEvent(cbu_logistics_id="LP1")),
    ],
)
def test_messages_without_ids_have_no_reads(message: protos.Message) -> None:
    assert list_message_reads(message) == ()


def test_an_order_with_several_entries_in_a_shipment_is_read_once() -> None:
    items = [protos.OrderLogsItem(cbu_order_id=1, cbu_order_entry_id=entry) for entry in (2, 3)]
    message = protos.Message(mail_no_change=protos.MailNoChangeEvent(order_logs_items=items))
    assert [read.request.cbu_order_id for read in list_message_reads(message)] == [1]


def test_the_documents_name_the_same_rpcs() -> None:
    rows = TABLE_ROW.findall((ROOT / "docs" / "guides" / "messages.md").read_text())
    documented = {
        topic: list(dict.fromkeys(re.findall(r"`(\w+)`", rpcs)))
        for topics, rpcs in rows
        for topic in re.findall(r"`(\w+)`", topics)
    }
    assert documented == {
        topic: list(dict.fromkeys(rpc for rpc, _ in reads)) for topic, reads in CASES.items()
    }
