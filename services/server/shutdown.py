"""The shutdown of a server: it reports not ready, rejects new calls, waits for calls in flight, and stops."""

import asyncio
from dataclasses import dataclass

import grpc.aio
import structlog

from services.server.health import Health
from services.server.service_handler import ServiceHandler

# How long cancelled calls may take to clean up. Then the store and the clients that they use are closed.
_CLEANUP_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownTimeouts:
    """How long each phase may take."""

    delay_s: float
    """Until load balancers notice that this replica is not ready. Calls are still accepted."""
    grace_s: float
    """For calls in flight to finish."""


async def shut_down(
    server: grpc.aio.Server,
    health: Health,
    handler: ServiceHandler,
    timeouts: ShutdownTimeouts,
    force_stop: asyncio.Event,
) -> None:
    """Report that the server is not ready, wait, and stop it. `force_stop`, once set, ends the waiting."""
    structlog.get_logger().info(
        "draining", delay_s=timeouts.delay_s, grace_s=timeouts.grace_s, calls=len(handler.in_flight)
    )
    await health.set_not_serving()
    forced = asyncio.create_task(force_stop.wait())
    if timeouts.delay_s:
        await asyncio.wait({forced}, timeout=timeouts.delay_s)
    await _stop(server, handler, timeouts.grace_s, forced)
    forced.cancel()


async def _stop(
    server: grpc.aio.Server, handler: ServiceHandler, grace_s: float, forced: "asyncio.Task[bool]"
) -> None:
    """Reject new calls, cancel streams, let unary calls finish, and cancel what is left.

    This waits only for the calls of the service. gRPC's own `stop` would also wait for calls of the health
    RPC Watch, which never end.
    """
    stopping = asyncio.create_task(server.stop(grace_s + _CLEANUP_TIMEOUT_S))
    handler.cancel_streams()
    idle = asyncio.create_task(handler.wait_until_idle())
    await asyncio.wait({forced, idle}, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
    handler.cancel_all()
    await asyncio.wait({idle}, timeout=_CLEANUP_TIMEOUT_S)
    await server.stop(None)
    await stopping
    idle.cancel()
