"""Merges a status into the last full order: the open platform has no operation for a status alone."""

from nationalsite.ordersync import v1 as protos

from services.errors import InvalidRequest, Violation
from services.store import FullOrder, FullOrderKind, FullOrders


class FullOrderMerger:
    """Stores the last full orders and logistics orders, and merges statuses into them."""

    def __init__(self, store: FullOrders, *, orders: bool, logistics_orders: bool) -> None:
        """Store `orders` and `logistics_orders` only if the dialect needs them: they contain buyers' data."""
        self._store = store
        self._stores_orders = orders
        self._stores_logistics_orders = logistics_orders

    async def store_order(self, order: protos.Order) -> None:
        """Store an order that 1688 has accepted."""
        if self._stores_orders:
            await self._store.put(
                FullOrder(
                    kind=FullOrderKind.ORDER,
                    id=order.national_order_id,
                    national_order_id=order.national_order_id,
                    member_id=order.out_member_id or None,
                    payload=order.SerializeToString(),
                )
            )

    async def store_logistics_order(self, logistics_order: protos.LogisticsOrder) -> None:
        """Store a logistics order that 1688 has accepted."""
        if self._stores_logistics_orders:
            await self._store.put(
                FullOrder(
                    kind=FullOrderKind.LOGISTICS_ORDER,
                    id=logistics_order.logistics_id,
                    national_order_id=logistics_order.national_order_id,
                    member_id=None,
                    payload=logistics_order.SerializeToString(),
                )
            )

    async def merge_order_status(self, status: protos.OrderStatusUpdate) -> protos.Order:
        """Return the last full order with the new status. Raises NoFullSync, InvalidRequest."""
        stored = await self._store.get(FullOrderKind.ORDER, status.national_order_id)
        order = protos.Order.FromString(stored.payload)
        _set_status(order, status)
        sub_orders = {sub_order.national_sub_order_id: sub_order for sub_order in order.sub_orders}
        unknown = [
            Violation(
                field=f"order_status.sub_orders[{index}].national_sub_order_id",
                description="is no sub-order of the last full order that was synced",
            )
            for index, sub_order in enumerate(status.sub_orders)
            if sub_order.national_sub_order_id not in sub_orders
        ]
        if unknown:
            raise InvalidRequest(unknown)
        for sub_order in status.sub_orders:
            _set_status(sub_orders[sub_order.national_sub_order_id], sub_order)
        return order

    async def merge_logistics_status(
        self, status: protos.SyncLogisticsStatusRequest
    ) -> protos.LogisticsOrder:
        """Return the last full logistics order with the new status. Raises NoFullSync."""
        stored = await self._store.get(FullOrderKind.LOGISTICS_ORDER, status.logistics_id)
        logistics_order = protos.LogisticsOrder.FromString(stored.payload)
        logistics_order.logistics_status = status.logistics_status
        if (
            status.HasField("modified_time")
            and status.logistics_status != protos.DOWNSTREAM_LOGISTICS_STATUS_SENT
        ):
            logistics_order.end_time.CopyFrom(status.modified_time)
        return logistics_order


def _set_status(
    order: protos.Order | protos.SubOrder, status: protos.OrderStatusUpdate | protos.SubOrderStatusUpdate
) -> None:
    """Copy the fields that are set in the status."""
    if status.pay_status:
        order.pay_status = status.pay_status
    if status.refund_status:
        order.refund_status = status.refund_status
    if status.HasField("end_time"):
        order.end_time.CopyFrom(status.end_time)
