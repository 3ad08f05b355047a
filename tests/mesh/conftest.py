"""A real Envoy in front of running replicas. Needs the packages of the group `mesh` (make test-mesh)."""

from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from services.store import migrate
from tests.mesh.fake_dns import FakeDnsServer
from tests.support.certificates import CertificateAuthority
from tests.support.postgres import PostgresServer, create_database, postgres_server

if TYPE_CHECKING:
    from tests.mesh.environment import Mesh

ENVOY = "spiffe://cluster.local/ns/ingress/sa/envoy"

# The quick suite runs without these packages.
collect_ignore_glob = [] if find_spec("envoy") and find_spec("yaml") else ["test_*.py"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        migrate(server.url("postgres"))
        yield server


@pytest.fixture(scope="session")
def authority() -> CertificateAuthority:
    return CertificateAuthority()


@pytest.fixture
def mesh(request, authority, tmp_path_factory) -> "Iterator[Mesh]":
    """Starts the processes of a test."""
    from tests.mesh.environment import Mesh  # noqa: PLC0415 # it needs a package of the group mesh

    name = f"mesh-{request.node.name.removeprefix('test_')}"[:60].replace("[", "-").replace("]", "")
    folder = tmp_path_factory.mktemp(name)
    key_pair = authority.issue(ENVOY)
    for file, content in (("tls.crt", key_pair.cert), ("tls.key", key_pair.key), ("ca.crt", authority.cert)):
        (folder / file).write_bytes(content)
    with FakeDnsServer() as dns, ExitStack() as stack:
        yield Mesh(
            folder=folder,
            authority=authority,
            dns=dns,
            create_database=lambda: create_database(request.getfixturevalue("postgres")),
            stack=stack,
        )
