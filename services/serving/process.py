"""The life of a server process: open, serve, drain, close."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc.aio
import structlog
from grpc_reflection.v1alpha import reflection

from services.errors import CannotStart
from services.serving import health, logs
from services.serving.binding import BoundService, bind
from services.serving.entrance import entrance
from services.serving.http import http_app, http_server
from services.serving.layers import layers
from services.serving.listeners import check_free, listening_socket, with_port
from services.serving.service import Parts, S, Service
from services.serving.settings import read_settings, variable_of

_OPTIONS = (
    ("grpc.max_receive_message_length", 8 * 1024 * 1024),  # a picture of 5 MiB, with room
    ("grpc.so_reuseport", 0),  # a busy port is an error, not a share of its calls
    ("grpc.keepalive_time_ms", 60_000),  # find callers that vanished
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),  # callers may look for us as often
    ("grpc.keepalive_permit_without_calls", 1),
)

# How long calls that are ended may take to answer and clean up before the parts they stand on are closed.
_UNWIND_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where a running server listens: the actual ports, where 0 was asked for."""

    port: int
    http_port: int


def run(service: Service[S]) -> None:
    """Reads the settings and serves until SIGTERM or SIGINT. Exits with code 2 where it cannot start."""
    settings = read_settings(service.settings)
    logs.configure(service.descriptor.full_name, settings.log_level)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve_until_signalled(service, settings))
    except CannotStart as problem:
        problem.exit()


async def _serve_until_signalled(service: Service[S], settings: S) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(logs.report_to_log)
    stop, hurry = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        (hurry if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    async with serve(service, settings, hurry):
        await stop.wait()


@asynccontextmanager
async def serve(
    service: Service[S], settings: S, hurry: asyncio.Event | None = None
) -> AsyncIterator[Listening]:
    """Serves while the context is open, then drains; `hurry` ends the drain's grace at once.

    Raises CannotStart. Whatever was opened is closed, however far it came.
    """
    log = structlog.get_logger()
    state = health.Health(service.descriptor.full_name)
    door = entrance(service, settings)
    http_listener = listening_socket(variable_of(service.settings, "http_listen"), settings.http_listen)
    http_port = http_listener.getsockname()[1]
    opened: list[Parts] = []

    async def ready() -> bool:
        return state.serving and await opened[0].ready()

    async with http_server(http_app(ready), http_listener), service.open(settings) as parts:
        opened.append(parts)
        bound = bind(service.descriptor, parts.bindings, layers(door.identities, door.policy))
        check_free(variable_of(service.settings, "listen"), settings.listen)
        server = grpc.aio.server(handlers=[bound], options=_OPTIONS)
        if door.credentials:
            port = server.add_secure_port(settings.listen, door.credentials)
        else:
            port = server.add_insecure_port(settings.listen)
        state.add_to(server)
        if settings.reflection:
            names = (service.descriptor.full_name, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, server)
        await server.start()
        await state.up()
        log.info(
            "serving",
            listen=with_port(settings.listen, port),
            http_listen=with_port(settings.http_listen, http_port),
        )
        try:
            yield Listening(port=port, http_port=http_port)
        finally:
            log.info("draining", grace_s=settings.grace_s, calls=len(bound.in_flight))
            await state.down()
            await _stop(server, bound, settings.grace_s, hurry or asyncio.Event())
    log.info("stopped")


async def _stop(server: grpc.aio.Server, bound: BoundService, grace_s: float, hurry: asyncio.Event) -> None:
    """Refuses new calls, ends streams, lets the other calls finish, and ends what is left.

    Our own calls are waited for, not gRPC's stop: that would also wait for health watches, which never end.
    """
    stopping = asyncio.create_task(server.stop(grace_s + _UNWIND_S))
    bound.end_streams()
    hurried = asyncio.create_task(hurry.wait())
    finished = asyncio.create_task(_finished(bound))
    await asyncio.wait({hurried, finished}, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
    bound.end()
    await asyncio.wait({finished}, timeout=_UNWIND_S)
    await server.stop(None)
    await stopping
    hurried.cancel()
    finished.cancel()


async def _finished(bound: BoundService) -> None:
    while bound.in_flight:
        await asyncio.wait(bound.in_flight)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it is to be had."""
    try:
        import uvloop  # noqa: PLC0415  # not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop
