"""One server for every service: binding, layers, health, drain, settings, telemetry. Knows nothing of 1688.

A service says what it is and how its parts are put together; everything else is here:

    run(Service(descriptor=..., settings=ProductSettings, open=open_parts))

process.py is the place to start reading; layers.py is the way of a call.
"""

from services.environment import variable_of
from services.errors import CannotStart
from services.serving.answers import rich_status
from services.serving.caller import NOBODY, Caller, caller
from services.serving.http import http_server
from services.serving.listeners import listening_socket, with_port
from services.serving.process import run, serve
from services.serving.rpc import Binding, Handler, Rpc
from services.serving.service import Parts, Service
from services.serving.settings import Address, ServingSettings, read_settings

__all__ = [
    "NOBODY",
    "Address",
    "Binding",
    "Caller",
    "CannotStart",
    "Handler",
    "Parts",
    "Rpc",
    "Service",
    "ServingSettings",
    "caller",
    "http_server",
    "listening_socket",
    "read_settings",
    "rich_status",
    "run",
    "serve",
    "variable_of",
    "with_port",
]
