"""What a delivery holds: the content of a sync, which is sent as a request of the sync's RPC."""

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from nationalsite.ordersync import v1 as protos

from services.order_sync.sync_sender import RELATIONS
from services.store import OrderId, OrderIdKind

RPC_BY_FIELD: Mapping[str, str] = {
    "order": "SyncOrder",
    "relations": RELATIONS,
    "order_status": "SyncOrderStatus",
    "logistics_order": "SyncLogisticsOrder",
    "logistics_status": "SyncLogisticsStatus",
}
"""Field of the oneof `sync` -> RPC that sends it. The RPC's request has a field with the same name."""
FIELD_BY_RPC: Mapping[str, str] = {rpc: field for field, rpc in RPC_BY_FIELD.items()}
_METHODS = protos.ORDER_SYNC_SERVICE.methods_by_name
_REQUEST_CLASSES = {rpc: GetMessageClass(_METHODS[rpc].input_type) for rpc in FIELD_BY_RPC}
_PAYLOAD_CLASSES = {rpc: type(getattr(protos.Delivery(), field)) for rpc, field in FIELD_BY_RPC.items()}

_ID_KINDS = {
    "national_order_id": OrderIdKind.ORDER,
    "national_sub_order_id": OrderIdKind.SUB_ORDER,
    "logistics_id": OrderIdKind.LOGISTICS_ORDER,
}


def parse_payload(rpc: str, serialized: bytes) -> Any:
    """Parse the stored content of a sync."""
    return _PAYLOAD_CLASSES[rpc].FromString(serialized)


def build_request(rpc: str, payload: Any) -> Any:
    """Return the request that sends the content of a sync."""
    field = FIELD_BY_RPC[rpc]
    return _REQUEST_CLASSES[rpc](**{field: payload.relations if rpc == RELATIONS else payload})


def find_order_ids(message: Message) -> Iterator[OrderId]:
    """Yield the ids of orders, sub-orders and logistics orders anywhere in a sync."""
    for descriptor, value in message.ListFields():
        if (kind := _ID_KINDS.get(descriptor.name)) is not None:
            yield kind, value
        elif descriptor.message_type is not None:
            for element in value if descriptor.is_repeated else (value,):
                yield from find_order_ids(element)


def to_payload_path(rpc: str, path: str) -> str:
    """Convert the path of a field in the RPC's request to its path in EnqueueSyncRequest."""
    return f"{FIELD_BY_RPC[rpc]}.{path}" if rpc == RELATIONS else path
