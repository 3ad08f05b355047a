"""The lifecycle of a server process.

1. Read the settings, the TLS files and the policy, and open the HTTP port.
2. Build the runtime of the service: its store, its gateway client, its endpoints.
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
from grpc_channelz.v1 import channelz, channelz_pb2, channelz_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc
from opentelemetry.trace import Tracer

from services.errors import StartupError
from services.redaction import known_secrets
from services.server import health
from services.server.generic_handlers import GenericHandlers
from services.server.grpc_options import max_message_bytes, server_options
from services.server.http.server import serve_http
from services.server.interceptors import server_interceptors
from services.server.request_memory import RequestMemory
from services.server.security.access import Access
from services.server.security.server_security import ServerSecurity, build_server_security
from services.server.service_definition import S, ServiceDefinition, ServiceRuntime
from services.server.service_handler import build_service_handler
from services.server.settings import ServerSettings, read_settings
from services.server.shutdown import ShutdownTimeouts, shut_down
from services.server.sockets import check_port_available, open_listener, replace_port
from services.server.telemetry.admin_http import admin_handler
from services.server.telemetry.logging_config import (
    captured_output,
    configure_logging,
    loop_exception_handler,
)
from services.server.telemetry.tracing import tracer_lifespan
from services.settings_loader import env_name, list_secrets

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
CHANNELZ = channelz_pb2.DESCRIPTOR.services_by_name["Channelz"].full_name


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundAddresses:
    """The ports of a running server. If a setting says port 0, the port that was assigned."""

    port: int
    http_port: int


def run(service: ServiceDefinition[S]) -> None:
    """Read the settings and serve until SIGTERM or SIGINT. Exits with code 2 if it cannot start."""
    settings = read_settings(service.settings)
    configure_logging(service.descriptor.full_name, settings.log_level)
    secrets = list_secrets(settings)
    try:
        with (
            known_secrets(lambda: secrets),
            captured_output(),
            asyncio.Runner(loop_factory=_loop_factory()) as runner,
        ):
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
        # Everything is closed. A late signal must not kill the process: its exit code would then not be 0.
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
    """Serve while the context is open, then shut down. Once `force_stop` is set, the shutdown does not wait
    for calls in flight.

    With a tracer, calls record spans. Raises StartupError. What was opened is always closed.
    """
    log = structlog.get_logger()
    name = service.descriptor.full_name
    server_health = health.Health(name)
    if parts := service.describe(settings):
        log.info("starting", **parts)
    security = build_server_security(service, settings)
    _log_access(security.access, settings)
    http_listener = open_listener(env_name(service.settings, "http_listen"), settings.http_listen)
    http_port = http_listener.getsockname()[1]
    opened: list[ServiceRuntime] = []

    async def is_ready() -> bool:
        return server_health.is_serving and await opened[0].is_ready()

    async with (
        serve_http(admin_handler(is_ready), http_listener),
        service.lifespan(settings) as runtime,
        security.watching(),
    ):
        opened.append(runtime)
        handler = build_service_handler(
            service.descriptor,
            runtime.endpoints,
            server_interceptors(
                tracer, security, settings, RequestMemory(max_message_bytes(service.descriptor))
            ),
        )
        check_port_available(env_name(service.settings, "listen"), settings.listen)
        server = grpc.aio.server(handlers=[handler], options=server_options(settings, service.descriptor))
        port = _listen(server, service, settings, security)
        generic_handlers = GenericHandlers(server)
        server_health.add_to(generic_handlers)
        _add_introspection(generic_handlers, name, settings)
        await server.start()
        gc.collect()
        gc.freeze()  # garbage collections need not check objects that live as long as the process
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


def _listen(
    server: grpc.aio.Server, service: ServiceDefinition[S], settings: S, security: ServerSecurity
) -> int:
    """Open the port of gRPC. Raises StartupError."""
    try:
        if security.credentials:
            return server.add_secure_port(settings.listen, security.credentials)
        return server.add_insecure_port(settings.listen)
    except RuntimeError as error:
        variable = env_name(service.settings, "listen")
        raise StartupError([f"{variable}: gRPC cannot listen on {settings.listen}"]) from error


def _log_access(access: Access, settings: ServerSettings) -> None:
    """Log who may call: a warning if anyone may, from other hosts."""
    log = structlog.get_logger()
    write = log.warning if access.callers == "anyone" and access.is_reachable else log.info
    write(
        "access",
        callers=access.callers,
        identified_by=access.identified_by,
        policy_file=str(settings.policy_file or ""),
        listen=settings.listen,
    )


def _add_introspection(server: GenericHandlers, name: str, settings: ServerSettings) -> None:
    """Add reflection and channelz, each if its setting is on."""
    names = [name, health.SERVICE_NAME]
    if settings.channelz:
        channelz_pb2_grpc.add_ChannelzServicer_to_server(channelz.aio.ChannelzServicer(), server)
        names.append(CHANNELZ)
    if settings.reflection:
        servicer = reflection.aio.ReflectionServicer((*names, reflection.SERVICE_NAME))
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's factory of event loops; None if uvloop is not installed."""
    try:
        import uvloop  # noqa: PLC0415  # not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop
