"""The admin paths where a test plays seller and buyer, and reads what was synced."""

from collections.abc import Mapping
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.admin.schemas.controls import read_body
from services.sandbox.admin.schemas.orders import OrderBody, PaymentsBody, StepBody, TraitsBody
from services.sandbox.admin.serializers import (
    order_view,
    refund_view,
    synced_logistics_view,
    synced_order_view,
)
from services.sandbox.catalog.catalog import Catalogue
from services.sandbox.state import State
from services.sandbox.trade.order_lines import carriage_fen, fill
from services.sandbox.trade.order_state_machine import Step, WrongStep
from services.sandbox.trade.orders import Order
from services.sandbox.trade.refunds.refund import Refund
from services.sandbox.trade.refunds.refund_state_machine import RefundStep, take_refund_step

S = TypeVar("S")

_CLOSES: Mapping[str | None, Step] = {
    None: Step.CLOSE,
    "buyer": Step.CLOSE,
    "seller": Step.CLOSE_BY_SELLER,
    "back_office": Step.CLOSE_BY_BACK_OFFICE,
}
_STEPS: Mapping[str, Step] = {
    step.value: step for step in Step if step is Step.CLOSE or step not in _CLOSES.values()
}
_TAKEN_BY: Mapping[str, Step] = {"entries": Step.SHIP, "by": Step.CLOSE, "carriage_fen": Step.MODIFY_PRICE}
# The buyer's `send` is an operation of the platform; the others follow from an order's steps.
_REFUND_STEPS: Mapping[str, RefundStep] = {
    step.value: step for step in (RefundStep.AGREE, RefundStep.REFUSE, RefundStep.RECEIVE, RefundStep.CLOSE)
}


class AdminOrders:
    """The handlers of these paths."""

    def __init__(self, catalogue: Catalogue, state: State) -> None:
        self._catalogue = catalogue
        self._state = state

    def routes(self) -> list[Route]:
        """Every admin path of orders."""
        return [
            Route("/orders", self.make, methods=["POST"]),
            Route("/orders/{order_id:int}", self.order, methods=["GET"]),
            Route("/orders/{order_id:int}", self.put_traits, methods=["PUT"]),
            Route("/orders/{order_id:int}/{step}", self.step, methods=["POST"]),
            Route("/payments", self.pay, methods=["POST"]),
            Route("/refunds/{refund_id}", self.refund, methods=["GET"]),
            Route("/refunds/{refund_id}/{step}", self.refund_step, methods=["POST"]),
            Route("/synced/orders/{order_id}", self.synced_order, methods=["GET"]),
            Route("/synced/logistics/{logistics_id}", self.synced_logistics, methods=["GET"]),
        ]

    async def make(self, request: Request) -> Response:
        """A new order, as if the buyer had just made it on the site."""
        body = await read_body(request, OrderBody, empty=OrderBody())
        try:
            lines = fill(self._catalogue, [line.wanted() for line in body.entries])
        except ValueError as error:
            raise HTTPException(400, f"entries: {error}") from error
        order = self._state.book.make(
            lines, carriage_fen(lines), body.traits(), now_ms=self._state.clock.now_ms()
        )
        return JSONResponse(order_view(order), 201)

    async def order(self, request: Request) -> Response:
        """One order."""
        return JSONResponse(order_view(self._order(request)))

    async def put_traits(self, request: Request) -> Response:
        """Replaces what an order is like."""
        order = self._order(request)
        order.traits = (await read_body(request, TraitsBody)).traits()
        return Response(status_code=204)

    async def step(self, request: Request) -> Response:
        """Takes a step with an order."""
        order = self._order(request)
        step = _known(_STEPS, request)
        body = await read_body(request, StepBody, empty=StepBody())
        for member in body.model_fields_set:
            if step is not _TAKEN_BY[member]:
                raise HTTPException(400, f"{member}: only {_TAKEN_BY[member]} takes it")
        if not set(body.entries or ()) <= set(order.entry_ids):
            raise HTTPException(400, f"entries: the order has {list(order.entry_ids)}")
        try:
            if step is Step.MODIFY_PRICE:
                self._state.book.modify_price(order, body.carriage_fen or 0)
            else:
                step = _CLOSES[body.by] if step is Step.CLOSE else step
                self._state.book.step(order, step, body.entries)
        except WrongStep as error:
            raise HTTPException(409, str(error)) from error
        return JSONResponse(order_view(order))

    async def pay(self, request: Request) -> Response:
        """Pays several orders at once."""
        body = await read_body(request, PaymentsBody)
        order_ids = list(dict.fromkeys(body.orders))
        results = self._state.book.pay_together(order_ids, body.failures)
        return JSONResponse({"results": {str(order_id): result for order_id, result in results.items()}})

    async def refund(self, request: Request) -> Response:
        """One refund."""
        return JSONResponse(refund_view(self._refund(request)))

    async def refund_step(self, request: Request) -> Response:
        """Takes a step with a refund."""
        refund = self._refund(request)
        try:
            take_refund_step(refund, _known(_REFUND_STEPS, request))
        except WrongStep as error:
            raise HTTPException(409, str(error)) from error
        return JSONResponse(refund_view(refund))

    async def synced_order(self, request: Request) -> Response:
        """What the syncs brought about a downstream order."""
        known = self._state.synced.find_order(request.path_params["order_id"])
        if known is None:
            raise HTTPException(404, "nothing is known of such an order")
        return JSONResponse(synced_order_view(known))

    async def synced_logistics(self, request: Request) -> Response:
        """What the syncs brought about a downstream parcel."""
        known = self._state.synced.find_logistics(request.path_params["logistics_id"])
        if known is None:
            raise HTTPException(404, "nothing is known of such a parcel")
        return JSONResponse(synced_logistics_view(known))

    def _order(self, request: Request) -> Order:
        order = self._state.book.find(request.path_params["order_id"])
        if order is None:
            raise HTTPException(404, "no such order")
        return order

    def _refund(self, request: Request) -> Refund:
        refund = self._state.book.find_refund(request.path_params["refund_id"])
        if refund is None:
            raise HTTPException(404, "no such refund")
        return refund


def _known(steps: Mapping[str, S], request: Request) -> S:
    name = request.path_params["step"]
    if name not in steps:
        raise HTTPException(404, f"no such step; there are {', '.join(steps)}")
    return steps[name]
