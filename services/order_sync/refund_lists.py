"""Lists of refunds and of their operations, in pages."""

from nationalsite.ordersync import v1 as protos

from services.adapter import OperationClient
from services.handler import Handler
from services.order_sync.list_pages import ListPage


class RefundListHandlers:
    """Handlers of ListRefunds and ListRefundOperations."""

    def __init__(self, operations: OperationClient) -> None:
        self._operations = operations

    def handlers(self) -> dict[str, Handler]:
        """Return the handlers by RPC name."""
        return {"ListRefunds": self.list_refunds, "ListRefundOperations": self.list_refund_operations}

    async def list_refunds(self, request: protos.ListRefundsRequest, deadline: float) -> bytes:
        """List refunds. 1688 documents its first page as 0, clients also use 1."""
        page = ListPage(request, first_page=0, is_first_page_certain=False)
        response = protos.ListRefundsResponse.FromString(
            await self._operations.call("ListRefunds", request, deadline)
        )
        total = response.total_size if response.HasField("total_size") else None
        response.next_page_token = page.build_next_token(len(response.refunds), total)
        return response.SerializeToString()

    async def list_refund_operations(
        self, request: protos.ListRefundOperationsRequest, deadline: float
    ) -> bytes:
        """List the operations of a refund, which 1688 does not count."""
        page = ListPage(request, first_page=1)
        response = protos.ListRefundOperationsResponse.FromString(
            await self._operations.call("ListRefundOperations", request, deadline)
        )
        response.next_page_token = page.build_next_token(len(response.operations), None)
        return response.SerializeToString()
