"""Whole orders and parcels as they were synced last: the open platform takes a status only with the whole."""

from nationalsite.ordersync import v1 as protos

from services.errors import InvalidRequest, Violation
from services.store import FullOrder, FullOrders, Kind


class FullOrderMerger:
    """Keeps them, where a dialect needs them, and puts a status into them."""

    def __init__(self, store: FullOrders, *, orders: bool, logistics_orders: bool) -> None:
        """Keep what is needed: where a status travels alone, no buyer's data is kept."""
        self._store = store
        self._keeps_orders = orders
        self._keeps_logistics_orders = logistics_orders

    async def keep_order(self, order: protos.Order) -> None:
        """Keep an order that 1688 has accepted."""
        if self._keeps_orders:
            await self._store.put(
                FullOrder(
                    kind=Kind.ORDER,
                    id=order.national_order_id,
                    order_id=order.national_order_id,
                    member_id=order.out_member_id or None,
                    payload=order.SerializeToString(),
                )
            )

    async def keep_logistics_order(self, parcel: protos.LogisticsOrder) -> None:
        """Keep a parcel that 1688 has accepted."""
        if self._keeps_logistics_orders:
            await self._store.put(
                FullOrder(
                    kind=Kind.LOGISTICS_ORDER,
                    id=parcel.logistics_id,
                    order_id=parcel.national_order_id,
                    member_id=None,
                    payload=parcel.SerializeToString(),
                )
            )

    async def merge_order_status(self, status: protos.OrderStatusUpdate) -> protos.Order:
        """Return the last full order with a new status in it. Raises NoFullSync, InvalidRequest."""
        kept = await self._store.get(Kind.ORDER, status.national_order_id)
        order = protos.Order.FromString(kept.payload)
        _set_status(order, status)
        lines = {line.national_sub_order_id: line for line in order.sub_orders}
        unknown = [
            Violation(
                field=f"order_status.sub_orders[{index}].national_sub_order_id",
                description="is no sub-order of the last full order that was synced",
            )
            for index, line in enumerate(status.sub_orders)
            if line.national_sub_order_id not in lines
        ]
        if unknown:
            raise InvalidRequest(unknown)
        for line in status.sub_orders:
            _set_status(lines[line.national_sub_order_id], line)
        return order

    async def merge_logistics_status(
        self, status: protos.SyncLogisticsStatusRequest
    ) -> protos.LogisticsOrder:
        """Return the last full parcel with a new status in it. Raises NoFullSync."""
        kept = await self._store.get(Kind.LOGISTICS_ORDER, status.logistics_id)
        parcel = protos.LogisticsOrder.FromString(kept.payload)
        parcel.logistics_status = status.logistics_status
        if (
            status.HasField("modified_time")
            and status.logistics_status != protos.DOWNSTREAM_LOGISTICS_STATUS_SENT
        ):
            parcel.end_time.CopyFrom(status.modified_time)
        return parcel


def _set_status(
    whole: protos.Order | protos.SubOrder, status: protos.OrderStatusUpdate | protos.SubOrderStatusUpdate
) -> None:
    """Set what a status says; what it does not say stays."""
    if status.pay_status:
        whole.pay_status = status.pay_status
    if status.refund_status:
        whole.refund_status = status.refund_status
    if status.HasField("end_time"):
        whole.end_time.CopyFrom(status.end_time)
