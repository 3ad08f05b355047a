"""The lifecycle of a server process.

1. Read the settings, the TLS files and the policy, and open the HTTP port.
2. Build the runtime of the service: its store, its client of 1688, its endpoints.
3. Start gRPC, then report ready.
4. At SIGTERM: shut down (shutdown.py), and close everything in the opposite order.
"""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc.aio
import structlog
from grpc_channelz.v1 import channelz, channelz_pb2
from grpc_reflection.v1alpha import reflection
from opentelemetry.trace import Tracer

from services.errors import StartupError
from services.server import health
from services.server.grpc_options import server_options
from services.server.http_server import serve_http
from services.server.interceptors import server_interceptors
from services.server.security.server_security import build_server_security
from services.server.service_definition import S, ServiceDefinition, ServiceRuntime
from services.server.service_handler import build_service_handler
from services.server.settings import ServerSettings, read_settings
from services.server.shutdown import ShutdownTimeouts, shut_down
from services.server.sockets import check_port_available, open_listener, replace_port
from services.server.telemetry.admin_http import admin_routes
from services.server.telemetry.logging_config import configure_logging, loop_exception_handler
from services.server.telemetry.tracing import tracer_lifespan
from services.settings_loader import env_name

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
CHANNELZ = channelz_pb2.DESCRIPTOR.services_by_name["Channelz"].full_name


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundAddresses:
    """The ports of a running server; the actual ones if the settings say 0."""

    port: int
    http_port: int


def run(service: ServiceDefinition[S]) -> None:
    """Read the settings and serve until SIGTERM or SIGINT. Exits with code 2 if it cannot start."""
    settings = read_settings(service.settings)
    configure_logging(service.descriptor.full_name, settings.log_level)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve_until_signal(service, settings))
    except StartupError as error:
        error.exit()


async def _serve_until_signal(service: ServiceDefinition[S], settings: S) -> None:
    """The first signal starts the shutdown, the second one forces it."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(loop_exception_handler)
    stop, force_stop = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (force_stop if stop.is_set() else stop).set()

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, on_signal)
    async with (
        tracer_lifespan(service.descriptor.full_name) as tracer,
        serve(service, settings, force_stop=force_stop, tracer=tracer),
    ):
        await stop.wait()
    for number in _STOP_SIGNALS:
        # Everything is closed. A late signal must not turn the exit code into that of a killed process.
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)


@asynccontextmanager
async def serve(
    service: ServiceDefinition[S],
    settings: S,
    *,
    force_stop: asyncio.Event | None = None,
    tracer: Tracer | None = None,
) -> AsyncIterator[BoundAddresses]:
    """Serve while the context is open, then shut down. With `force_stop` the shutdown stops
    waiting for calls in flight.

    With a tracer, calls record spans. Raises StartupError. Whatever was opened is closed.
    """
    log = structlog.get_logger()
    name = service.descriptor.full_name
    server_health = health.Health(name)
    security = build_server_security(service, settings)
    http_listener = open_listener(env_name(service.settings, "http_listen"), settings.http_listen)
    http_port = http_listener.getsockname()[1]
    opened: list[ServiceRuntime] = []

    async def is_ready() -> bool:
        return server_health.is_serving and await opened[0].is_ready()

    async with serve_http(admin_routes(is_ready), http_listener), service.lifespan(settings) as runtime:
        opened.append(runtime)
        handler = build_service_handler(
            service.descriptor,
            runtime.endpoints,
            server_interceptors(tracer, security, settings.deadlines or {}),
        )
        check_port_available(env_name(service.settings, "listen"), settings.listen)
        server = grpc.aio.server(handlers=[handler], options=server_options(settings))
        if security.credentials:
            port = server.add_secure_port(settings.listen, security.credentials)
        else:
            port = server.add_insecure_port(settings.listen)
        server_health.add_to(server)
        _add_introspection(server, name, settings)
        await server.start()
        gc.collect()
        gc.freeze()  # the objects of the start live as long as the process: no collection needs to check them
        await server_health.set_serving()
        log.info(
            "serving",
            listen=replace_port(settings.listen, port),
            http_listen=replace_port(settings.http_listen, http_port),
        )
        try:
            yield BoundAddresses(port=port, http_port=http_port)
        finally:
            timeouts = ShutdownTimeouts(delay_s=settings.drain_delay_s, grace_s=settings.grace_s)
            await shut_down(server, server_health, handler, timeouts, force_stop or asyncio.Event())
    log.info("stopped")


def _add_introspection(server: grpc.aio.Server, name: str, settings: ServerSettings) -> None:
    """Add reflection and channelz, as far as the settings switch them on."""
    names = [name, health.SERVICE_NAME]
    if settings.channelz:
        channelz.add_channelz_servicer(server)
        names.append(CHANNELZ)
    if settings.reflection:
        reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), server)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's, if uvloop is installed."""
    try:
        import uvloop  # noqa: PLC0415  # not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop
