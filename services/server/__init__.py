"""The gRPC runtime of every service: endpoints, interceptors, security, telemetry, shutdown.

Must not import adapter, store or a service. Start reading in server.py. interceptors/__init__.py lists the
interceptors in order.
"""

from services.caller import ANONYMOUS, Caller, current_caller
from services.errors import StartupError
from services.server.call import Creation, Endpoint, MethodInfo
from services.server.http.connections import HttpLimits
from services.server.http.messages import HttpHandler, HttpRequest, HttpResponse, router
from services.server.http.server import serve_http
from services.server.reason_rules import REASON_RULES
from services.server.server import run, serve
from services.server.service_definition import ServiceDefinition, ServiceRuntime
from services.server.settings import Address, ServerSettings, read_settings
from services.server.sockets import open_listener, replace_port
from services.server.status import to_rich_status
from services.server.telemetry.audit_ids import add_audit_ids
from services.server.usage import build_parser
from services.settings_loader import env_name

__all__ = [
    "ANONYMOUS",
    "REASON_RULES",
    "Address",
    "Caller",
    "Creation",
    "Endpoint",
    "HttpHandler",
    "HttpLimits",
    "HttpRequest",
    "HttpResponse",
    "MethodInfo",
    "ServerSettings",
    "ServiceDefinition",
    "ServiceRuntime",
    "StartupError",
    "add_audit_ids",
    "build_parser",
    "current_caller",
    "env_name",
    "open_listener",
    "read_settings",
    "replace_port",
    "router",
    "run",
    "serve",
    "serve_http",
    "to_rich_status",
]
