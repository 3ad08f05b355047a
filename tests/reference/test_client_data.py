"""The JSON files in docs/reference, and their copies in the client packages."""

import importlib.resources
import json
import re

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import Descriptor
from nationalsite.ordersync import v1 as protos
from nationalsite.upstream import v1 as upstream_v1

from tools.generation.client_data import ALL, MESSAGE_READS, REFERENCE_DIR, ClientData
from tools.message_reads import list_reads


def test_every_json_file_of_the_reference_is_generated() -> None:
    assert {data.reference_file for data in ALL} == set(REFERENCE_DIR.glob("*.json"))


@pytest.mark.parametrize("data", ALL, ids=lambda data: data.name)
def test_every_package_has_the_file(data: ClientData) -> None:
    rows = json.loads(data.reference_file.read_text())
    assert rows
    assert json.loads((data.go_dir / f"{data.name}.json").read_text()) == rows
    script = (data.typescript_dir / "index.js").read_text()
    (copy,) = re.findall(rf"export const {data.typescript_name} = (.*);", script, re.S)
    assert json.loads(copy) == rows
    python = importlib.resources.files("nationalsite_client") / f"{data.name}.json"
    assert json.loads(python.read_text()) == rows


def test_every_payload_has_reads() -> None:
    rows = json.loads(MESSAGE_READS.reference_file.read_text())
    payloads = protos.Message.DESCRIPTOR.oneofs_by_name["payload"].fields
    assert {row["payload"] for row in rows} == {field.name for field in payloads}


@pytest.mark.parametrize(
    ("read", "error"),
    [
        ({"rpc": "GetOrder", "fields": ["refund_id"]}, "no RPC GetOrder"),
        ({"rpc": "GetRefund", "fields": ["id"]}, "id is not a field"),
        ({"rpc": "GetRefund", "fields": ["operator"]}, "operator is not a field"),
        ({"rpc": "GetRefund", "fields": ["refund_id.refund_id"]}, "refund_id.refund_id is not a field"),
        ({"rpc": "ListRefunds", "fields": ["state"]}, "state is not a field"),
        ({"rpc": "GetRefund", "fields": ["refund_id"], "topics": ["PAID"]}, "no topics ['PAID']"),
        ({"rpc": "GetRefund"}, "no fields"),
    ],
    ids=["rpc", "no field", "field of the payload only", "no message", "other type", "topic", "no fields"],
)
def test_an_option_that_names_what_does_not_exist_is_rejected(read: dict[str, object], error: str) -> None:
    message = build_message(upstream_v1.MessageRead(**read))
    with pytest.raises(ValueError, match=re.escape(error)):
        list(list_reads(message))


def test_a_valid_option_is_a_row() -> None:
    message = build_message(
        upstream_v1.MessageRead(rpc="GetRefund", fields=["refund_id"], topics=["REFUNDED"])
    )
    (row,) = list_reads(message)
    assert (row.payload, row.rpc, row.fields, row.topics) == (
        "refund",
        "GetRefund",
        ("refund_id",),
        ("REFUNDED",),
    )


def build_message(read: upstream_v1.MessageRead) -> Descriptor:
    """Return a message whose payload is a refund with the topic REFUNDED and this option."""
    file = descriptor_pb2.FileDescriptorProto(name="test.proto", syntax="proto3")
    file.dependency.append(protos.RefundEvent.DESCRIPTOR.file.name)
    message = file.message_type.add(name="Message")
    message.oneof_decl.add(name="payload")
    field = message.field.add(
        name="refund",
        number=1,
        type=descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE,
        label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
        type_name=f".{protos.RefundEvent.DESCRIPTOR.full_name}",
        oneof_index=0,
    )
    field.options.Extensions[upstream_v1.field].topics.append("REFUNDED")
    field.options.Extensions[upstream_v1.reads].append(read)
    pool = descriptor_pool.DescriptorPool()
    add_file(pool, protos.RefundEvent.DESCRIPTOR.file)
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindMessageTypeByName("Message")


def add_file(pool: descriptor_pool.DescriptorPool, file: object) -> None:
    """Add a file to a pool, after its imports."""
    for dependency in file.dependencies:
        add_file(pool, dependency)
    pool.AddSerializedFile(file.serialized_pb)
