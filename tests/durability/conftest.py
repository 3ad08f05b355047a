"""What the proofs stand on: a sandbox, a PostgreSQL server, replicas that are started and stopped."""

import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.store import migrate
from tests.durability.replicas import FAST_TIMEOUTS, Replica, replica
from tests.support.postgres import PostgresServer, create_database, postgres_server
from tests.support.sandbox_client import SandboxClient
from tools.local_stack import start_sandbox, stop

LONG = os.environ.get("DURABILITY") == "long"
SEED = int(os.environ.get("DURABILITY_SEED") or random.SystemRandom().randrange(10**6))
REPORT = "durability"


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        migrate(running.url("postgres"))
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/store.db"
    return create_database(request.getfixturevalue("server"))


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[str]:
    sandbox = start_sandbox(log="durability-sandbox")
    yield sandbox.address
    assert stop(sandbox) == 0


@pytest.fixture
def sandbox(running_sandbox: str) -> SandboxClient:
    found = SandboxClient(running_sandbox)
    found.admin("POST", "reset")
    found.admin("DELETE", "faults")
    found.admin("DELETE", "calls")
    return found


Started = Callable[..., Replica]


@pytest.fixture
def started(sandbox: SandboxClient, request) -> Iterator[Started]:
    """started(url) is a running replica on a store; it is stopped at the end."""
    replicas: list[Replica] = []

    def start(url: str, settings: dict[str, str] | None = None, *, module: str = FAST_TIMEOUTS) -> Replica:
        name = f"{request.node.name}-{len(replicas) + 1}".replace("/", "-")
        replicas.append(replica(name, sandbox.url, url, settings, module=module))
        return replicas[-1].start()

    yield start
    codes = [each.stop() for each in replicas]
    assert codes == [0] * len(replicas)


@pytest.fixture
def report(record_property) -> Callable[[str], None]:
    """Tell what was found, at the end of the run: counts say more than a dot."""
    return lambda line: record_property(REPORT, line)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    lines = [
        f"{one.nodeid.partition('::')[2]}: {line}"
        for outcome in ("passed", "failed")
        for one in terminalreporter.getreports(outcome)
        for name, line in one.user_properties
        if name == REPORT and one.when == "call"
    ]
    if lines:
        terminalreporter.section("what was proved")
        for line in lines:
            terminalreporter.line(line)
