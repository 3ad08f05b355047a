"""Orders, refunds and synced facts as the admin paths show them."""

from dataclasses import asdict
from typing import Any

from services.sandbox.controls.clock import spelled_out
from services.sandbox.trade.logistics import Parcel
from services.sandbox.trade.order_events import Fact
from services.sandbox.trade.orders import Order
from services.sandbox.trade.refunds.refund import Refund
from services.sandbox.trade.synced_orders import SyncedLogistics, SyncedOrder


def order_view(order: Order) -> dict[str, Any]:
    """An order."""
    return {
        "order_id": order.order_id,
        "status": order.status,
        "created": spelled_out(order.created_ms),
        "goods_fen": order.goods_fen,
        "carriage_fen": order.carriage_fen,
        "paid_fen": order.paid_fen,
        "refunded_fen": order.refunded_fen.total(),
        "refunded_carriage_fen": order.refunded_carriage_fen,
        "entries": [
            asdict(entry)
            | {
                "shipped": entry.entry_id in order.shipped,
                "refunded_fen": order.refunded_fen[entry.entry_id],
            }
            for entry in order.entries
        ],
        "refunds": order.refund_ids,
        "parcels": order.logistics_ids,
        **asdict(order.traits),
        "history": [_fact_view(fact) for fact in order.facts],
    }


def refund_view(refund: Refund) -> dict[str, Any]:
    """A refund."""
    return {
        "refund_id": refund.refund_id,
        "order_id": refund.order.order_id,
        "entry_ids": refund.entry_ids,
        "status": refund.status,
        "apply_payment_fen": refund.apply_payment_fen,
        "apply_carriage_fen": refund.apply_carriage_fen,
        "reason_id": refund.reason_id,
        "description": refund.description,
        "goods_status": refund.goods_status,
        "dispute_request": refund.dispute_request,
        "vouchers": refund.vouchers,
        "counts": [{"id": entry_id, "count": count} for entry_id, count in refund.counts.items()],
        "remark": refund.remark,
        "return": refund.returned and asdict(refund.returned),
    }


def parcel_view(parcel: Parcel) -> dict[str, Any]:
    """A parcel."""
    return {
        "logistics_id": parcel.logistics_id,
        "order_id": parcel.order.order_id,
        "entry_ids": parcel.entry_ids,
        **asdict(parcel.waybill),
        "nodes": parcel.nodes,
    }


def synced_order_view(known: SyncedOrder) -> dict[str, Any]:
    """What is known of a downstream order."""
    return {
        "order": known.order,
        "dialect": known.dialect,
        "status": known.statuses,
        "relations": list(known.relations.values()),
        "logistics": list(known.logistics.values()),
    }


def synced_logistics_view(known: SyncedLogistics) -> dict[str, Any]:
    """What is known of a downstream parcel."""
    return {"logistics": known.logistics, "dialect": known.dialect, "status": known.statuses}


def _fact_view(fact: Fact) -> dict[str, Any]:
    return {
        "happened": fact.happened,
        "status": fact.status,
        "entry_ids": fact.entry_ids,
        "refund_id": fact.refund_id,
    }
