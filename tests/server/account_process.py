"""A small service that test_server_process.py runs as a process. Its calls finish at SIGUSR1."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from google.protobuf.message import Message
from nationalsite.account import v1 as account_v1

from services.server import Endpoint, ServerSettings, ServiceDefinition, ServiceRuntime, StartupError, run


class Settings(ServerSettings):
    listen: str = "127.0.0.1:0"
    http_listen: str = "127.0.0.1:0"


@asynccontextmanager
async def lifespan(_settings: Settings) -> AsyncIterator[ServiceRuntime]:
    if problems := os.environ.get("PROBLEMS"):
        raise StartupError(problems.split(";"))
    release = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, release.set)

    async def register(_request: Message, _deadline: float) -> bytes:
        structlog.get_logger().info("working")
        await release.wait()
        return b""

    yield ServiceRuntime({"RegisterUser": Endpoint(handler=register, operation="register")})
    structlog.get_logger().info("closed")


if __name__ == "__main__":
    run(
        ServiceDefinition(
            descriptor=account_v1.ACCOUNT_SERVICE,
            settings=Settings,
            lifespan=lifespan,
        )
    )
