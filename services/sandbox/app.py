"""The composition root: builds the application from its parts."""

from collections.abc import Collection

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from services.sandbox.admin.change_routes import ChangeRoutes, NotifyAfterWrites
from services.sandbox.admin.control_routes import ControlRoutes
from services.sandbox.admin.logistics_routes import LogisticsRoutes
from services.sandbox.admin.message_routes import MessageRoutes
from services.sandbox.admin.offer_routes import OfferRoutes
from services.sandbox.admin.order_routes import OrderRoutes
from services.sandbox.context import create_context
from services.sandbox.http.browser_checks import OwnHost, OwnOrigin
from services.sandbox.http.gateway import Gateway
from services.sandbox.http.image_routes import ImageRoutes
from services.sandbox.messages.outbox import CannotPush
from services.sandbox.messages.pusher import Pusher
from services.sandbox.operations.registry import load_operations
from services.sandbox.page import PAGE
from services.sandbox.trade.order_state_machine import InvalidTransition


def create_app(callback_url: str | None = None, hosts: Collection[str] = ()) -> Starlette:
    """Return the sandbox as an ASGI application, in its initial state.

    From its start to its shutdown, messages are pushed to `callback_url`, if there is one. The page and the
    admin API may be called by the names `hosts`, besides localhost and addresses. The server must use the
    protocol class `server.SandboxProtocol`, which gives the application access to the transport.
    """
    context = create_context(callback_url)
    operations = load_operations()
    pusher = Pusher(context.state, context.changes)
    return Starlette(
        routes=[
            Route("/openapi/{api:path}", Gateway(operations, context), methods=["GET", "POST"]),
            *ImageRoutes(context.catalog).routes(),
            Mount(
                "/admin",
                routes=[
                    *ChangeRoutes(context).routes(),
                    *ControlRoutes(operations.values(), context).routes(),
                    *OfferRoutes(context).routes(),
                    *OrderRoutes(context).routes(),
                    *LogisticsRoutes(context).routes(),
                    *MessageRoutes(context).routes(),
                ],
                middleware=[
                    Middleware(OwnOrigin, hosts),
                    Middleware(NotifyAfterWrites, context.changes),
                ],
            ),
            Mount("/", PAGE, middleware=[Middleware(OwnHost, hosts)]),
        ],
        exception_handlers={
            HTTPException: _to_error_response,
            InvalidTransition: _to_conflict,
            CannotPush: _to_conflict,
        },
        lifespan=lambda app: pusher.lifespan(),
    )


async def _to_error_response(request: Request, error: Exception) -> Response:
    """Return the response to an invalid request of the admin API, an image or a file of the page."""
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette calls this for HTTPException only
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


async def _to_conflict(request: Request, error: Exception) -> Response:
    """Return the response to an admin request that the state of an order or a message does not allow."""
    return JSONResponse({"error": str(error)}, 409)
