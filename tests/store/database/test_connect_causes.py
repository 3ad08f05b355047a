"""A PostgreSQL that cannot be used: the error says the setting and the cause, and no value."""

import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import structlog
from sqlalchemy import text

from services.errors import StartupError, StoreUnavailable
from services.store import StoreLimits, migrate
from services.store.database import postgresql, schema_migrations
from services.store.database.engine import parse_url
from services.store.database.opening import open_store
from services.store.database.postgresql import PostgresqlEngine
from services.store.database.schema_migrations import check_schema
from services.store.database.store import Store
from tests.support.certificates import CertificateAuthority
from tests.support.ports import reserve_ports
from tests.support.postgres import PostgresServer, postgres_server

pytestmark = pytest.mark.postgres

PASSWORD = "hush"
HBA = """
local all all trust
host all pw,full 127.0.0.1/32 scram-sha-256
hostssl all tls 127.0.0.1/32 trust
hostnossl all plain 127.0.0.1/32 trust
"""
PG = "postgresql+psycopg"
CAUSES = {
    "wrong password": (
        f"{PG}://pw:{PASSWORD}x@{{tcp}}/postgres",
        "its server rejects the user or the password",
    ),
    "no password": (f"{PG}://pw@{{tcp}}/postgres", "its server rejects the user or the password"),
    "unknown user": (f"{PG}://nobody@/postgres?host={{socket}}", "its server does not accept the user"),
    "missing database": (f"{PG}://test@/nothing?host={{socket}}", "the database does not exist"),
    "no entry": (
        f"{PG}://test@{{tcp}}/postgres",
        "its server accepts no such connection: pg_hba.conf has no entry",
    ),
    "no right to connect": (
        f"{PG}://poor@/closed?host={{socket}}",
        "its user lacks the right to connect to the database",
    ),
    "no right to read": (f"{PG}://poor@/postgres?host={{socket}}", "its user lacks a right"),
    "used up": (f"{PG}://full:{PASSWORD}@{{tcp}}/postgres", "it has no connection left"),
    "DNS": (f"{PG}://test@no-such-host.invalid/postgres", "the name of its host cannot be resolved"),
    "closed port": (f"{PG}://test@127.0.0.1:{{closed}}/postgres", "nothing listens on its host and port"),
    "no socket": (f"{PG}://test@/postgres?host=/nowhere", "its Unix socket does not exist"),
    "untrusted CA": (
        f"{PG}://tls@localhost:{{port}}/postgres?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={{other_ca}}",
        "the certificate of its server is not trusted",
    ),
    "no CA file": (
        f"{PG}://tls@{{tcp}}/postgres?sslmode=verify-full&sslrootcert=/nowhere/ca",
        "the certificate of its server is not trusted",
    ),
    "other host": (
        f"{PG}://tls@db.example.com:{{port}}/postgres?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={{ca}}",
        "the certificate of its server is for another host",
    ),
    "silent": (f"{PG}://test@127.0.0.1:{{silent}}/postgres", "its host does not respond"),
}


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str | int]]:
    """What the URLs contain: a server with passwords and TLS, a closed port, and one that never answers."""
    folder = tmp_path_factory.mktemp("ca")
    authority = CertificateAuthority()
    (folder / "ca").write_bytes(authority.cert)
    (folder / "other").write_bytes(CertificateAuthority("other").cert)
    port, closed = reserve_ports(2)
    with postgres_server() as server, closing(socket.create_server(("127.0.0.1", 0))) as silent:
        migrate(server.url())
        directory = Path(server.url().partition("host=")[2])
        statements = (
            f"CREATE ROLE pw LOGIN PASSWORD '{PASSWORD}'",
            f"CREATE ROLE full LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 0",
            "CREATE ROLE tls LOGIN",
            "CREATE ROLE poor LOGIN",
            "CREATE DATABASE closed",
            "REVOKE CONNECT ON DATABASE closed FROM PUBLIC",
        )
        with psycopg.connect(
            host=str(directory), user="test", dbname="postgres", autocommit=True
        ) as connection:
            for statement in statements:
                connection.execute(statement)
        server.stop()
        configure(server, directory, authority)
        server.start({"listen_addresses": "127.0.0.1", "port": str(port), "ssl": "on"})
        yield {
            "tcp": f"127.0.0.1:{port}",
            "port": port,
            "socket": f"{directory}&port={port}",
            "closed": closed,
            "ca": str(folder / "ca"),
            "other_ca": str(folder / "other"),
            "silent": silent.getsockname()[1],
        }


