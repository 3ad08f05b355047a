"""Admin API of orders, refunds and synced data: tests act as the seller and the buyer."""

from collections.abc import Mapping
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.admin.found import require_found
from services.sandbox.admin.query import parse_number
from services.sandbox.admin.request_body import read_body
from services.sandbox.admin.schemas.orders import (
    FlagsBody,
    OrderBody,
    PaymentsBody,
    RefundBody,
    TransitionBody,
)
from services.sandbox.admin.serializers import (
    REFUND_TRANSITIONS,
    Json,
    serialize_order,
    serialize_refund,
    serialize_synced_logistics,
    serialize_synced_order,
)
from services.sandbox.context import SandboxContext
from services.sandbox.trade.logistics import NO_CARRIER
from services.sandbox.trade.order_lines import build_order_lines, compute_shipping_fee_fen
from services.sandbox.trade.order_state_machine import OrderTransition
from services.sandbox.trade.order_store import MAX_ORDERS, MAX_REFUNDS
from services.sandbox.trade.orders import Order
from services.sandbox.trade.refunds.refund import DisputeRequest, Refund
from services.sandbox.trade.refunds.refund_request import build_refund_request
from services.sandbox.trade.refunds.refund_state_machine import transition_refund

T = TypeVar("T")

_CLOSE_TRANSITIONS: Mapping[str | None, OrderTransition] = {
    None: OrderTransition.CLOSE,
    "buyer": OrderTransition.CLOSE,
    "seller": OrderTransition.CLOSE_BY_SELLER,
    "back_office": OrderTransition.CLOSE_BY_BACK_OFFICE,
}
# By name in the URL. There, all ways to close an order are `close`; the member `by` says which one is meant.
_ORDER_TRANSITIONS: Mapping[str, OrderTransition] = {
    transition.value: transition
    for transition in OrderTransition
    if transition is OrderTransition.CLOSE or transition not in _CLOSE_TRANSITIONS.values()
}
# Each member of a TransitionBody -> the only transition that accepts it.
_ACCEPTED_BY: Mapping[str, OrderTransition] = {
    "entries": OrderTransition.SHIP,
    "without_carrier": OrderTransition.SHIP,
    "by": OrderTransition.CLOSE,
    "shipping_fee_fen": OrderTransition.MODIFY_PRICE,
    "discount_fen": OrderTransition.MODIFY_PRICE,
}


