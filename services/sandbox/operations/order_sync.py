"""The operations that tell 1688 of downstream orders: the five syncs."""

from collections.abc import Mapping
from typing import Any

from services.sandbox.http import envelopes
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import BadArgument
from services.sandbox.http.operation import CROSS_BORDER, Arguments, Operation, Shape
from services.sandbox.operations.schemas.sync import (
    LOGISTICS,
    LOGISTICS_STATUS,
    ORDER,
    ORDER_STATUS,
    RELATION,
)
from services.sandbox.state import State

_RELATIONS = "nationalOrderRelationParamList"
# Members of an order that the other dialect calls otherwise, or does not have.
_OPEN_ORDER_MARKS = frozenset(
    {"status", "outMemberId", "productId", "productName", "skuName", "subOrderParamList"}
)

# Members of a relation: the downstream order and sub-order, and the purchase order's entry.
_RELATED: Mapping[Dialect, tuple[str, str, str]] = {
    Dialect.NATIONAL_SITE: ("nationalOrderId", "nationalSubOrderId", "cbuSubOrderId"),
    Dialect.OPEN_PLATFORM: ("parentOrderId", "orderId", "purchaseOrderId"),
}
_ORDER_OF_LOGISTICS = {Dialect.NATIONAL_SITE: "logisticsOrderId", Dialect.OPEN_PLATFORM: "orderId"}


class OrderOperations:
    """Handlers over what was synced, and their rows for the table of operations."""

    def __init__(self, state: State) -> None:
        self._state = state

    def table(self) -> tuple[Operation, ...]:
        """Every sync."""
        return (
            Operation(
                namespace=CROSS_BORDER,
                name="trade.cross.orderSync",
                handler=self.sync_order,
                shapes=(
                    Shape(
                        dialect=Dialect.OPEN_PLATFORM,
                        envelope=envelopes.VOID,
                        wrapper="orderParam",
                        marks=_OPEN_ORDER_MARKS,
                        required=ORDER[Dialect.OPEN_PLATFORM].required,
                    ),
                    _national(wrapper="orderParam"),
                ),
            ),
            Operation(
                namespace=CROSS_BORDER,
                name="order.relation.write",
                handler=self.write_relations,
                shapes=(
                    Shape(
                        dialect=Dialect.OPEN_PLATFORM,
                        envelope=envelopes.VOID_RELATION,
                        wrapper="orderRelationParam",
                        required=RELATION[Dialect.OPEN_PLATFORM].required,
                    ),
                    _national(_RELATIONS),
                ),
            ),
            # The two below by analogy: the document lost their names, and the open platform has neither.
            Operation(
                namespace=CROSS_BORDER,
                name="trade.cross.orderStatusSync",
                handler=self.sync_order_status,
                only_in_its_dialect=True,
                shapes=(_national(wrapper="orderStatusSyncParam"),),
            ),
            Operation(
                namespace=CROSS_BORDER,
                name="trade.cross.logisticsStatusSync",
                handler=self.sync_logistics_status,
                only_in_its_dialect=True,
                shapes=(_national(*LOGISTICS_STATUS.members),),
            ),
            Operation(
                namespace=CROSS_BORDER,
                name="trade.cross.logisticsOrderSync",
                handler=self.sync_logistics,
                shapes=(
                    Shape(
                        dialect=Dialect.OPEN_PLATFORM,
                        envelope=envelopes.VOID,
                        wrapper="orderLogisticsParam",
                        required=LOGISTICS[Dialect.OPEN_PLATFORM].required,
                    ),
                    _national(wrapper="logisticsOrderParam"),
                ),
            ),
        )

    async def sync_order(self, arguments: Arguments) -> Any:
        """True: the order is known now."""
        order = arguments.values
        ORDER[arguments.dialect].check(order, "orderParam")
        self._state.synced.keep_order(str(order["orderId"]), order, arguments.dialect)
        return True

    async def write_relations(self, arguments: Arguments) -> Any:
        """True: every relation is known now. One that is not as documented refuses all of them."""
        open_platform = arguments.dialect is Dialect.OPEN_PLATFORM
        relations = [arguments.values] if open_platform else arguments.items(_RELATIONS)
        if not relations:
            raise BadArgument(f"{_RELATIONS}: empty")
        for number, relation in enumerate(relations):
            RELATION[arguments.dialect].check(relation, f"relation[{number}]")
        for relation in relations:
            order_id, sub_order_id, entry_id = (str(relation[name]) for name in _RELATED[arguments.dialect])
            self._state.synced.keep_relation(order_id, sub_order_id, entry_id, relation)
        return True

    async def sync_order_status(self, arguments: Arguments) -> Any:
        """True: the status is known now, whether the order is or not."""
        status = arguments.values
        ORDER_STATUS.check(status, "orderStatusSyncParam")
        self._state.synced.keep_order_status(str(status["orderId"]), status)
        return True

    async def sync_logistics(self, arguments: Arguments) -> Any:
        """True: the parcel is known now, whether its order is or not."""
        logistics = arguments.values
        LOGISTICS[arguments.dialect].check(logistics, "logistics")
        self._state.synced.keep_logistics(
            str(logistics[_ORDER_OF_LOGISTICS[arguments.dialect]]),
            logistics["logisticsId"],
            logistics,
            arguments.dialect,
        )
        return True

    async def sync_logistics_status(self, arguments: Arguments) -> Any:
        """True: the status is known now, whether the parcel is or not."""
        status = arguments.values
        LOGISTICS_STATUS.check(status, "parameters")
        self._state.synced.keep_logistics_status(status["logisticsId"], status)
        return True


def _national(*marks: str, wrapper: str | None = None) -> Shape:
    return Shape(
        dialect=Dialect.NATIONAL_SITE, envelope=envelopes.FLAT, wrapper=wrapper, marks=frozenset(marks)
    )
