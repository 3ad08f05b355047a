"""Receives the downstream orders and logistics orders of national sites: the five sync operations."""

from collections.abc import Mapping
from typing import Any

from services.sandbox.context import SandboxContext
from services.sandbox.http import envelopes
from services.sandbox.http.arguments import Arguments
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import InvalidArgument
from services.sandbox.http.operation import DialectSpec
from services.sandbox.operations.registry import operation
from services.sandbox.operations.schemas.sync import (
    LOGISTICS,
    LOGISTICS_STATUS,
    ORDER,
    ORDER_STATUS,
    RELATION,
)

_RELATIONS = "nationalOrderRelationParamList"
# Members of an order that have another name in the other dialect, or do not exist there.
_OPEN_PLATFORM_ORDER = frozenset(
    {"status", "outMemberId", "productId", "productName", "skuName", "subOrderParamList"}
)

# The members of a relation: downstream order, downstream sub-order, entry of the purchase order.
_RELATION_IDS: Mapping[Dialect, tuple[str, str, str]] = {
    Dialect.NATIONAL_SITE: ("nationalOrderId", "nationalSubOrderId", "cbuSubOrderId"),
    Dialect.OPEN_PLATFORM: ("parentOrderId", "orderId", "purchaseOrderId"),
}
_LOGISTICS_ORDER_ID = {Dialect.NATIONAL_SITE: "logisticsOrderId", Dialect.OPEN_PLATFORM: "orderId"}


def _national_site(*discriminators: str, wrapper: str | None = None) -> DialectSpec:
    return DialectSpec(
        dialect=Dialect.NATIONAL_SITE,
        envelope=envelopes.FLAT,
        wrapper=wrapper,
        discriminators=frozenset(discriminators),
    )


@operation(
    "trade.cross.orderSync",
    DialectSpec(
        dialect=Dialect.OPEN_PLATFORM,
        envelope=envelopes.VOID,
        wrapper="orderParam",
        discriminators=_OPEN_PLATFORM_ORDER,
        required=ORDER[Dialect.OPEN_PLATFORM].required,
    ),
    _national_site(wrapper="orderParam"),
)
async def sync_order(context: SandboxContext, arguments: Arguments) -> Any:
    """Store an order, and return True."""
    order = arguments.values
    ORDER[arguments.dialect].validate(order, "orderParam")
    context.state.synced.save_order(str(order["orderId"]), order, arguments.dialect)
    return True


@operation(
    "order.relation.write",
    DialectSpec(
        dialect=Dialect.OPEN_PLATFORM,
        envelope=envelopes.VOID_RELATION,
        wrapper="orderRelationParam",
        required=RELATION[Dialect.OPEN_PLATFORM].required,
    ),
    _national_site(_RELATIONS),
)
async def write_relations(context: SandboxContext, arguments: Arguments) -> Any:
    """Store relations, and return True. If one is invalid, none is stored."""
    is_open_platform = arguments.dialect is Dialect.OPEN_PLATFORM
    relations = [arguments.values] if is_open_platform else arguments.array(_RELATIONS)
    if not relations:
        raise InvalidArgument(f"{_RELATIONS}: empty")
    for index, relation in enumerate(relations):
        RELATION[arguments.dialect].validate(relation, f"relation[{index}]")
    for relation in relations:
        order_id, sub_order_id, entry_id = (str(relation[name]) for name in _RELATION_IDS[arguments.dialect])
        context.state.synced.save_relation(order_id, sub_order_id, entry_id, relation)
    return True


# The national-site document omits the names of the two status operations. They are guessed from the others.
@operation(
    "trade.cross.orderStatusSync",
    _national_site(wrapper="orderStatusSyncParam"),
    rejects_other_dialects=True,
)
async def sync_order_status(context: SandboxContext, arguments: Arguments) -> Any:
    """Store a status, even if the order is unknown, and return True."""
    status = arguments.values
    ORDER_STATUS.validate(status, "orderStatusSyncParam")
    context.state.synced.save_order_status(str(status["orderId"]), status)
    return True


@operation(
    "trade.cross.logisticsStatusSync",
    _national_site(*LOGISTICS_STATUS.members),
    rejects_other_dialects=True,
)
async def sync_logistics_status(context: SandboxContext, arguments: Arguments) -> Any:
    """Store a status, even if the logistics order is unknown, and return True."""
    status = arguments.values
    LOGISTICS_STATUS.validate(status, "parameters")
    context.state.synced.save_logistics_status(status["logisticsId"], status)
    return True


@operation(
    "trade.cross.logisticsOrderSync",
    DialectSpec(
        dialect=Dialect.OPEN_PLATFORM,
        envelope=envelopes.VOID,
        wrapper="orderLogisticsParam",
        required=LOGISTICS[Dialect.OPEN_PLATFORM].required,
    ),
    _national_site(wrapper="logisticsOrderParam"),
)
async def sync_logistics(context: SandboxContext, arguments: Arguments) -> Any:
    """Store a logistics order, even if its order is unknown, and return True."""
    logistics = arguments.values
    LOGISTICS[arguments.dialect].validate(logistics, "logistics")
    order_id = str(logistics[_LOGISTICS_ORDER_ID[arguments.dialect]])
    context.state.synced.save_logistics(order_id, logistics["logisticsId"], logistics, arguments.dialect)
    return True
