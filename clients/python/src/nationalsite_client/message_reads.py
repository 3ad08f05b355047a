"""The reads that follow a message of 1688's, which itself has few details."""

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import ORDER_SYNC_SERVICE

# For each payload and RPC the fields that the request needs: see docs/messages.md.
_ROWS = json.loads((resources.files("nationalsite_client") / "message_reads.json").read_text())


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A call of OrderSyncService: `getattr(stub, read.rpc)(read.request, timeout=5)`."""

    rpc: str
    """Name of the RPC, such as GetPurchaseOrder."""
    request: Message
    """Its request, such as a GetPurchaseOrderRequest."""


def list_message_reads(message: protos.Message) -> tuple[Read, ...]:
    """Return the calls that read what a message is about, in the order in which to make them.

    Empty for a message without a payload, or without the ids that the calls need. A topic that is newer than
    this library has the reads of its payload.
    """
    payload = message.WhichOneof("payload")
    if payload is None:
        return ()
    event = getattr(message, payload)
    return tuple(
        Read(rpc=row["rpc"], request=request)
        for row in _ROWS
        if row["payload"] == payload and (not row["topics"] or message.topic in row["topics"])
        for request in _build_requests(row["rpc"], event, row["fields"])
    )


def _build_requests(rpc: str, event: Message, paths: list[str]) -> list[Message]:
    """Return a request for each value of the first path. Values of the other paths are added."""
    request_class = GetMessageClass(ORDER_SYNC_SERVICE.methods_by_name[rpc].input_type)
    first, *others = paths
    further = {_field_name(path): value for path in others for value in _list_values(event, path)}
    return [request_class(**{_field_name(first): value}, **further) for value in _list_values(event, first)]


def _field_name(path: str) -> str:
    return path.rpartition(".")[2]


def _list_values(message: Message, path: str) -> list[Any]:
    """Return the values to which a path leads, each once, without those that are not set."""
    name, _, rest = path.partition(".")
    value = getattr(message, name)
    values = value if message.DESCRIPTOR.fields_by_name[name].is_repeated else [value]
    if rest:
        values = [found for each in values for found in _list_values(each, rest)]
    return list(dict.fromkeys(filter(None, values)))
