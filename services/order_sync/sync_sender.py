"""Sends the five syncs. In the open-platform dialect a status is merged into the last full order."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from google.rpc import status_pb2
from nationalsite.ordersync import v1 as protos

from services.adapter import OperationClient
from services.errors import NationalsiteError
from services.order_sync.full_order_merger import FullOrderMerger
from services.server import to_rich_status

SendFunction = Callable[[Any, float], Awaitable[bytes]]

RELATIONS = "WriteOrderRelations"
ORDERING_KEYS: Mapping[str, Callable[[Any], str]] = {
    "SyncOrder": lambda request: request.order.national_order_id,
    RELATIONS: lambda request: (
        request.relations[0].national_order_id or request.relations[0].national_sub_order_id
    ),
    "SyncOrderStatus": lambda request: request.order_status.national_order_id,
    "SyncLogisticsOrder": lambda request: request.logistics_order.logistics_id,
    "SyncLogisticsStatus": lambda request: request.logistics_id,
}
"""RPC of each sync -> its default ordering key."""


class SyncSender:
    """Sends syncs to 1688."""

    def __init__(self, operations: OperationClient, full_orders: FullOrderMerger) -> None:
        self._operations = operations
        self._full_orders = full_orders
        self._senders: Mapping[str, SendFunction] = {
            "SyncOrder": self._sync_order,
            RELATIONS: self._write_relations,
            "SyncOrderStatus": self._sync_order_status,
            "SyncLogisticsOrder": self._sync_logistics_order,
            "SyncLogisticsStatus": self._sync_logistics_status,
        }

    def check(self, rpc: str, request: Any) -> None:
        """Raise RequestError if the dialect cannot express the request."""
        self._operations.check_request(rpc, request)

    async def send(self, rpc: str, request: Any, deadline: float) -> bytes:
        """Send a sync; return the serialized response."""
        return await self._senders[rpc](request, deadline)

    async def write_relations(
        self, request: protos.WriteOrderRelationsRequest, deadline: float
    ) -> Sequence[NationalsiteError | None]:
        """Return the error of each relation, None if accepted. Raises if no relation could be sent."""
        outcomes = await self._operations.call_batch(RELATIONS, request, deadline)
        # national-site sends the list in one call and gets one outcome; open-platform makes a call for each.
        return outcomes if len(outcomes) > 1 else outcomes * len(request.relations)

    def to_status(self, rpc: str, outcome: NationalsiteError | None) -> status_pb2.Status:
        """Convert the outcome of a sync, or of one relation; None is OK."""
        return (
            status_pb2.Status()
            if outcome is None
            else to_rich_status(outcome, self._operations[rpc].api_id or rpc)
        )

    async def _write_relations(self, request: protos.WriteOrderRelationsRequest, deadline: float) -> bytes:
        outcomes = await self.write_relations(request, deadline)
        results = [self.to_status(RELATIONS, outcome) for outcome in outcomes]
        return protos.WriteOrderRelationsResponse(results=results).SerializeToString()

    async def _sync_order(self, request: protos.SyncOrderRequest, deadline: float) -> bytes:
        response = await self._operations.call("SyncOrder", request, deadline)
        await self._full_orders.store_order(request.order)
        return response

    async def _sync_logistics_order(
        self, request: protos.SyncLogisticsOrderRequest, deadline: float
    ) -> bytes:
        response = await self._operations.call("SyncLogisticsOrder", request, deadline)
        await self._full_orders.store_logistics_order(request.logistics_order)
        return response

    async def _sync_order_status(self, request: protos.SyncOrderStatusRequest, deadline: float) -> bytes:
        if not self._operations["SyncOrderStatus"].local:
            return await self._operations.call("SyncOrderStatus", request, deadline)
        order = await self._full_orders.merge_order_status(request.order_status)
        return await self._sync_order(protos.SyncOrderRequest(order=order), deadline)

    async def _sync_logistics_status(
        self, request: protos.SyncLogisticsStatusRequest, deadline: float
    ) -> bytes:
        if not self._operations["SyncLogisticsStatus"].local:
            return await self._operations.call("SyncLogisticsStatus", request, deadline)
        logistics_order = await self._full_orders.merge_logistics_status(request)
        full_request = protos.SyncLogisticsOrderRequest(logistics_order=logistics_order)
        return await self._sync_logistics_order(full_request, deadline)
