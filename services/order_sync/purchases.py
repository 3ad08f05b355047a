"""Previews and creations of purchase orders: the verdict of 1688 on each order and SKU becomes a status.

A creation whose outcome is unknown ends with OutcomeUnknown. Then `PurchaseSearch` looks for its orders.
"""

from collections.abc import Callable

import structlog
from google.rpc import status_pb2
from nationalsite.ordersync import v1 as protos

from services.adapter import OperationClient, is_success_code
from services.errors import NationalsiteError, UpstreamRefused
from services.handler import Handler
from services.order_sync.purchase_search import PurchaseSearch
from services.order_sync.rejections import call_with_rejection
from services.server import to_rich_status

PREVIEW, CREATE = "PreviewPurchaseOrders", "CreatePurchaseOrders"

_log = structlog.get_logger()
_CREATE_METHOD = protos.ORDER_SYNC_SERVICE.methods_by_name[CREATE]


class PurchaseHandlers:
    """Handlers of PreviewPurchaseOrders and CreatePurchaseOrders."""

    def __init__(
        self, operations: OperationClient, search: PurchaseSearch, now_ms: Callable[[], int]
    ) -> None:
        """`now_ms` returns the time in milliseconds since the epoch."""
        self._operations = operations
        self._search = search
        self._now_ms = now_ms

    def handlers(self) -> dict[str, Handler]:
        """Return the handlers by RPC name."""
        return {PREVIEW: self.preview_purchase_orders, CREATE: self.create_purchase_orders}

    async def preview_purchase_orders(
        self, request: protos.PreviewPurchaseOrdersRequest, deadline: float
    ) -> bytes:
        """Preview purchase orders. Each of them, and each of its SKUs, gets a status."""
        response = protos.PreviewPurchaseOrdersResponse.FromString(
            await self._operations.call(PREVIEW, request, deadline)
        )
        for preview in response.previews:
            error = self._find_error(preview, request)
            preview.status.CopyFrom(self._to_status(PREVIEW, error, request))
            for item in preview.items:
                is_error = item.result_code.strip() and not is_success_code(item.result_code)
                item_error = (
                    self._operations.build_rejection(PREVIEW, request, item.result_code, item.result_message)
                    if is_error
                    else None
                )
                item.status.CopyFrom(self._to_status(PREVIEW, item_error, request))
        return response.SerializeToString()

    async def create_purchase_orders(
        self, request: protos.CreatePurchaseOrdersRequest, deadline: float
    ) -> bytes:
        """Create purchase orders. Raises OutcomeUnknown if 1688 may have created some.

        Responses are known that say failure although the order exists. So after a failure without the id of
        an order, it looks once for one.
        """
        start_time_ms = self._now_ms()
        try:
            response = protos.CreatePurchaseOrdersResponse.FromString(
                await call_with_rejection(self._operations, _CREATE_METHOD, request, deadline)
            )
        except UpstreamRefused as rejection:
            found = await self._search.look_once(request, start_time_ms, deadline)
            if found is None:
                raise
            _log.warning("refused_creation_exists", orders=len(found.purchase_orders))
            found.rejection.CopyFrom(self._to_status(CREATE, rejection, request))
            return found.SerializeToString()
        for item in response.failed_items:
            error = self._operations.build_rejection(CREATE, request, item.error_code, item.error_message)
            item.status.CopyFrom(self._to_status(CREATE, error, request))
        return response.SerializeToString()

    def _find_error(
        self, preview: protos.PurchaseOrderPreview, request: protos.PreviewPurchaseOrdersRequest
    ) -> UpstreamRefused | None:
        """Return why an order cannot be created; None if it can."""
        if preview.HasField("is_accepted") and not preview.is_accepted:
            return self._operations.build_rejection(
                PREVIEW, request, preview.result_code, preview.result_message
            )
        if not preview.trade_types:
            return UpstreamRefused(
                "UPSTREAM_STATE", "1688 offers no kind of trade in which the API can create this order"
            )
        return None

    def _to_status(
        self,
        rpc: str,
        error: NationalsiteError | None,
        request: protos.PreviewPurchaseOrdersRequest | protos.CreatePurchaseOrdersRequest,
    ) -> status_pb2.Status:
        if error is None:
            return status_pb2.Status()
        return to_rich_status(error, self._operations[rpc].origin, request)
