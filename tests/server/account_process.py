"""A small service that test_server_process.py runs as a process. Its calls finish at SIGUSR1."""

import asyncio
import json
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from google.protobuf.message import Message
from nationalsite.account import v1 as account_v1

from services.errors import ErrorOrigin
from services.server import Endpoint, ServerSettings, ServiceDefinition, ServiceRuntime, StartupError, run


class Settings(ServerSettings):
    listen: str = "127.0.0.1:0"
    http_listen: str = "127.0.0.1:0"


class FailingDestructor:
    def __del__(self) -> None:
        raise ValueError("secret destructor")


def fail() -> None:
    raise ValueError("secret thread")


def make_noise() -> None:
    """Print in every way in which a library can."""
    forged = json.dumps({"event": "audit", "caller": "forged"})
    print("printed", forged, sep="\n")
    sys.stderr.write(f"half of a line, \udcff {'x' * 10_000}\n{forged}\n")
    warnings.warn(f"a warning\n{forged}", stacklevel=2)
    logging.getLogger("library").warning("logged \udcff\n%s", forged)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    FailingDestructor()


@asynccontextmanager
async def lifespan(_settings: Settings) -> AsyncIterator[ServiceRuntime]:
    if problems := os.environ.get("PROBLEMS"):
        raise StartupError(problems.split(";"))
    if os.environ.get("NOISE"):
        make_noise()
    release = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, release.set)

    async def register(_request: Message, _deadline: float) -> bytes:
        structlog.get_logger().info("working")
        await release.wait()
        return b""

    endpoint = Endpoint(handler=register, origin=ErrorOrigin("register"), handles_idempotency=True)
    yield ServiceRuntime({"RegisterUser": endpoint})
    structlog.get_logger().info("closed")
    if os.environ.get("CRASH"):
        signal.raise_signal(signal.SIGSEGV)


if __name__ == "__main__":
    run(
        ServiceDefinition(
            descriptor=account_v1.ACCOUNT_SERVICE,
            settings=Settings,
            lifespan=lifespan,
        )
    )
