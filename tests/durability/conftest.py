"""A sandbox, a PostgreSQL server, and replicas that a test starts, kills and stops."""

import os
import random
from collections.abc import Iterator
from typing import Protocol

import pytest

from services.store import migrate
from tests.support.postgres import PostgresServer, create_database, postgres_server
from tests.support.replica import Program, Replica, new_replica
from tests.support.sandbox_client import SandboxClient
from tools.local_stack import start_sandbox, stop

LONG = os.environ.get("DURABILITY") == "long"
SEED = int(os.environ.get("DURABILITY_SEED") or random.SystemRandom().randrange(10**6))
FAST_TIMEOUTS = Program(module="tests.durability.fast_timeouts")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        migrate(server.url("postgres"))
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path) -> str:
    """The URL of a new database, on each engine."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/store.db"
    return create_database(request.getfixturevalue("postgres"))


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    sandbox = start_sandbox(log="durability-sandbox")
    yield sandbox.address
    assert stop(sandbox) == 0


@pytest.fixture
def sandbox(sandbox_url: str) -> SandboxClient:
    """The sandbox, reset to its initial state."""
    sandbox = SandboxClient(sandbox_url)
    sandbox.admin("POST", "reset")
    sandbox.admin("DELETE", "faults")
    sandbox.admin("DELETE", "calls")
    return sandbox


class StartReplica(Protocol):
    """Starts a replica on a store."""

    def __call__(
        self, database_url: str, settings: dict[str, str] | None = None, *, program: Program = FAST_TIMEOUTS
    ) -> Replica: ...


@pytest.fixture
def start_replica(sandbox: SandboxClient, request) -> Iterator[StartReplica]:
    """start_replica(database_url) starts a replica, which is stopped at the end of the test."""
    replicas: list[Replica] = []

    def start(
        database_url: str, settings: dict[str, str] | None = None, *, program: Program = FAST_TIMEOUTS
    ) -> Replica:
        name = f"{request.node.name}-{len(replicas) + 1}".replace("/", "-")
        replicas.append(new_replica(name, sandbox.url, database_url, settings, program=program))
        return replicas[-1].start()

    yield start
    exit_codes = [replica.stop() for replica in replicas]
    assert exit_codes == [0] * len(replicas)
