"""Messages of a newer server, also as files for clients in other languages: tests/polyglot/newer_server.

`python -m tests.compatibility.newer_server_messages` writes the files.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format, symbol_database
from google.protobuf.message import Message

from tests.compatibility.schema_edits import NEWER

FOLDER = Path(__file__).resolve().parents[1] / "polyglot" / "newer_server"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewerMessage:
    """A message with something that today's protos do not have."""

    name: str
    description: str
    type: str
    fields: dict[str, Any]
    """All fields, in protobuf's JSON."""
    known: dict[str, Any]
    """The fields that today's stubs see. An unknown enum value is its number."""

    def build(self) -> Message:
        """Return the message in the newer release's class."""
        return json_format.ParseDict(self.fields, NEWER.message_class(self.type)())

    def encode(self) -> bytes:
        """Return the message in wire format."""
        return self.build().SerializeToString(deterministic=True)

    def as_json(self) -> str:
        """Return the content of the file beside the encoded message."""
        content = {
            "description": self.description,
            "type": self.type,
            "known": self.known,
            "encoded_size": len(self.encode()),
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


UNKNOWN_FIELD = NewerMessage(
    name="field",
    description="a response and its messages have unknown fields",
    type="nationalsite.product.v1.SearchByKeywordResponse",
    fields={
        "total_size": 2000,
        "query_id": "q-1688",
        "offers": [{"offer_id": "610947572360", "subject": "连衣裙", "warehouses": ["大阪", "东京"]}],
    },
    known={"total_size": 2000, "offers": [{"offer_id": "610947572360", "subject": "连衣裙"}]},
)
UNKNOWN_ONEOF_MEMBER = NewerMessage(
    name="oneof_member",
    description="a oneof has an unknown member: it is not set, and the rest of the message is read",
    type="nationalsite.ordersync.v1.PullMessagesResponse",
    fields={
        "received_messages": [
            {
                "ack_id": "a-1",
                "message": {
                    "message_id": "1688-1",
                    "topic": "INVOICE_BUYER_VIEW_ISSUED",
                    "raw_json": '{"type":"INVOICE_BUYER_VIEW_ISSUED"}',
                    "invoice": {"invoice_id": "INV-7"},
                },
                "delivery_attempt": 1,
            },
            {
                "ack_id": "a-2",
                "message": {
                    "message_id": "1688-2",
                    "topic": "ORDER_BUYER_VIEW_ORDER_PAY",
                    "order": {"cbu_order_id": "3209"},
                },
            },
        ]
    },
    known={
        "received_messages": [
            {
                "ack_id": "a-1",
                "message": {
                    "message_id": "1688-1",
                    "topic": "INVOICE_BUYER_VIEW_ISSUED",
                    "raw_json": '{"type":"INVOICE_BUYER_VIEW_ISSUED"}',
                },
                "delivery_attempt": 1,
            },
            {
                "ack_id": "a-2",
                "message": {
                    "message_id": "1688-2",
                    "topic": "ORDER_BUYER_VIEW_ORDER_PAY",
                    "order": {"cbu_order_id": "3209"},
                },
            },
        ]
    },
)
UNKNOWN_ENUM_VALUE = NewerMessage(
    name="enum_value",
    description="an enum has an unknown value: its number can be read",
    type="nationalsite.ordersync.v1.GetDeliveryResponse",
    fields={"delivery": {"delivery_id": "d-1", "state": "DELIVERY_STATE_PAUSED", "attempts": 3}},
    known={"delivery": {"delivery_id": "d-1", "state": 100, "attempts": 3}},
)
NEWER_MESSAGES = (UNKNOWN_FIELD, UNKNOWN_ONEOF_MEMBER, UNKNOWN_ENUM_VALUE)


def generate_files() -> Iterator[tuple[Path, bytes]]:
    """Yield the path and the content of each file."""
    for message in NEWER_MESSAGES:
        yield FOLDER / f"{message.name}.binpb", message.encode()
        yield FOLDER / f"{message.name}.json", message.as_json().encode()


def current_message_class(full_name: str) -> type[Message]:
    """Return the class of a message in today's stubs."""
    message_class: type[Message] = symbol_database.Default().GetSymbol(full_name)
    return message_class


if __name__ == "__main__":
    for path, content in generate_files():
        path.write_bytes(content)
