"""Orders, refunds, logistics orders, synced data and messages as the admin API shows them."""

from dataclasses import asdict
from typing import Any

from services.sandbox.controls.clock import format_time
from services.sandbox.messages.message import Message
from services.sandbox.trade.logistics import LogisticsOrder
from services.sandbox.trade.order_events import OrderEvent
from services.sandbox.trade.orders import Order
from services.sandbox.trade.refunds.refund import Refund
from services.sandbox.trade.synced_orders import SyncedLogistics, SyncedOrder

Json = dict[str, Any]


def serialize_order(order: Order) -> Json:
    """Return an order."""
    return {
        "order_id": order.order_id,
        "status": order.status,
        "created": format_time(order.created_ms),
        "out_order_id": order.terms.out_order_id,
        "trade_type": order.terms.trade_type,
        "goods_fen": order.goods_fen,
        "shipping_fee_fen": order.shipping_fee_fen,
        "paid_fen": order.paid_fen,
        "refunded_fen": order.refunded_fen.total(),
        "refunded_shipping_fee_fen": order.refunded_shipping_fee_fen,
        "entries": [
            asdict(entry)
            | {
                "shipped": entry.entry_id in order.shipped,
                "received": entry.entry_id in order.received,
                "refunded_fen": order.refunded_fen[entry.entry_id],
            }
            for entry in order.entries
        ],
        "refund_ids": order.refund_ids,
        "logistics_ids": order.logistics_ids,
        **asdict(order.flags),
        "events": [_serialize_event(event) for event in order.events],
    }


def serialize_refund(refund: Refund) -> Json:
    """Return a refund."""
    return {
        "refund_id": refund.refund_id,
        "order_id": refund.order.order_id,
        "entry_ids": refund.entry_ids,
        "status": refund.status,
        "apply_payment_fen": refund.apply_payment_fen,
        "apply_shipping_fee_fen": refund.apply_shipping_fee_fen,
        "reason_id": refund.reason_id,
        "description": refund.description,
        "goods_status": refund.goods_status,
        "dispute_request": refund.dispute_request,
        "vouchers": refund.vouchers,
        "counts": [{"id": entry_id, "count": count} for entry_id, count in refund.counts.items()],
        "remark": refund.remark,
        "return_shipment": refund.return_shipment and asdict(refund.return_shipment),
    }


def serialize_logistics(logistics: LogisticsOrder) -> Json:
    """Return a logistics order."""
    return {
        "logistics_id": logistics.logistics_id,
        "order_id": logistics.order.order_id,
        "entry_ids": logistics.entry_ids,
        **asdict(logistics.waybill),
        "statuses": logistics.statuses,
    }


def serialize_synced_order(synced: SyncedOrder) -> Json:
    """Return what was synced about a downstream order."""
    return {
        "order": synced.order,
        "dialect": synced.dialect,
        "status": synced.statuses,
        "relations": list(synced.relations.values()),
        "logistics": list(synced.logistics.values()),
    }


def serialize_synced_logistics(synced: SyncedLogistics) -> Json:
    """Return what was synced about a downstream logistics order."""
    return {"logistics": synced.logistics, "dialect": synced.dialect, "status": synced.statuses}


def serialize_message(message: Message) -> Json:
    """Return a message without its data."""
    return {
        "message_id": message.message_id,
        "topic": message.topic,
        "state": message.state,
        "attempts": message.attempts,
        "last_result": message.last_result,
    }


def _serialize_event(event: OrderEvent) -> Json:
    return {
        "event": event.event,
        "status": event.status,
        "entry_ids": event.entry_ids,
        "refund_id": event.refund_id,
    }
