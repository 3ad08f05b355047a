"""The composition root: builds the application from its parts."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from services.sandbox.admin.control_routes import ControlRoutes
from services.sandbox.admin.logistics_routes import LogisticsRoutes
from services.sandbox.admin.message_routes import MessageRoutes
from services.sandbox.admin.order_routes import OrderRoutes
from services.sandbox.context import create_context
from services.sandbox.http.gateway import Gateway
from services.sandbox.http.image_routes import ImageRoutes
from services.sandbox.messages.pusher import Pusher
from services.sandbox.operations.registry import load_operations


def create_app(callback_url: str | None = None) -> Starlette:
    """Return the sandbox as an ASGI application, in its initial state.

    From its start to its shutdown, messages are pushed to `callback_url`, if there is one. The server must
    use the protocol class `server.SandboxProtocol`, which gives the application access to the transport.
    """
    context = create_context(callback_url)
    operations = load_operations()
    pusher = Pusher(context.state)
    return Starlette(
        routes=[
            Route("/openapi/{api:path}", Gateway(operations, context), methods=["GET", "POST"]),
            *ImageRoutes(context.catalog).routes(),
            Mount(
                "/admin",
                routes=[
                    *ControlRoutes(operations.values(), context).routes(),
                    *OrderRoutes(context).routes(),
                    *LogisticsRoutes(context).routes(),
                    *MessageRoutes(context).routes(),
                ],
            ),
        ],
        exception_handlers={HTTPException: _to_error_response},
        lifespan=lambda app: pusher.lifespan(),
    )


async def _to_error_response(request: Request, error: Exception) -> Response:
    """Return the response to an invalid admin or image request."""
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette calls this for HTTPException only
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)
