"""Looks for the purchase orders of a creation whose outcome is unknown. Nothing here creates any.

1688's list can lag, may ignore the filter `out_order_id`, and does not show this id. So each look lists the
orders that may be those of the creation, and reads them: an order whose detail has the id is one of them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal

import structlog
from google.protobuf.timestamp_pb2 import Timestamp
from nationalsite.ordersync import v1 as protos

from services.adapter import OperationClient
from services.caller import current_queue_owner, set_queue_owner
from services.errors import NationalsiteError, Overloaded
from services.fair_queue import FairSlots, QueueFull
from services.order_sync.purchase_orders import read_purchase_order

SEARCH_S = 60.0
"""How long a search looks for the first order."""
SETTLE_S = 30.0
"""How long it looks for further orders after the first one, unless they have all goods of the request."""
DELAYS_S = (1.0, 2.0, 4.0, 8.0)
"""Between two looks; the last one repeats."""
LOOK_TIMEOUT_S = 20.0
PERIOD_S = 86_400
"""An order is listed if it was created at most this long before or after the start of the call.

It bounds the list if 1688 ignores the filter, and is longer than any error of a clock or of a time zone."""
PAGE_SIZE, MAX_PAGES = 100, 10
"""Of each part of the list, in one look."""
MAX_READS = 50
"""Details that one look reads, those first that were created closest to the start of the call."""
RESPONSE_MARGIN_S = 0.5
"""A single look ends this long before its deadline, so that the response reaches the caller in time."""
MAX_LOOKS = 2
"""Looks at the same time, of all searches. Callers take turns."""
MAX_WAITING_LOOKS = 1000
SEARCHES = ("searches",)
"""The owner of the calls of looks in the queues of the gateway client.

