"""Admin API of logistics orders: tests act as the carrier."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.admin.found import require_found
from services.sandbox.admin.query import parse_number
from services.sandbox.admin.request_body import read_body
from services.sandbox.admin.schemas.orders import WaybillBody
from services.sandbox.admin.serializers import serialize_logistics
from services.sandbox.context import SandboxContext
from services.sandbox.trade.logistics import LogisticsOrder, LogisticsStatus, Waybill

MAX_LISTED = 10_000


class LogisticsRoutes:
    """HTTP handlers of logistics orders. Each shipment of an order creates a logistics order."""

    def __init__(self, context: SandboxContext) -> None:
        self._state = context.state

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/logistics", self.list_logistics, methods=["GET"]),
            Route("/logistics/{logistics_id}", self.get_logistics, methods=["GET"]),
            Route("/logistics/{logistics_id}", self.change_waybill, methods=["PUT"]),
            Route("/logistics/{logistics_id}/{status}", self.update_status, methods=["POST"]),
        ]

    async def list_logistics(self, request: Request) -> Response:
        """Return the latest logistics orders, the oldest first."""
        latest = self._state.order_store.logistics[: parse_number(request, "limit", MAX_LISTED)]
        return JSONResponse({"logistics": [serialize_logistics(each) for each in reversed(latest)]})

    async def get_logistics(self, request: Request) -> Response:
        """Return one logistics order."""
        return JSONResponse(serialize_logistics(self._find_logistics(request)))

    async def change_waybill(self, request: Request) -> Response:
        """Replace the waybill."""
        logistics = self._find_logistics(request)
        body = await read_body(request, WaybillBody)
        waybill = Waybill(cp_code=body.cp_code, mail_no=body.mail_no)
        self._state.order_store.change_waybill(logistics, waybill)
        return Response(status_code=204)

    async def update_status(self, request: Request) -> Response:
        """Add a status."""
        logistics = self._find_logistics(request)
        status = request.path_params["status"]
        if status not in list(LogisticsStatus):
            raise HTTPException(404, f"unknown status; must be one of {', '.join(LogisticsStatus)}")
        self._state.order_store.update_logistics_status(logistics, LogisticsStatus(status))
        return JSONResponse(serialize_logistics(logistics))

    def _find_logistics(self, request: Request) -> LogisticsOrder:
        logistics = self._state.order_store.find_logistics(request.path_params["logistics_id"])
        return require_found(logistics, "there is no such logistics order")