def configure(server: PostgresServer, directory: Path, authority: CertificateAuthority) -> None:
    data = directory / "data"
    (data / "pg_hba.conf").write_text(HBA)
    pair = authority.issue()
    for name, content in (("server.crt", pair.cert), ("server.key", pair.key)):
        (data / name).write_bytes(content)
        (data / name).chmod(0o600)
        shutil.chown(data / name, directory.stat().st_uid, directory.stat().st_gid)


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch):
    monkeypatch.setattr(postgresql, "CONNECT_TIMEOUT_S", 2)
    monkeypatch.setattr(schema_migrations, "_CONNECT_TIMEOUT_S", 2)


@pytest.fixture(params=[*CAUSES.values()], ids=[*CAUSES])
def case(request, values) -> tuple[str, str]:
    url, cause = request.param
    return url.format(**values), cause


def assert_tells_no_value(line: str, url: str) -> None:
    parts = urlsplit(url)
    for value in (PASSWORD, parts.netloc, parts.username, parts.path[1:], "no-such-host", "/nowhere"):
        assert not value or value not in line.replace("NATIONALSITE_DATABASE_URL", "")


@pytest.mark.parametrize("open_it", [check_schema, migrate])
def test_at_the_start(case, open_it):
    url, cause = case
    with pytest.raises(StartupError) as caught:
        open_it(url)
    (line,) = caught.value.lines
    assert line.startswith(f"NATIONALSITE_DATABASE_URL: the store cannot be opened: {cause}")
    assert_tells_no_value(line, url)


async def test_while_it_runs(case):
    url, cause = case
    store = Store(
        PostgresqlEngine(parse_url(url), StoreLimits()), url=url, limits=StoreLimits(), clock=lambda: 0
    )
    with structlog.testing.capture_logs() as logs, pytest.raises(StoreUnavailable) as caught:
        await store.read(lambda connection: connection.execute(text("SELECT 1 FROM alembic_version")))
    await store.close()
    assert str(caught.value).startswith(f"the store cannot be used now: {cause}")
    (line,) = [line for line in logs if line["event"] == "store_unavailable"]
    assert line["cause"].startswith(cause)
    assert_tells_no_value(f"{line} {caught.value}", url)
    if cause != "it has no connection left":
        assert line["setting"] == "NATIONALSITE_DATABASE_URL"
        assert str(caught.value).endswith("(NATIONALSITE_DATABASE_URL)")


async def test_an_empty_database_names_the_command(values):
    url = f"{PG}://test@/closed?host={values['socket']}"
    with pytest.raises(StartupError, match="run the command `migrate` first") as caught:
        async with open_store(url):
            raise AssertionError
    assert caught.value.lines[0].startswith("NATIONALSITE_DATABASE_URL: ")


async def test_a_trusted_certificate(values):
    """The URL of docs/operations.md."""
    url = f"{PG}://tls@localhost:{values['port']}/postgres?sslmode=verify-full&sslrootcert={values['ca']}"
    store = Store(
        PostgresqlEngine(parse_url(url), StoreLimits()), url=url, limits=StoreLimits(), clock=lambda: 0
    )
    version = text("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    result = await store.read(lambda connection: connection.execute(version))
    await store.close()
    assert result.scalar_one() == "TLSv1.3"