They are not owned by their callers there: a look that waited behind other calls of its caller would keep a
slot from the looks of all callers."""

LIST, GET = "ListPurchaseOrders", "GetPurchaseOrder"

_log = structlog.get_logger()


@dataclass(slots=True)
class _Search:
    """What a search has found so far."""

    request: protos.CreatePurchaseOrdersRequest
    start_time_ms: int
    """When the call started, by the clock of the store."""
    read_ids: set[int] = field(default_factory=set)
    """Orders whose details were read."""
    orders: dict[int, protos.PurchaseOrder] = field(default_factory=dict)
    """The orders of the creation, by id."""

    @property
    def is_complete(self) -> bool:
        """Whether the orders have as much of each offer as the request."""
        missing: defaultdict[int, Decimal] = defaultdict(Decimal)
        for item in self.request.items:
            missing[item.offer_id] += Decimal(item.quantity.value)
        for order in self.orders.values():
            for entry in order.entries:
                missing[entry.offer_id] -= Decimal(entry.quantity.value or 0)
        return bool(self.orders) and all(quantity <= 0 for quantity in missing.values())

    def build_response(self) -> protos.CreatePurchaseOrdersResponse:
        """Return the orders as the response of the creation."""
        response = protos.CreatePurchaseOrdersResponse(found_by_search=True)
        for order_id, order in sorted(self.orders.items()):
            created = response.purchase_orders.add(cbu_order_id=order_id)
            for name in ("total_amount", "freight_amount"):
                if order.HasField(name):
                    getattr(created, name).CopyFrom(getattr(order, name))
        return response


class PurchaseSearch:
    """Finds the purchase orders of a creation by its `out_order_id`."""

    def __init__(self, operations: OperationClient) -> None:
        self._operations = operations
        self._looks = FairSlots(MAX_LOOKS, max_waiting=MAX_WAITING_LOOKS)

    async def search(self, request: protos.CreatePurchaseOrdersRequest, start_time_ms: int) -> bytes | None:
        """Look until the orders are found, for a limited time.

        Return the serialized response; None if no order was found.
        """
        search = _Search(request, start_time_ms)
        clock = asyncio.get_running_loop().time
        end = clock() + SEARCH_S
        for delay_s in _generate_delays():
            is_first = not search.orders
            await self._look(search)
            if search.orders and is_first:
                end = clock() + SETTLE_S
            if search.is_complete or clock() + delay_s >= end:
                break
            await asyncio.sleep(delay_s)
        if not search.orders:
            return None
        _log.info("purchase_orders_found", orders=len(search.orders), is_complete=search.is_complete)
        return search.build_response().SerializeToString()

    async def look_once(
        self, request: protos.CreatePurchaseOrdersRequest, start_time_ms: int, deadline: float
    ) -> protos.CreatePurchaseOrdersResponse | None:
        """Look once until `deadline` (loop time). Return the response; None if no order was found."""
        search = _Search(request, start_time_ms)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline - RESPONSE_MARGIN_S):
                await self._look(search)
        return search.build_response() if search.orders else None

    async def _look(self, search: _Search) -> None:
        """List and read orders, in turn by caller. What fails is skipped: the next look does it again."""
        owner = current_queue_owner()
        try:
            async with self._looks.hold(owner):
                set_queue_owner(SEARCHES)
                await self._list_and_read(search)
        except QueueFull:
            _log.warning("search_failed", rpc=LIST, reason=Overloaded.reason)
        finally:
            set_queue_owner(owner)

    async def _list_and_read(self, search: _Search) -> None:
        end = asyncio.get_running_loop().time() + LOOK_TIMEOUT_S
        listed: dict[int, protos.PurchaseOrder] = {}
        for is_archive in (False, True):
            try:
                await self._list(search, is_archive, listed, end)
            except NationalsiteError as error:
                _log.warning("search_failed", rpc=LIST, reason=error.reason)
        unread = [listed[order_id] for order_id in listed.keys() - search.read_ids]
        unread.sort(key=lambda order: abs(order.create_time.ToMilliseconds() - search.start_time_ms))
        for order in unread[:MAX_READS]:
            try:
                await self._read(search, order.cbu_order_id, end)
            except NationalsiteError as error:
                _log.warning("search_failed", rpc=GET, reason=error.reason)

    async def _list(
        self, search: _Search, is_archive: bool, listed: dict[int, protos.PurchaseOrder], deadline: float
    ) -> None:
        """Add the orders of one part of the list to `listed`."""
        start_s = search.start_time_ms // 1000
        seen: set[int] = set()
        for page in range(1, MAX_PAGES + 1):
            request = protos.ListPurchaseOrdersRequest(
                page_size=PAGE_SIZE,
                page_token=str(page),
                out_order_id=search.request.out_order_id,
                create_start_time=Timestamp(seconds=start_s - PERIOD_S),
                create_end_time=Timestamp(seconds=start_s + PERIOD_S),
                include_archived=is_archive,
            )
            response = protos.ListPurchaseOrdersResponse.FromString(
                await self._operations.call(LIST, request, deadline)
            )
            orders = {order.cbu_order_id: order for order in response.purchase_orders if order.cbu_order_id}
            if orders.keys() <= seen:  # 1688 may answer with the last page again
                break
            seen |= orders.keys()
            listed |= orders
            if response.HasField("total_size") and len(seen) >= response.total_size:
                break

    async def _read(self, search: _Search, order_id: int, deadline: float) -> None:
        request = protos.GetPurchaseOrderRequest(cbu_order_id=order_id)
        order = (await read_purchase_order(self._operations, request, deadline)).purchase_order
        search.read_ids.add(order_id)
        if order.out_order_id == search.request.out_order_id:
            search.orders[order_id] = order


def build_found_response(order_ids: Sequence[int]) -> bytes:
    """Return the serialized response of a creation whose orders an operator has found."""
    orders = [protos.CreatedPurchaseOrder(cbu_order_id=order_id) for order_id in order_ids]
    return protos.CreatePurchaseOrdersResponse(
        purchase_orders=orders, found_by_search=True
    ).SerializeToString()


def _generate_delays() -> Iterator[float]:
    yield from DELAYS_S
    while True:
        yield DELAYS_S[-1]
