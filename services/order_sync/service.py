"""What is special to OrderSyncService: a result for each relation, and what needs a store."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from google.protobuf.message import Message

# googleapis-common-protos ships stubs, and no py.typed to say so.
from google.rpc import status_pb2  # type: ignore[import-untyped]
from nationalsite.ordersync.v1 import order_sync_service_pb2 as protos

from services.adapter import AdapterSettings, Function, Operations, open_operations
from services.errors import NationalsiteError, StoreRequired
from services.serving import Binding, Service, ServingSettings, rich_status

DESCRIPTOR = protos.DESCRIPTOR.services_by_name["OrderSyncService"]


class OrderSyncSettings(ServingSettings, AdapterSettings):
    """The settings of OrderSyncService."""

    listen: str = "0.0.0.0:50052"  # a container's port is reached from outside
    http_listen: str = "0.0.0.0:9102"  # likewise


class OrderSync:
    """The RPCs that need more than their operation."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def functions(self) -> dict[str, Function]:
        """Return them by RPC."""
        own: dict[str, Function] = {"WriteOrderRelations": self.write_order_relations}
        for rpc in ("SyncOrderStatus", "SyncLogisticsStatus"):
            if self._operations[rpc].local:
                own[rpc] = without_full_sync
        return own

    async def write_order_relations(
        self, request: protos.WriteOrderRelationsRequest, deadline: float
    ) -> bytes:
        """Write the relations, and tell of each what became of it."""
        rpc = "WriteOrderRelations"
        outcomes = await self._operations.call_each(rpc, request, deadline)
        if len(outcomes) == 1:  # one verdict for all of them
            outcomes *= len(request.relations)
        api = self._operations[rpc].api
        return protos.WriteOrderRelationsResponse(
            results=[_result(outcome, api) for outcome in outcomes]
        ).SerializeToString()


async def without_full_sync(request: Message, deadline: float) -> bytes:
    """Refuse a status alone: the open platform takes it with the whole order only, which nobody kept."""
    raise StoreRequired(
        "a status alone needs the last full sync, and this service has no store that keeps it"
    )


def _result(outcome: NationalsiteError | None, operation: str) -> status_pb2.Status:
    return status_pb2.Status() if outcome is None else rich_status(outcome, operation)


@asynccontextmanager
async def open_order_sync(settings: OrderSyncSettings) -> AsyncIterator[Mapping[str, Binding]]:
    """Yield the bindings of OrderSyncService."""
    async with open_operations(DESCRIPTOR, settings) as operations:
        yield operations.bindings(Binding, OrderSync(operations).functions())


ORDER_SYNC = Service(descriptor=DESCRIPTOR, settings=OrderSyncSettings, open=open_order_sync)
