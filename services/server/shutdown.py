"""The end of a server, in order: unready, unlisted, idle, stopped."""

import asyncio
from dataclasses import dataclass

import grpc.aio
import structlog

from services.server.health import Health
from services.server.service_handler import ServiceHandler

# How long calls that are ended may take to answer and clean up before the parts they stand on are closed.
_UNWIND_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownTimeouts:
    """How long each part of a drain may take; `hurry` cuts both short."""

    delay_s: float
    """For load balancers to notice that this replica is not ready. Calls are served as before."""
    grace_s: float
    """For calls in flight to finish."""
    hurry: asyncio.Event


async def shut_down(
    server: grpc.aio.Server, state: Health, bound: ServiceHandler, patience: ShutdownTimeouts
) -> None:
    """Tells that the server is not ready, waits for that to be noticed, and stops it."""
    structlog.get_logger().info(
        "draining", delay_s=patience.delay_s, grace_s=patience.grace_s, calls=len(bound.in_flight)
    )
    await state.down()
    hurried = asyncio.create_task(patience.hurry.wait())
    if patience.delay_s:
        await asyncio.wait({hurried}, timeout=patience.delay_s)
    await _stop(server, bound, patience.grace_s, hurried)
    hurried.cancel()


async def _stop(
    server: grpc.aio.Server, bound: ServiceHandler, grace_s: float, hurried: "asyncio.Task[bool]"
) -> None:
    """Refuses new calls, ends streams, lets the other calls finish, and ends what is left.

    Our own calls are waited for, not gRPC's stop: that would also wait for health watches, which never end.
    """
    stopping = asyncio.create_task(server.stop(grace_s + _UNWIND_S))
    bound.end_streams()
    finished = asyncio.create_task(_finished(bound))
    await asyncio.wait({hurried, finished}, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
    bound.end()
    await asyncio.wait({finished}, timeout=_UNWIND_S)
    await server.stop(None)
    await stopping
    finished.cancel()


async def _finished(bound: ServiceHandler) -> None:
    while bound.in_flight:
        await asyncio.wait(bound.in_flight)