class OrderRoutes:
    """HTTP handlers of orders, refunds and synced data."""

    def __init__(self, context: SandboxContext) -> None:
        self._catalog = context.catalog
        self._state = context.state

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/orders", self.create_order, methods=["POST"]),
            Route("/orders", self.list_orders, methods=["GET"]),
            Route("/orders/{order_id:int}", self.get_order, methods=["GET"]),
            Route("/orders/{order_id:int}", self.replace_flags, methods=["PUT"]),
            Route("/orders/{order_id:int}/refunds", self.create_refund, methods=["POST"]),
            Route("/orders/{order_id:int}/{transition}", self.transition_order, methods=["POST"]),
            Route("/payments", self.pay_batch, methods=["POST"]),
            Route("/refunds", self.list_refunds, methods=["GET"]),
            Route("/refunds/{refund_id}", self.get_refund, methods=["GET"]),
            Route("/refunds/{refund_id}/{transition}", self.transition_refund, methods=["POST"]),
            Route("/synced/orders/{order_id}", self.get_synced_order, methods=["GET"]),
            Route("/synced/logistics/{logistics_id}", self.get_synced_logistics, methods=["GET"]),
        ]

    async def create_order(self, request: Request) -> Response:
        """Create an order, as if the buyer had ordered on 1688."""
        body = await read_body(request, OrderBody, default=OrderBody())
        try:
            lines = build_order_lines(self._catalog, [line.to_line_request() for line in body.entries])
        except ValueError as error:
            raise HTTPException(400, f"entries: {error}") from error
        order = self._state.order_store.create_order(lines, compute_shipping_fee_fen(lines), body.to_flags())
        return JSONResponse(self._serialize(order), 201)

    async def list_orders(self, request: Request) -> Response:
        """Return the latest orders, or those with the id of a site's order; the oldest first."""
        out_order_id = request.query_params.get("out_order_id")
        orders = [
            order
            for order in self._state.order_store.orders
            if out_order_id in (None, order.terms.out_order_id)
        ]
        latest = orders[: parse_number(request, "limit", MAX_ORDERS)]
        return JSONResponse({"orders": [self._serialize(order) for order in reversed(latest)]})

    async def get_order(self, request: Request) -> Response:
        """Return one order."""
        return JSONResponse(self._serialize(self._find_order(request)))

    async def replace_flags(self, request: Request) -> Response:
        """Replace the flags of an order."""
        order = self._find_order(request)
        order.flags = (await read_body(request, FlagsBody)).to_flags()
        return Response(status_code=204)

    async def transition_order(self, request: Request) -> Response:
        """Make a transition of an order."""
        order = self._find_order(request)
        transition = _find_transition(_ORDER_TRANSITIONS, request)
        body = await read_body(request, TransitionBody, default=TransitionBody())
        for member in body.model_fields_set:
            if transition is not _ACCEPTED_BY[member]:
                raise HTTPException(400, f"{member}: only valid for {_ACCEPTED_BY[member]}")
        if not set(body.entries or ()) <= set(order.entry_ids):
            raise HTTPException(400, f"entries: the order has {list(order.entry_ids)}")
        if transition is OrderTransition.MODIFY_PRICE:
            self._state.order_store.modify_price(order, body.shipping_fee_fen or 0, body.discount_fen or 0)
        else:
            if transition is OrderTransition.CLOSE:
                transition = _CLOSE_TRANSITIONS[body.by]
            waybill = NO_CARRIER if body.without_carrier else None
            self._state.order_store.transition(order, transition, body.entries, waybill=waybill)
        return JSONResponse(self._serialize(order))

    async def pay_batch(self, request: Request) -> Response:
        """Pay several orders in one batch."""
        body = await read_body(request, PaymentsBody)
        order_ids = list(dict.fromkeys(body.orders))
        results = self._state.order_store.pay_batch(order_ids, body.failures)
        return JSONResponse({"results": {str(order_id): result for order_id, result in results.items()}})

    async def create_refund(self, request: Request) -> Response:
        """Request a refund of all that is left, as if the buyer had requested it on 1688."""
        order = self._find_order(request)
        body = await read_body(request, RefundBody, default=RefundBody())
        store = self._state.order_store
        refund_request = build_refund_request(
            order,
            store.list_open_refunds(order),
            DisputeRequest(body.dispute_request),
            None if body.entries is None else tuple(body.entries),
        )
        if refund_request is None:
            raise HTTPException(409, f"the order is {order.status}: there is nothing to refund in this way")
        return JSONResponse(serialize_refund(store.create_refund(order, refund_request)), 201)

    async def list_refunds(self, request: Request) -> Response:
        """Return the latest refunds, the oldest first."""
        latest = self._state.order_store.refunds[: parse_number(request, "limit", MAX_REFUNDS)]
        return JSONResponse({"refunds": [serialize_refund(refund) for refund in reversed(latest)]})

    async def get_refund(self, request: Request) -> Response:
        """Return one refund."""
        return JSONResponse(serialize_refund(self._find_refund(request)))

    async def transition_refund(self, request: Request) -> Response:
        """Make a transition of a refund."""
        refund = self._find_refund(request)
        transition_refund(refund, _find_transition(REFUND_TRANSITIONS, request))
        return JSONResponse(serialize_refund(refund))

    async def get_synced_order(self, request: Request) -> Response:
        """Return what was synced about a downstream order."""
        synced = self._state.synced.find_order(request.path_params["order_id"])
        found = require_found(synced, "no data about this order was synced")
        return JSONResponse(serialize_synced_order(found))

    async def get_synced_logistics(self, request: Request) -> Response:
        """Return what was synced about a downstream logistics order."""
        synced = self._state.synced.find_logistics(request.path_params["logistics_id"])
        found = require_found(synced, "no data about this logistics order was synced")
        return JSONResponse(serialize_synced_logistics(found))

    def _serialize(self, order: Order) -> Json:
        return serialize_order(order, self._state.order_store.list_open_refunds(order))

    def _find_order(self, request: Request) -> Order:
        order = self._state.order_store.find_order(request.path_params["order_id"])
        return require_found(order, "there is no such order")

    def _find_refund(self, request: Request) -> Refund:
        refund = self._state.order_store.find_refund(request.path_params["refund_id"])
        return require_found(refund, "there is no such refund")


def _find_transition(transitions: Mapping[str, T], request: Request) -> T:
    name = request.path_params["transition"]
    if name not in transitions:
        raise HTTPException(404, f"unknown transition; must be one of {', '.join(transitions)}")
    return transitions[name]
