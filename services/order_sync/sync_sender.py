"""Sends the five syncs. In the open-platform dialect a status is merged into the last full order."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from google.rpc import status_pb2
from nationalsite.ordersync import v1 as protos

from services.adapter import OperationClient
from services.errors import NationalsiteError
from services.order_sync.full_order_merger import (
    logistics_order_key,
    merge_logistics_status,
    merge_order_status,
    order_key,
    to_full_logistics_order,
    to_full_order,
)
from services.order_sync.full_order_syncs import FullOrderSync, FullOrderSyncs
from services.server import to_rich_status
from services.store import Capacity, FullOrder, FullOrderKey, require_full_order

SendFunction = Callable[[Any, float], Awaitable[bytes]]

RELATIONS = "WriteOrderRelations"
ORDERING_KEYS: Mapping[str, Callable[[Any], str]] = {
    "SyncOrder": lambda request: request.order.national_order_id,
    RELATIONS: lambda request: (
        request.relations[0].national_order_id or request.relations[0].national_sub_order_id
    ),
    "SyncOrderStatus": lambda request: request.order_status.national_order_id,
    "SyncLogisticsOrder": lambda request: request.logistics_order.logistics_id,
    "SyncLogisticsStatus": lambda request: request.logistics_status.logistics_id,
}
"""RPC of each sync -> the ordering key of its delivery, if the caller of EnqueueSync gives none."""
FULL_SYNCS: Mapping[str, str] = {"SyncOrderStatus": "SyncOrder", "SyncLogisticsStatus": "SyncLogisticsOrder"}
"""RPC of a status -> the RPC that sends it within the full order, if the dialect has no operation for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _FullSync:
    """How a full order or logistics order is sent and stored."""

    rpc: str
    to_request: Callable[[Any], Any]
    to_full_order: Callable[[Any], FullOrder]
    parse: Callable[[bytes], Any]


_ORDER = _FullSync(
    rpc="SyncOrder",
    to_request=lambda order: protos.SyncOrderRequest(order=order),
    to_full_order=to_full_order,
    parse=protos.Order.FromString,
)
_LOGISTICS_ORDER = _FullSync(
    rpc="SyncLogisticsOrder",
    to_request=lambda order: protos.SyncLogisticsOrderRequest(logistics_order=order),
    to_full_order=to_full_logistics_order,
    parse=protos.LogisticsOrder.FromString,
)


class SyncSender:
    """Sends syncs to 1688."""

    def __init__(self, operations: OperationClient, full_orders: FullOrderSyncs) -> None:
        self._operations = operations
        self._full_orders = full_orders
        self._senders: dict[str, SendFunction] = {rpc: partial(operations.call, rpc) for rpc in ORDERING_KEYS}
        self._senders[RELATIONS] = self._write_relations
        if operations["SyncOrderStatus"].local:
            self._senders |= {"SyncOrder": self._sync_order, "SyncOrderStatus": self._sync_order_status}
        if operations["SyncLogisticsStatus"].local:
            self._senders |= {
                "SyncLogisticsOrder": self._sync_logistics_order,
                "SyncLogisticsStatus": self._sync_logistics_status,
            }

    def check(self, rpc: str, request: Any) -> None:
        """Raise RequestError if the dialect cannot express the request."""
        self._operations.check_request(rpc, request)

    def get_capacity(self, rpc: str) -> Capacity:
        """Return how many deliveries of an RPC the relay may send at the same time."""
        availability = self._operations.get_availability(
            FULL_SYNCS[rpc] if self._operations[rpc].local else rpc
        )
        return Capacity(max_in_flight=availability.max_calls, retry_after_s=availability.retry_after_s)

    async def send(self, rpc: str, request: Any, deadline: float) -> bytes:
        """Send a sync; return the serialized response."""
        return await self._senders[rpc](request, deadline)

    async def write_relations(
        self, request: protos.WriteOrderRelationsRequest, deadline: float
    ) -> Sequence[NationalsiteError | None]:
        """Return each relation's error; None if 1688 accepted it. Raises if no relation could be sent."""
        outcomes = await self._operations.call_batch(RELATIONS, request, deadline)
        # national-site sends the list in one call and gets one outcome; open-platform sends each relation in
        # a call of its own.
        return outcomes if len(outcomes) > 1 else outcomes * len(request.relations)

    def to_status(self, rpc: str, error: NationalsiteError) -> status_pb2.Status:
        """Convert the error of a sync to a status."""
        return to_rich_status(error, self._operations[rpc].origin)

    def to_result(self, error: NationalsiteError | None) -> protos.OrderRelationResult:
        """Convert the outcome of one relation to its result. None means OK."""
        status = status_pb2.Status() if error is None else self.to_status(RELATIONS, error)
        return protos.OrderRelationResult(status=status)

    async def _write_relations(self, request: protos.WriteOrderRelationsRequest, deadline: float) -> bytes:
        outcomes = await self.write_relations(request, deadline)
        results = [self.to_result(outcome) for outcome in outcomes]
        return protos.WriteOrderRelationsResponse(results=results).SerializeToString()

    async def _sync_order(self, request: protos.SyncOrderRequest, deadline: float) -> bytes:
        key = order_key(request.order.national_order_id)
        return await self._run(_ORDER, key, lambda _: request.order, deadline, is_whole=True)

    async def _sync_order_status(self, request: protos.SyncOrderStatusRequest, deadline: float) -> bytes:
        key = order_key(request.order_status.national_order_id)

        def build(stored: FullOrder | None) -> protos.Order:
            return merge_order_status(require_full_order(stored, key), request.order_status)

        return await self._run(_ORDER, key, build, deadline, is_whole=False)

    async def _sync_logistics_order(
        self, request: protos.SyncLogisticsOrderRequest, deadline: float
    ) -> bytes:
        key = logistics_order_key(request.logistics_order.logistics_id)
        return await self._run(
            _LOGISTICS_ORDER, key, lambda _: request.logistics_order, deadline, is_whole=True
        )

    async def _sync_logistics_status(
        self, request: protos.SyncLogisticsStatusRequest, deadline: float
    ) -> bytes:
        key = logistics_order_key(request.logistics_status.logistics_id)

        def build(stored: FullOrder | None) -> protos.LogisticsOrder:
            return merge_logistics_status(require_full_order(stored, key), request.logistics_status)

        return await self._run(_LOGISTICS_ORDER, key, build, deadline, is_whole=False)

    async def _run(
        self,
        full_sync: _FullSync,
        key: FullOrderKey,
        build: Callable[[FullOrder | None], Any],
        deadline: float,
        *,
        is_whole: bool,
    ) -> bytes:
        async def send(order: Any, send_deadline: float) -> bytes:
            return await self._operations.call(full_sync.rpc, full_sync.to_request(order), send_deadline)

        sync = FullOrderSync(
            key=key,
            build=build,
            send=send,
            to_full_order=full_sync.to_full_order,
            parse=full_sync.parse,
            is_whole=is_whole,
        )
        return await self._full_orders.run(sync, deadline)
