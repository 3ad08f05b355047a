"""EnqueueSync and what callers do with deliveries."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

# googleapis-common-protos ships stubs, and no py.typed to say so.
from google.rpc import status_pb2  # type: ignore[import-untyped]
from nationalsite.ordersync import v1 as protos

from services.errors import RequestError, Violation
from services.handler import Handler
from services.order_sync.sync_sender import ORDERING_KEYS, SyncSender
from services.server import current_caller
from services.store import Deliveries, Delivery, NewDelivery, State

_ARMS = protos.EnqueueSyncRequest.DESCRIPTOR.oneofs_by_name["sync"].fields
SYNC_OF: Mapping[str, type[Any]] = {
    arm.message_type.name.removesuffix("Request"): GetMessageClass(arm.message_type)
    for arm in _ARMS
    if arm.message_type
}
"""RPC -> the class of its request."""
_RPC_OF = {arm.name: arm.message_type.name.removesuffix("Request") for arm in _ARMS if arm.message_type}
"""Arm of the oneof -> RPC."""
_ARM_OF = {rpc: arm for arm, rpc in _RPC_OF.items()}
_STATE = "DELIVERY_STATE_"
_ORDER_IDS: Mapping[str, Callable[[Any], str]] = {
    "SyncOrder": lambda sync: sync.order.national_order_id,
    "SyncOrderStatus": lambda sync: sync.order_status.national_order_id,
    "SyncLogisticsOrder": lambda sync: sync.logistics_order.national_order_id,
}


class DeliveryHandlers:
    """The RPCs of deliveries."""

    def __init__(self, deliveries: Deliveries, syncs: SyncSender) -> None:
        self._deliveries = deliveries
        self._syncs = syncs

    def functions(self) -> dict[str, Handler]:
        """Return them by RPC."""
        return {
            "EnqueueSync": self.enqueue_sync,
            "GetDelivery": _by_id(self._deliveries.get, protos.GetDeliveryResponse),
            "ListDeliveries": self.list_deliveries,
            "RetryDelivery": _by_id(self._deliveries.retry, protos.RetryDeliveryResponse),
            "CancelDelivery": _by_id(self._deliveries.cancel, protos.CancelDeliveryResponse),
        }

    async def enqueue_sync(self, request: protos.EnqueueSyncRequest, deadline: float) -> bytes:
        """Store a sync that can be sent, and answer with its delivery."""
        arm = request.WhichOneof("sync") or ""
        rpc, sync = _RPC_OF[arm], getattr(request, arm)
        try:
            self._syncs.check(rpc, sync)
        except RequestError as error:
            raise _within(arm, error) from error
        delivery = await self._deliveries.enqueue(
            NewDelivery(
                caller=current_caller().identity,
                request_id=request.request_id,
                content_hash=hashlib.sha256(request.SerializeToString(deterministic=True)).digest(),
                rpc=rpc,
                payload=sync.SerializeToString(),
                ordering_key=request.ordering_key or ORDERING_KEYS[rpc](sync),
                member_id=sync.order.out_member_id or None if rpc == "SyncOrder" else None,
                order_id=_order_id(rpc, sync),
            )
        )
        return protos.EnqueueSyncResponse(delivery=to_proto(delivery)).SerializeToString()

    async def list_deliveries(self, request: protos.ListDeliveriesRequest, deadline: float) -> bytes:
        """List them, those enqueued last first."""
        page = await self._deliveries.list(
            states=[State(protos.DeliveryState.Name(state).removeprefix(_STATE)) for state in request.states],
            ordering_key=request.ordering_key,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return protos.ListDeliveriesResponse(
            deliveries=map(to_proto, page.items), next_page_token=page.next_page_token
        ).SerializeToString()


def to_proto(delivery: Delivery) -> protos.Delivery:
    """Return a delivery as callers see it."""
    told = protos.Delivery(
        delivery_id=delivery.delivery_id,
        state=protos.DeliveryState.Value(_STATE + delivery.state),
        ordering_key=delivery.ordering_key,
        request_id=delivery.request_id,
        attempts=delivery.attempts,
        create_time=to_timestamp(delivery.create_ms),
        last_attempt_time=moment_if(delivery.last_attempt_ms),
        next_attempt_time=moment_if(delivery.next_attempt_ms),
        finish_time=moment_if(delivery.finish_ms),
    )
    getattr(told, _ARM_OF[delivery.rpc]).ParseFromString(delivery.payload)
    if delivery.last_error is not None:
        told.last_error.CopyFrom(status_pb2.Status.FromString(delivery.last_error))
    if delivery.results is not None:
        told.results.extend(protos.WriteOrderRelationsResponse.FromString(delivery.results).results)
    return told


def to_timestamp(epoch_ms: int) -> Timestamp:
    """Return a stored time."""
    return Timestamp(seconds=epoch_ms // 1000, nanos=epoch_ms % 1000 * 10**6)


def moment_if(epoch_ms: int | None) -> Timestamp | None:
    """Return a stored time, where there is one."""
    return None if epoch_ms is None else to_timestamp(epoch_ms)


def _by_id(act: Callable[[str], Awaitable[Delivery]], response: Callable[..., Message]) -> Handler:
    async def answered(request: Any, deadline: float) -> bytes:
        delivery = to_proto(await act(request.delivery_id))
        return response(delivery=delivery).SerializeToString()

    return answered


def _order_id(rpc: str, sync: Any) -> str | None:
    """Return the downstream order that a sync is about, as far as it says: what an erasure finds it by."""
    about = _ORDER_IDS.get(rpc)
    return about(sync) if about else None


def _within(arm: str, error: RequestError) -> RequestError:
    """Return the error with its fields' paths from the enclosing request."""
    return type(error)(
        [Violation(field=f"{arm}.{each.field}", description=each.description) for each in error.violations]
    )
