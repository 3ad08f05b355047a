"""Reads of purchase orders: exact ids, the deadline of the payment, and pages."""

import re
from collections import Counter

from nationalsite.ordersync import v1 as protos

from services.adapter import OperationClient
from services.handler import Handler
from services.order_sync.list_pages import ARCHIVE, ListPage

_ENTRY_ID = re.compile(r"[?&]order_entry_id=([1-9]\d{0,18})(?=[&#]|$)", re.ASCII)
"""The id of an order entry in the URL of its snapshot."""
_FIRST_INEXACT = 2**53
"""From here on, a double cannot hold every integer."""
_FULL = protos.PURCHASE_ORDER_VIEW_FULL


class PurchaseOrderHandlers:
    """Handlers of GetPurchaseOrder and ListPurchaseOrders."""

    def __init__(self, operations: OperationClient) -> None:
        self._operations = operations

    def handlers(self) -> dict[str, Handler]:
        """Return the handlers by RPC name."""
        return {
            "GetPurchaseOrder": self.get_purchase_order,
            "ListPurchaseOrders": self.list_purchase_orders,
        }

    async def get_purchase_order(self, request: protos.GetPurchaseOrderRequest, deadline: float) -> bytes:
        """Read a purchase order."""
        return (await read_purchase_order(self._operations, request, deadline)).SerializeToString()

    async def list_purchase_orders(self, request: protos.ListPurchaseOrdersRequest, deadline: float) -> bytes:
        """List purchase orders: the current ones, then those in the archive if the request says so."""
        page = ListPage(request, first_page=1)
        has_archive = request.include_archived
        if has_archive:
            request.include_archived = page.part == ARCHIVE
        response = protos.ListPurchaseOrdersResponse.FromString(
            await self._operations.call("ListPurchaseOrders", request, deadline)
        )
        for order in response.purchase_orders:
            _complete(order, request.view)
        total = response.total_size if response.HasField("total_size") else None
        response.next_page_token = page.build_next_token(
            len(response.purchase_orders), total, has_archive=has_archive
        )
        return response.SerializeToString()


async def read_purchase_order(
    operations: OperationClient, request: protos.GetPurchaseOrderRequest, deadline: float
) -> protos.GetPurchaseOrderResponse:
    """Read a purchase order. Raises NationalsiteError."""
    response = protos.GetPurchaseOrderResponse.FromString(
        await operations.call("GetPurchaseOrder", request, deadline)
    )
    order = response.purchase_order
    if order.HasField("cbu_order_id"):
        order.cbu_order_id = _choose_exact(order.cbu_order_id, request.cbu_order_id)
    _complete(order, request.view)
    return response


def _complete(order: protos.PurchaseOrder, view: protos.PurchaseOrderView.ValueType) -> None:
    """Set what the service adds to an order, and remove what the view does not have."""
    _set_exact_entry_ids(order)
    _set_pay_expire_time(order)
    if view != _FULL:
        for field in ("receiver", "raw_json", "message"):
            order.ClearField(field)


def _set_exact_entry_ids(order: protos.PurchaseOrder) -> None:
    """Replace ids that 1688 has rounded to a double by exact spellings in the same order."""
    for entry in order.entries:
        if match := _ENTRY_ID.search(entry.snapshot_url):
            exact = int(match[1])
            entry.cbu_order_entry_id = (
                _choose_exact(entry.cbu_order_entry_id, exact)
                if entry.HasField("cbu_order_entry_id")
                else exact
            )
    uses = Counter(entry.cbu_order_entry_id for entry in order.entries)
    shipped = {id_ for shipment in order.shipments for id_ in shipment.cbu_order_entry_ids} - uses.keys()
    for entry in order.entries:
        id_ = entry.cbu_order_entry_id
        found = [each for each in shipped if _choose_exact(id_, each) == each]
        if len(found) == 1 and uses[id_] == 1:
            entry.cbu_order_entry_id = found[0]


def _choose_exact(number: int, exact: int) -> int:
    """Return `exact` if `number` can be its rounded form, else `number`."""
    is_rounded = number >= _FIRST_INEXACT and int(float(number)) == number == int(float(exact))
    return exact if is_rounded else number


def _set_pay_expire_time(order: protos.PurchaseOrder) -> None:
    times = [entry.pay_expire_time for entry in order.entries if entry.HasField("pay_expire_time")]
    if times:
        order.pay_expire_time.CopyFrom(min(times, key=lambda time: (time.seconds, time.nanos)))
    elif order.HasField("create_time") and order.pay_timeout_seconds > 0:
        order.pay_expire_time.CopyFrom(order.create_time)
        order.pay_expire_time.seconds += order.pay_timeout_seconds
