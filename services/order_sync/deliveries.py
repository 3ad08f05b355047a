"""The RPCs of deliveries: EnqueueSync, GetDelivery, ListDeliveries, RetryDelivery, CancelDelivery."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import status_pb2
from nationalsite.ordersync import v1 as protos

from services.errors import RequestError, Violation
from services.handler import Handler
from services.order_sync.sync_sender import ORDERING_KEYS, SyncSender
from services.server import current_caller
from services.store import Deliveries, Delivery, NewDelivery, State

_SYNC_FIELDS = protos.EnqueueSyncRequest.DESCRIPTOR.oneofs_by_name["sync"].fields
REQUEST_CLASSES: Mapping[str, type[Any]] = {
    field.message_type.name.removesuffix("Request"): GetMessageClass(field.message_type)
    for field in _SYNC_FIELDS
    if field.message_type
}
"""RPC -> request class, for each RPC that can be enqueued."""
_RPC_BY_FIELD = {
    field.name: field.message_type.name.removesuffix("Request")
    for field in _SYNC_FIELDS
    if field.message_type
}
"""Field of the oneof `sync` -> RPC."""
_FIELD_BY_RPC = {rpc: field for field, rpc in _RPC_BY_FIELD.items()}
_STATE_PREFIX = "DELIVERY_STATE_"
_ORDER_IDS: Mapping[str, Callable[[Any], str]] = {
    "SyncOrder": lambda sync: sync.order.national_order_id,
    "SyncOrderStatus": lambda sync: sync.order_status.national_order_id,
    "SyncLogisticsOrder": lambda sync: sync.logistics_order.national_order_id,
}


class DeliveryHandlers:
    """Handlers of the RPCs of deliveries."""

    def __init__(self, deliveries: Deliveries, syncs: SyncSender) -> None:
        self._deliveries = deliveries
        self._syncs = syncs

    def handlers(self) -> dict[str, Handler]:
        """Return the handlers by RPC."""
        return {
            "EnqueueSync": self.enqueue_sync,
            "GetDelivery": _handle_by_id(self._deliveries.get, protos.GetDeliveryResponse),
            "ListDeliveries": self.list_deliveries,
            "RetryDelivery": _handle_by_id(self._deliveries.retry, protos.RetryDeliveryResponse),
            "CancelDelivery": _handle_by_id(self._deliveries.cancel, protos.CancelDeliveryResponse),
        }

    async def enqueue_sync(self, request: protos.EnqueueSyncRequest, deadline: float) -> bytes:
        """Store a sync as a delivery. Raises RequestError if the dialect cannot express the sync."""
        field = request.WhichOneof("sync") or ""
        rpc, sync = _RPC_BY_FIELD[field], getattr(request, field)
        try:
            self._syncs.check(rpc, sync)
        except RequestError as error:
            raise _prefix_fields(field, error) from error
        delivery = await self._deliveries.enqueue(
            NewDelivery(
                caller=current_caller().identity,
                request_id=request.request_id,
                content_hash=hashlib.sha256(request.SerializeToString(deterministic=True)).digest(),
                rpc=rpc,
                payload=sync.SerializeToString(),
                ordering_key=request.ordering_key or ORDERING_KEYS[rpc](sync),
                member_id=sync.order.out_member_id or None if rpc == "SyncOrder" else None,
                national_order_id=_national_order_id(rpc, sync),
            )
        )
        return protos.EnqueueSyncResponse(delivery=to_proto(delivery)).SerializeToString()

    async def list_deliveries(self, request: protos.ListDeliveriesRequest, deadline: float) -> bytes:
        """List deliveries, the newest first."""
        page = await self._deliveries.list(
            states=[_to_state(state) for state in request.states],
            ordering_key=request.ordering_key,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return protos.ListDeliveriesResponse(
            deliveries=map(to_proto, page.items), next_page_token=page.next_page_token
        ).SerializeToString()


def to_proto(delivery: Delivery) -> protos.Delivery:
    """Convert a stored delivery."""
    response = protos.Delivery(
        delivery_id=delivery.delivery_id,
        state=protos.DeliveryState.Value(_STATE_PREFIX + delivery.state),
        ordering_key=delivery.ordering_key,
        request_id=delivery.request_id,
        attempts=delivery.attempts,
        create_time=to_timestamp(delivery.create_time_ms),
        last_attempt_time=to_optional_timestamp(delivery.last_attempt_time_ms),
        next_attempt_time=to_optional_timestamp(delivery.next_attempt_time_ms),
        finish_time=to_optional_timestamp(delivery.finish_time_ms),
    )
    getattr(response, _FIELD_BY_RPC[delivery.rpc]).ParseFromString(delivery.payload)
    if delivery.last_error is not None:
        response.last_error.CopyFrom(status_pb2.Status.FromString(delivery.last_error))
    if delivery.results is not None:
        response.results.extend(protos.WriteOrderRelationsResponse.FromString(delivery.results).results)
    return response


def _to_state(state: protos.DeliveryState.ValueType) -> State:
    return State(protos.DeliveryState.Name(state).removeprefix(_STATE_PREFIX))


def to_timestamp(epoch_ms: int) -> Timestamp:
    """Convert a stored time."""
    return Timestamp(seconds=epoch_ms // 1000, nanos=epoch_ms % 1000 * 10**6)


def to_optional_timestamp(epoch_ms: int | None) -> Timestamp | None:
    """Convert a stored time that may be absent."""
    return None if epoch_ms is None else to_timestamp(epoch_ms)


def _handle_by_id(method: Callable[[str], Awaitable[Delivery]], response: Callable[..., Message]) -> Handler:
    async def handle(request: Any, deadline: float) -> bytes:
        delivery = to_proto(await method(request.delivery_id))
        return response(delivery=delivery).SerializeToString()

    return handle


def _national_order_id(rpc: str, sync: Any) -> str | None:
    """Return the id of the downstream order, which an erasure needs; None if the sync has none."""
    read_id = _ORDER_IDS.get(rpc)
    return read_id(sync) if read_id else None


def _prefix_fields(prefix: str, error: RequestError) -> RequestError:
    """Return the error with the field paths of the enclosing EnqueueSyncRequest."""
    return type(error)(
        [
            Violation(field=f"{prefix}.{violation.field}", description=violation.description)
            for violation in error.violations
        ]
    )
