"""The composition root: every part, put together."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from services.sandbox.admin.control_routes import Admin
from services.sandbox.admin.logistics_routes import AdminParcels
from services.sandbox.admin.message_routes import AdminMessages
from services.sandbox.admin.order_routes import AdminOrders
from services.sandbox.catalog.catalog import Catalogue
from services.sandbox.http.gateway import Gateway
from services.sandbox.http.image_routes import PictureShelf
from services.sandbox.messages.pusher import Pusher
from services.sandbox.operations.account import AccountOperations
from services.sandbox.operations.message_replay import PushOperations
from services.sandbox.operations.order_sync import OrderOperations
from services.sandbox.operations.payments import PaymentOperations
from services.sandbox.operations.product import ProductOperations
from services.sandbox.operations.refunds import RefundOperations
from services.sandbox.operations.system import SystemOperations
from services.sandbox.state import State


def create_app(callback_url: str | None = None) -> Starlette:
    """The whole sandbox as one ASGI application, in its state at the start. Messages are pushed to
    `callback_url`, if there is one, for as long as its lifespan lasts.

    It needs the sandbox's own HTTP protocol (`server.SandboxProtocol`), which tells it the transport.
    """
    state = State(callback_url=callback_url)
    pusher = Pusher(state)
    catalogue = Catalogue()
    operations = (
        *ProductOperations(catalogue, state).table(),
        *AccountOperations(state).table(),
        *OrderOperations(state).table(),
        *PaymentOperations(state).table(),
        *RefundOperations(state).table(),
        *PushOperations(state).table(),
        *SystemOperations(state).table(),
    )
    return Starlette(
        routes=[
            Route("/openapi/{api:path}", Gateway(operations, state), methods=["GET", "POST"]),
            PictureShelf(catalogue).route(),
            Mount(
                "/admin",
                routes=[
                    *Admin(operations, state).routes(),
                    *AdminOrders(catalogue, state).routes(),
                    *AdminParcels(state).routes(),
                    *AdminMessages(state).routes(),
                ],
            ),
        ],
        exception_handlers={HTTPException: _explain},
        lifespan=lambda app: pusher.running(),
    )


async def _explain(request: Request, error: Exception) -> Response:
    """What was wrong with a request to one of the sandbox's own paths."""
    assert isinstance(error, HTTPException)  # noqa: S101 - starlette calls this for nothing else
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)
