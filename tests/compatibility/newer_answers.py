"""What a newer server answers with, also as files for clients in other languages (tests/polyglot/forward).

`python -m tests.compatibility.newer_answers` writes the files.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format, symbol_database
from google.protobuf.message import Message

from tests.compatibility.surgery import NEWER

FOLDER = Path(__file__).resolve().parents[1] / "polyglot" / "forward"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer with something that today's protos do not have."""

    name: str
    about: str
    type: str
    newer: dict[str, Any]
    """All of it, in protobuf's JSON."""
    known: dict[str, Any]
    """What today's stubs see of it; a value of an enum that they do not know is its number."""

    def message(self) -> Message:
        """Return it as the newer server knows it."""
        return json_format.ParseDict(self.newer, NEWER.kind(self.type)())

    def bytes(self) -> bytes:
        """Return it as it goes over the wire."""
        return self.message().SerializeToString(deterministic=True)

    def as_json(self) -> str:
        """Return what stands beside the bytes."""
        told = {"about": self.about, "type": self.type, "known": self.known, "size": len(self.bytes())}
        return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


FIELD = Answer(
    name="field",
    about="an answer and the messages in it have fields that are not known",
    type="nationalsite.product.v1.SearchByKeywordResponse",
    newer={
        "total_records": 2000,
        "query_id": "q-1688",
        "offers": [{"offer_id": "610947572360", "subject": "连衣裙", "warehouses": ["大阪", "东京"]}],
    },
    known={"total_records": 2000, "offers": [{"offer_id": "610947572360", "subject": "连衣裙"}]},
)
ARM = Answer(
    name="arm",
    about="a oneof has an arm that is not known: it is unset, and the rest of the message is there",
    type="nationalsite.ordersync.v1.PullMessagesResponse",
    newer={
        "messages": [
            {
                "message_id": "1688-1",
                "topic": "INVOICE_BUYER_VIEW_ISSUED",
                "raw_json": '{"type":"INVOICE_BUYER_VIEW_ISSUED"}',
                "invoice": {"invoice_id": "INV-7"},
                "delivery_attempt": 1,
            },
            {
                "message_id": "1688-2",
                "topic": "ORDER_BUYER_VIEW_ORDER_PAY",
                "order": {"cbu_order_id": "3209"},
            },
        ]
    },
    known={
        "messages": [
            {
                "message_id": "1688-1",
                "topic": "INVOICE_BUYER_VIEW_ISSUED",
                "raw_json": '{"type":"INVOICE_BUYER_VIEW_ISSUED"}',
                "delivery_attempt": 1,
            },
            {
                "message_id": "1688-2",
                "topic": "ORDER_BUYER_VIEW_ORDER_PAY",
                "order": {"cbu_order_id": "3209"},
            },
        ]
    },
)
VALUE = Answer(
    name="value",
    about="an enum has a value that is not known: its number can be read",
    type="nationalsite.ordersync.v1.GetDeliveryResponse",
    newer={"delivery": {"delivery_id": "d-1", "state": "DELIVERY_STATE_PAUSED", "attempts": 3}},
    known={"delivery": {"delivery_id": "d-1", "state": 100, "attempts": 3}},
)
ANSWERS = (FIELD, ARM, VALUE)


def files() -> Iterator[tuple[Path, bytes]]:
    """Yield each file and what it holds."""
    for answer in ANSWERS:
        yield FOLDER / f"{answer.name}.binpb", answer.bytes()
        yield FOLDER / f"{answer.name}.json", answer.as_json().encode()


def today(full_name: str) -> type[Message]:
    """Return the class of a message as today's stubs have it."""
    kind: type[Message] = symbol_database.Default().GetSymbol(full_name)
    return kind


if __name__ == "__main__":
    for path, content in files():
        path.write_bytes(content)
