"""The admin paths where a test plays the carrier."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.admin.schemas.controls import read_body
from services.sandbox.admin.schemas.orders import WaybillBody
from services.sandbox.admin.serializers import parcel_view
from services.sandbox.state import State
from services.sandbox.trade.logistics import Node, Parcel, Waybill
from services.sandbox.trade.order_state_machine import WrongStep


class AdminParcels:
    """The handlers of these paths. A parcel is made when an order, or a part of one, is shipped."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """Every admin path of parcels."""
        return [
            Route("/parcels/{logistics_id}", self.parcel, methods=["GET"]),
            Route("/parcels/{logistics_id}", self.relabel, methods=["PUT"]),
            Route("/parcels/{logistics_id}/{node}", self.move, methods=["POST"]),
        ]

    async def parcel(self, request: Request) -> Response:
        """One parcel."""
        return JSONResponse(parcel_view(self._parcel(request)))

    async def relabel(self, request: Request) -> Response:
        """Puts another waybill on a parcel."""
        parcel = self._parcel(request)
        body = await read_body(request, WaybillBody)
        self._state.book.relabel(parcel, Waybill(cp_code=body.cp_code, mail_no=body.mail_no))
        return Response(status_code=204)

    async def move(self, request: Request) -> Response:
        """Lets a parcel reach a node."""
        parcel = self._parcel(request)
        node = request.path_params["node"]
        if node not in list(Node):
            raise HTTPException(404, f"no such node; there are {', '.join(Node)}")
        try:
            self._state.book.move(parcel, Node(node))
        except WrongStep as error:
            raise HTTPException(409, str(error)) from error
        return JSONResponse(parcel_view(parcel))

    def _parcel(self, request: Request) -> Parcel:
        parcel = self._state.book.find_parcel(request.path_params["logistics_id"])
        if parcel is None:
            raise HTTPException(404, "no such parcel")
        return parcel
