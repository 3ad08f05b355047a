"""Merges a status into the last full order: the open platform has no operation for a status alone."""

from nationalsite.ordersync import v1 as protos

from services.errors import InvalidRequest, Violation
from services.store import FullOrder, FullOrderKey, FullOrderKind


def order_key(national_order_id: str) -> FullOrderKey:
    """Return the key of an order."""
    return FullOrderKey(kind=FullOrderKind.ORDER, id=national_order_id)


def logistics_order_key(logistics_id: str) -> FullOrderKey:
    """Return the key of a logistics order."""
    return FullOrderKey(kind=FullOrderKind.LOGISTICS_ORDER, id=logistics_id)


def to_full_order(order: protos.Order) -> FullOrder:
    """Convert an order to what is stored."""
    return FullOrder(
        kind=FullOrderKind.ORDER,
        id=order.national_order_id,
        national_order_id=order.national_order_id,
        member_id=order.out_member_id or None,
        payload=order.SerializeToString(),
    )


def to_full_logistics_order(logistics_order: protos.LogisticsOrder) -> FullOrder:
    """Convert a logistics order to what is stored."""
    return FullOrder(
        kind=FullOrderKind.LOGISTICS_ORDER,
        id=logistics_order.logistics_id,
        national_order_id=logistics_order.national_order_id,
        member_id=None,
        payload=logistics_order.SerializeToString(),
    )


def merge_order_status(stored: FullOrder, status: protos.OrderStatusUpdate) -> protos.Order:
    """Return the stored order with the new status. Raises InvalidRequest."""
    order = protos.Order.FromString(stored.payload)
    _set_status(order, status)
    sub_orders = {sub_order.national_sub_order_id: sub_order for sub_order in order.sub_orders}
    unknown = [
        Violation(
            field=f"order_status.sub_orders[{index}].national_sub_order_id",
            description="is no sub-order of the last full order that was synced",
            reason="SUB_ORDER_UNKNOWN",
        )
        for index, sub_order in enumerate(status.sub_orders)
        if sub_order.national_sub_order_id not in sub_orders
    ]
    if unknown:
        raise InvalidRequest(unknown)
    for sub_order in status.sub_orders:
        _set_status(sub_orders[sub_order.national_sub_order_id], sub_order)
    return order


def merge_logistics_status(stored: FullOrder, status: protos.LogisticsStatusUpdate) -> protos.LogisticsOrder:
    """Return the stored logistics order with the new status."""
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
