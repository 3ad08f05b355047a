"""A real Envoy before running replicas. Needs the packages of the group `mesh` (make test-mesh)."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from services.store import migrate
from tests.mesh.names import Names
from tests.support.certificates import CertificateAuthority
from tests.support.postgres import PostgresServer, create_database, postgres_server

if TYPE_CHECKING:
    from tests.mesh.running import Mesh

FIGURES = "mesh"
ENVOY = "spiffe://cluster.local/ns/ingress/sa/envoy"

# The quick suite has neither package; `make test-mesh` names this folder, and would find nothing.
collect_ignore_glob = [] if find_spec("envoy") and find_spec("yaml") else ["test_*.py"]


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        migrate(running.url("postgres"))
        yield running


@pytest.fixture(scope="session")
def authority() -> CertificateAuthority:
    return CertificateAuthority()


@pytest.fixture
def mesh(request, authority, tmp_path_factory) -> "Iterator[Mesh]":
    """What a test starts it starts with this."""
    from tests.mesh.running import Mesh  # noqa: PLC0415 # a package of the group

    name = f"mesh-{request.node.name.removeprefix('test_')}"[:60].replace("[", "-").replace("]", "")
    folder = tmp_path_factory.mktemp(name, numbered=False)
    pair = authority.issue(ENVOY)
    for file, content in (("tls.crt", pair.cert), ("tls.key", pair.key), ("ca.crt", authority.cert)):
        (folder / file).write_bytes(content)
    with Names() as names, ExitStack() as stack:
        yield Mesh(
            folder=folder,
            authority=authority,
            names=names,
            database=lambda: create_database(request.getfixturevalue("server")),
            stack=stack,
        )


@pytest.fixture
def report(record_property) -> Callable[[str], None]:
    """Tell a figure at the end of the run."""
    return lambda line: record_property(FIGURES, line)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    lines = [
        f"{one.nodeid.partition('::')[2]}: {line}"
        for outcome in ("passed", "failed")
        for one in terminalreporter.getreports(outcome)
        for name, line in one.user_properties
        if name == FIGURES and one.when == "call"
    ]
    if lines:
        terminalreporter.section("through Envoy")
        for line in lines:
            terminalreporter.line(line)
