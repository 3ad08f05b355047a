"""Requests that create purchase orders of the sandbox's offers."""

import uuid

from nationalsite.ordersync import v1 as protos

from services.sandbox.catalog.catalog import Catalog
from services.sandbox.catalog.skus import build_skus

QUANTITY = 10


def build_creation(*, sellers: int = 1) -> protos.CreatePurchaseOrdersRequest:
    """Return a request with new ids, for an offer of each of some sellers."""
    request = protos.CreatePurchaseOrdersRequest(
        request_id=str(uuid.uuid4()),
        out_order_id=f"SITE-{uuid.uuid4().hex[:12]}",
        flow="general",
        trade_type="assureTrade",
    )
    request.receive_address.address_id = 1000000001
    for offer in Catalog().offers[:sellers]:
        sku = next(sku for sku in build_skus(offer) if sku.stock >= QUANTITY)
        request.items.add(offer_id=offer.offer_id, spec_id=sku.spec_id, quantity={"value": str(QUANTITY)})
    return request
