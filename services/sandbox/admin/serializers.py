"""Offers, orders, refunds, logistics orders, synced data and messages as the admin API shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from services.sandbox.catalog.images import GALLERY
from services.sandbox.catalog.offers import Offer
from services.sandbox.catalog.skus import Sku
from services.sandbox.controls.clock import format_time
from services.sandbox.messages.message import Message
from services.sandbox.trade.logistics import LogisticsOrder, LogisticsStatus
from services.sandbox.trade.order_events import OrderEvent
from services.sandbox.trade.order_state_machine import OrderTransition, list_transitions
from services.sandbox.trade.orders import Order
from services.sandbox.trade.refunds.refund import DisputeRequest, Refund
from services.sandbox.trade.refunds.refund_request import build_refund_request
from services.sandbox.trade.refunds.refund_state_machine import RefundTransition, list_refund_transitions
from services.sandbox.trade.synced_orders import SyncedLogistics, SyncedOrder

Json = dict[str, Any]
# SEND is missing, since 1688 has an operation for it. The transitions that follow from a transition of the
# order are missing too.
REFUND_TRANSITIONS: Mapping[str, RefundTransition] = {
    transition.value: transition
    for transition in (
        RefundTransition.AGREE,
        RefundTransition.REJECT,
        RefundTransition.RECEIVE,
        RefundTransition.CLOSE,
    )
}
"""The transitions of refunds that the admin API can make, by their names in the URL."""


def serialize_offer(offer: Offer) -> Json:
    """Return an offer without its SKUs."""
    return {
        "offer_id": offer.offer_id,
        "title": offer.title._asdict(),
        "price_fen": offer.price_fen,
        "min_order": offer.min_order,
        "sold_30d": offer.sold_30d,
        "image": f"/images/{offer.offer_id}/{GALLERY[0]}.jpg",
    }


def serialize_sku(sku: Sku) -> Json:
    """Return a SKU of an offer."""
    return {
        "sku_id": sku.sku_id,
        "attributes": [attribute.value._asdict() for attribute in sku.attributes],
        "price_fen": sku.price_fen,
        "stock": sku.stock,
    }


def serialize_order(order: Order, open_refunds: Sequence[Refund]) -> Json:
    """Return an order. `open_refunds` are those of its refunds whose status can still change."""
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
        # The ways to close an order differ in the body of the request only.
        "transitions": [
            transition.value
            for transition in list_transitions(order)
            if transition not in (OrderTransition.CLOSE_BY_SELLER, OrderTransition.CLOSE_BY_BACK_OFFICE)
        ],
        "refund_requests": [
            request.value for request in DisputeRequest if build_refund_request(order, open_refunds, request)
        ],
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
        "transitions": [
            transition.value
            for transition in list_refund_transitions(refund)
            if transition in REFUND_TRANSITIONS.values()
        ],
    }


def serialize_logistics(logistics: LogisticsOrder) -> Json:
    """Return a logistics order."""
    return {
        "logistics_id": logistics.logistics_id,
        "order_id": logistics.order.order_id,
        "entry_ids": logistics.entry_ids,
        **asdict(logistics.waybill),
        "statuses": logistics.statuses,
        "next_statuses": [status for status in LogisticsStatus if status not in logistics.reached_ms],
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
        "event_time_ms": message.event_time_ms,
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
