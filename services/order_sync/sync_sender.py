"""The five syncs, as they are sent: straight, one relation at a time, or a status by way of the whole."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

# googleapis-common-protos ships stubs, and no py.typed to say so.
from google.rpc import status_pb2  # type: ignore[import-untyped]
from nationalsite.ordersync import v1 as protos

from services.adapter import OperationClient
from services.errors import NationalsiteError
from services.order_sync.full_order_merger import FullOrderMerger
from services.server import to_rich_status

Sync = Callable[[Any, float], Awaitable[bytes]]

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
"""Each sync, and what it keeps its place among where nothing else is said."""


class SyncSender:
    """Sends syncs."""

    def __init__(self, operations: OperationClient, full_syncs: FullOrderMerger) -> None:
        self._operations = operations
        self._full_syncs = full_syncs
        self._ways: Mapping[str, Sync] = {
            "SyncOrder": self._sync_order,
            RELATIONS: self._write_relations,
            "SyncOrderStatus": self._sync_order_status,
            "SyncLogisticsOrder": self._sync_logistics_order,
            "SyncLogisticsStatus": self._sync_logistics_status,
        }

    def check(self, rpc: str, request: Any) -> None:
        """Raise RequestError where the request cannot be sent in its dialect."""
        self._operations.check(rpc, request)

    async def send(self, rpc: str, request: Any, deadline: float) -> bytes:
        """Send a sync; return the serialized response."""
        return await self._ways[rpc](request, deadline)

    async def relations(
        self, request: protos.WriteOrderRelationsRequest, deadline: float
    ) -> Sequence[NationalsiteError | None]:
        """Write relations; return what became of each. Raises where none reached 1688's operation."""
        outcomes = await self._operations.call_each(RELATIONS, request, deadline)
        # One verdict for all of them, in the dialect that takes the list in one call.
        return outcomes if len(outcomes) > 1 else outcomes * len(request.relations)

    def told(self, rpc: str, outcome: NationalsiteError | None) -> status_pb2.Status:
        """Return what became of a sync, or of a relation, as callers are told it."""
        return (
            status_pb2.Status()
            if outcome is None
            else to_rich_status(outcome, self._operations[rpc].api or rpc)
        )

    async def _write_relations(self, request: protos.WriteOrderRelationsRequest, deadline: float) -> bytes:
        outcomes = await self.relations(request, deadline)
        results = [self.told(RELATIONS, outcome) for outcome in outcomes]
        return protos.WriteOrderRelationsResponse(results=results).SerializeToString()

    async def _sync_order(self, request: protos.SyncOrderRequest, deadline: float) -> bytes:
        response = await self._operations.call("SyncOrder", request, deadline)
        await self._full_syncs.keep_order(request.order)
        return response

    async def _sync_logistics_order(
        self, request: protos.SyncLogisticsOrderRequest, deadline: float
    ) -> bytes:
        response = await self._operations.call("SyncLogisticsOrder", request, deadline)
        await self._full_syncs.keep_logistics_order(request.logistics_order)
        return response

    async def _sync_order_status(self, request: protos.SyncOrderStatusRequest, deadline: float) -> bytes:
        if not self._operations["SyncOrderStatus"].local:
            return await self._operations.call("SyncOrderStatus", request, deadline)
        order = await self._full_syncs.merge_order_status(request.order_status)
        return await self._sync_order(protos.SyncOrderRequest(order=order), deadline)

    async def _sync_logistics_status(
        self, request: protos.SyncLogisticsStatusRequest, deadline: float
    ) -> bytes:
        if not self._operations["SyncLogisticsStatus"].local:
            return await self._operations.call("SyncLogisticsStatus", request, deadline)
        parcel = await self._full_syncs.merge_logistics_status(request)
        whole = protos.SyncLogisticsOrderRequest(logistics_order=parcel)
        return await self._sync_logistics_order(whole, deadline)
