"""A sandbox and the services, which all tests share. Each test begins with a reset."""

from collections.abc import Iterator
from importlib.util import find_spec

import grpc
import pytest
from nationalsite.account.v1 import AccountServiceStub
from nationalsite.product.v1 import ProductServiceStub

from tests.support.sandbox_client import SandboxClient
from tools.local_stack import RunningProcess, local_stack

collect_ignore = [] if find_spec("selenium") else ["test_page.py"]  # only `make test-page` installs it


@pytest.fixture(scope="session")
def stack() -> Iterator[dict[str, RunningProcess]]:
    with local_stack("open-platform") as processes:
        yield processes


@pytest.fixture
def sandbox(stack: dict[str, RunningProcess]) -> SandboxClient:
    """The admin API. Messages are pushed to the service, and retried at once."""
    sandbox = SandboxClient(stack["sandbox"].address)
    sandbox.admin("POST", "reset")
    sandbox.admin("PUT", "push", {"callback_url": stack["order_sync"].callback, "retry_interval_ms": 1})
    return sandbox


@pytest.fixture(scope="session")
def products(stack: dict[str, RunningProcess]) -> Iterator[ProductServiceStub]:
    with grpc.insecure_channel(stack["product"].address) as channel:
        yield ProductServiceStub(channel)


@pytest.fixture(scope="session")
def accounts(stack: dict[str, RunningProcess]) -> Iterator[AccountServiceStub]:
    with grpc.insecure_channel(stack["account"].address) as channel:
        yield AccountServiceStub(channel)
