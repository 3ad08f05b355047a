"""A sandbox and services for the tests of the Python client library."""

import asyncio
import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.support.sandbox_client import SandboxClient
from tools.local_stack import RunningProcess, start_sandbox, start_service, stop

TIMEOUT_S = 20


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxClient]:
    running = start_sandbox(log="client-sandbox")
    yield SandboxClient(running.address)
    assert stop(running) == 0


@pytest.fixture(scope="module")
def product(sandbox: SandboxClient) -> Iterator[RunningProcess]:
    running = start_service(
        "product", sandbox.url, {"NATIONALSITE_DIALECT": "open-platform"}, log="client-product"
    )
    yield running
    assert stop(running) == 0


@pytest.fixture(scope="module")
def order_sync(sandbox: SandboxClient) -> Iterator[RunningProcess]:
    running = start_service(
        "order_sync", sandbox.url, {"NATIONALSITE_REPLAY_SECONDS": "0"}, log="client-order-sync"
    )
    yield running
    assert stop(running) == 0


@pytest.fixture
def subscription() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


async def wait_until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():
            await asyncio.sleep(0.01)
