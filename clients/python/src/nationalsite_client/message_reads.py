"""The reads that follow a message of 1688's, which itself has few details."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from nationalsite.ordersync import v1 as protos

ReadRequest: TypeAlias = (
    protos.GetPurchaseOrderRequest
    | protos.ListShipmentsRequest
    | protos.ListShipmentTracesRequest
    | protos.GetRefundRequest
)

SHIPMENT_TOPICS = frozenset({"ORDER_BUYER_VIEW_ANNOUNCE_SENDGOODS", "ORDER_BUYER_VIEW_PART_PART_SENDGOODS"})
"""Topics of orders whose goods were shipped, in part or completely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A call of OrderSyncService: `getattr(stub, read.rpc)(read.request, timeout=5)`."""

    rpc: str
    """Name of the RPC, such as GetPurchaseOrder."""
    request: ReadRequest


def list_message_reads(message: protos.Message) -> tuple[Read, ...]:
    """Return the calls that read what a message is about, in the order in which to make them.

    Empty for a topic that is not known, and for a message without the ids that the calls need.
    """
    match message.WhichOneof("payload"):
        case "order":
            order_ids = _distinct([message.order.cbu_order_id])
            shipments = order_ids if message.topic in SHIPMENT_TOPICS else ()
            return (*map(_read_shipments, shipments), *map(_read_order, order_ids))
        case "refund":
            refunds = [message.refund.refund_id] if message.refund.refund_id else []
            order_ids = _distinct([message.refund.cbu_order_id])
            return (*map(_read_refund, refunds), *map(_read_order, order_ids))
        case "batch_pay":
            return tuple(map(_read_order, _distinct(pay.cbu_order_id for pay in message.batch_pay.results)))
        case "logistics_trace":
            trace = message.logistics_trace
            order_ids = _distinct(item.cbu_order_id for item in trace.order_logs_items)
            return tuple(_read_traces(order_id, trace.cbu_logistics_id) for order_id in order_ids)
        case "mail_no_change":
            items = message.mail_no_change.order_logs_items
            return tuple(map(_read_shipments, _distinct(item.cbu_order_id for item in items)))
        case _:
            return ()


def _distinct(order_ids: Iterable[int]) -> tuple[int, ...]:
    """Return each order once, without unset ids."""
    return tuple(dict.fromkeys(order_id for order_id in order_ids if order_id))


def _read_order(order_id: int) -> Read:
    return Read(rpc="GetPurchaseOrder", request=protos.GetPurchaseOrderRequest(cbu_order_id=order_id))


def _read_shipments(order_id: int) -> Read:
    return Read(rpc="ListShipments", request=protos.ListShipmentsRequest(cbu_order_id=order_id))


def _read_traces(order_id: int, logistics_id: str) -> Read:
    request = protos.ListShipmentTracesRequest(cbu_order_id=order_id, cbu_logistics_id=logistics_id)
    return Read(rpc="ListShipmentTraces", request=request)


def _read_refund(refund_id: str) -> Read:
    return Read(rpc="GetRefund", request=protos.GetRefundRequest(refund_id=refund_id))
