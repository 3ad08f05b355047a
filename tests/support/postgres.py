"""A PostgreSQL server for one test session or benchmark, from the Debian package postgresql.

It runs as an unprivileged user in a temporary directory, listens on a Unix socket there, syncs to disk, and
is stopped by its process id.
"""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.sql import SQL, Identifier

from services.store import migrate
from tests.support.polling import wait_until

INSTALLATIONS = Path("/usr/lib/postgresql")
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 30


class PostgresNotInstalled(Exception):
    """PostgreSQL's server binaries are missing, or an unprivileged user to run them."""


class PostgresServer:
    """A server that can be stopped, killed and started again on the same data."""

    def __init__(self, bin_dir: Path, directory: Path, run_as: Sequence[str]) -> None:
        self._bin_dir = bin_dir
        self._directory = directory
        self._data = directory / "data"
        self._run_as = run_as
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database for NATIONALSITE_DATABASE_URL."""
        return f"postgresql+psycopg://test@/{database}?host={self._directory}"

    @property
    def pid(self) -> int:
        """The process of the running server. Its children serve the connections."""
        assert self._process is not None
        return self._process.pid

    @property
    def socket(self) -> Path:
        """The Unix socket on which the server listens."""
        return self._directory / ".s.PGSQL.5432"

    def create_database(self, name: str, options: LiteralString = "") -> None:
        """Create an empty database."""
        with self.connect() as connection:
            connection.execute(SQL("CREATE DATABASE {} " + options).format(Identifier(name)))

    def drop_database(self, name: str) -> None:
        """Drop a database, and end the connections to it."""
        with self.connect() as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))

    def execute(self, statement: LiteralString) -> None:
        """Execute a statement outside of a transaction."""
        with self.connect() as connection:
            connection.execute(statement)

    def fetch(self, query: LiteralString) -> list[tuple[Any, ...]]:
        """Return the rows of a query in the database postgres."""
        with self.connect() as connection:
            return connection.execute(query).fetchall()

    def connect(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """Connect to the database postgres, outside of a transaction."""
        return psycopg.connect(host=str(self._directory), user="test", dbname="postgres", autocommit=True)

    def read_data_files(self) -> Iterator[tuple[Path, bytes]]:
        """Yield the files of the databases with their content. The transaction log is left out."""
        for path in (self._data / "base").rglob("*"):
            if path.is_file():
                yield path, path.read_bytes()

    def create(self, primary: "PostgresServer | None" = None) -> None:
        """Create the data directory: a new one, or that of a standby which follows a primary."""
        if primary is not None:
            source = f"--dbname=user=test host={primary._directory}"
            self._run("pg_basebackup", "--write-recovery-conf", "--checkpoint=fast", "--no-sync", source)
            return
        # initdb need not sync: the directory holds no data yet. The server itself syncs.
        arguments = ["--no-sync", "--auth=trust", "--username=test", "--encoding=UTF8", "--locale=C"]
        self._run("initdb", *arguments)

    def _run(self, program: str, *arguments: str | Path) -> None:
        subprocess.run(  # noqa: S603 # PostgreSQL's own binary
            [*self._run_as, self._bin_dir / program, *arguments, "-D", self._data],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self._directory,
        )

    def start(self, more_settings: Mapping[str, str] | None = None) -> None:
        """Start the server and wait until it accepts connections."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._directory),
            "max_connections": "200",
            **(more_settings or {}),
        }
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 # PostgreSQL's own binary
                [*self._run_as, self._bin_dir / "postgres", "-D", self._data, *options],
                stdout=log,
                stderr=log,
                cwd=self._directory,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"PostgreSQL did not start:\n{(self._directory / 'log').read_text()}")
            time.sleep(0.05)

    def stop(self, signal_number: int = signal.SIGINT) -> None:
        """Stop the server: SIGINT is a fast shutdown, SIGQUIT an immediate one, like a crash."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal_number)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(STOP_TIMEOUT_S)
        self._process = None

    def _is_ready(self) -> bool:
        """Return whether the server accepts connections: the eighth line of its pid file is its state."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"


def find_binaries() -> Path:
    """Return the directory of the newest server's binaries. Raises PostgresNotInstalled."""
    bin_dirs = [
        path.parent for path in INSTALLATIONS.glob("*/bin/postgres") if (path.parent / "initdb").exists()
    ]
    if not bin_dirs:
        raise PostgresNotInstalled(
            f"no PostgreSQL server under {INSTALLATIONS}: install the Debian package postgresql"
        )
    return max(bin_dirs, key=lambda path: float(path.parent.name))


@contextmanager
def postgres_server(primary: PostgresServer | None = None) -> Iterator[PostgresServer]:
    """Yield a running server; stop it and remove its data at the end. Raises PostgresNotInstalled.

    With a primary, it is a standby of it, which can be read.
    """
    bin_dir, user = find_binaries(), find_unprivileged_user()
    # setpriv, not a preexec_fn: that would fork this process, and a fork disturbs gRPC.
    run_as = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] if user else []
    directory = Path(tempfile.mkdtemp(prefix="pg-"))  # short: the path of a Unix socket has at most 107 bytes
    server = PostgresServer(bin_dir, directory, run_as)
    try:
        if user:
            os.chown(directory, user.pw_uid, user.pw_gid)
        server.create(primary)
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)  # the data is deleted anyway
        shutil.rmtree(directory)


def find_unprivileged_user() -> pwd.struct_passwd | None:
    """Return the user to run the server as, None for the current one: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresNotInstalled("PostgreSQL needs a user `postgres` or `nobody` to run as")


_database_numbers = itertools.count()


def create_database(server: PostgresServer) -> str:
    """Create a database with the store's schema; return its URL."""
    name = f"test{next(_database_numbers)}"
    server.create_database(name)
    migrate(server.url(name))
    return server.url(name)


def demote(server: PostgresServer) -> None:
    """Make all transactions read-only, also those of open connections. Return when this is the case."""
    server.execute("ALTER SYSTEM SET default_transaction_read_only = on")
    _reload(server, "on")


def promote(server: PostgresServer) -> None:
    """Undo `demote`."""
    with server.connect() as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
    _reload(server, "off")


def _reload(server: PostgresServer, expected: str) -> None:
    server.execute("SELECT pg_reload_conf()")
    wait_until(lambda: server.fetch("SHOW default_transaction_read_only") == [(expected,)])
