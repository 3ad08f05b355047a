"""The life of a server process: open, serve, drain, close."""

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
from services.server.service_handler import bind
from services.server.settings import ServerSettings, read_settings
from services.server.shutdown import ShutdownTimeouts, shut_down
from services.server.sockets import check_port_available, listening_socket, with_port
from services.server.telemetry import logs
from services.server.telemetry.admin_http import admin_routes
from services.server.telemetry.tracing import configure_tracing
from services.settings_loader import env_name

CHANNELZ = channelz_pb2.DESCRIPTOR.services_by_name["Channelz"].full_name


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundAddresses:
    """Where a running server listens: the actual ports, where 0 was asked for."""

    port: int
    http_port: int


def run(service: ServiceDefinition[S]) -> None:
    """Reads the settings and serves until SIGTERM or SIGINT. Exits with code 2 where it cannot start."""
    settings = read_settings(service.settings)
    logs.configure(service.descriptor.full_name, settings.log_level)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve_until_signalled(service, settings))
    except StartupError as problem:
        problem.exit()


async def _serve_until_signalled(service: ServiceDefinition[S], settings: S) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(logs.loop_exception_handler)
    stop, hurry = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        (hurry if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    async with (
        configure_tracing(service.descriptor.full_name) as tracer,
        serve(service, settings, hurry=hurry, tracer=tracer),
    ):
        await stop.wait()


@asynccontextmanager
async def serve(
    service: ServiceDefinition[S],
    settings: S,
    *,
    hurry: asyncio.Event | None = None,
    tracer: Tracer | None = None,
) -> AsyncIterator[BoundAddresses]:
    """Serves while the context is open, then drains; `hurry` ends the drain at once.

    With a tracer, calls leave spans.
    Raises StartupError. Whatever was opened is closed, however far it came.
    """
    log = structlog.get_logger()
    state = health.Health(service.descriptor.full_name)
    door = build_server_security(service, settings)
    http_listener = listening_socket(env_name(service.settings, "http_listen"), settings.http_listen)
    http_port = http_listener.getsockname()[1]
    opened: list[ServiceRuntime] = []

    async def ready() -> bool:
        return state.serving and await opened[0].ready()

    async with serve_http(admin_routes(ready), http_listener), service.open(settings) as parts:
        opened.append(parts)
        bound = bind(
            service.descriptor,
            parts.bindings,
            server_interceptors(tracer, door.identities, door.policy, settings.deadlines or {}),
        )
        check_port_available(env_name(service.settings, "listen"), settings.listen)
        server = grpc.aio.server(handlers=[bound], options=server_options(settings))
        if door.credentials:
            port = server.add_secure_port(settings.listen, door.credentials)
        else:
            port = server.add_insecure_port(settings.listen)
        state.add_to(server)
        _add_views(server, service.descriptor.full_name, settings)
        await server.start()
        gc.collect()
        gc.freeze()  # what was made until here stays: no collection has to look at it again
        await state.up()
        log.info(
            "serving",
            listen=with_port(settings.listen, port),
            http_listen=with_port(settings.http_listen, http_port),
        )
        try:
            yield BoundAddresses(port=port, http_port=http_port)
        finally:
            await shut_down(
                server,
                state,
                bound,
                ShutdownTimeouts(
                    delay_s=settings.drain_delay_s,
                    grace_s=settings.grace_s,
                    hurry=hurry or asyncio.Event(),
                ),
            )
    log.info("stopped")


def _add_views(server: grpc.aio.Server, name: str, settings: ServerSettings) -> None:
    """What shows the server from outside, as far as that is switched on."""
    names = [name, health.SERVICE_NAME]
    if settings.channelz:
        channelz.add_channelz_servicer(server)
        names.append(CHANNELZ)
    if settings.reflection:
        reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), server)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it is to be had."""
    try:
        import uvloop  # noqa: PLC0415  # not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop
