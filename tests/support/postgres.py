"""A PostgreSQL server of one's own, from Debian's installation, for tests and measurements.

It runs as an unprivileged user in a temporary directory, is reached through a socket in there, syncs to disk
as a real one does, and is stopped by its process id.
"""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from services.delivery import migrate

INSTALLATIONS = Path("/usr/lib/postgresql")
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 30


class PostgresNotInstalled(Exception):
    """PostgreSQL's server binaries, or a user to run them, are missing."""


class PostgresServer:
    """A server that can be stopped, killed and started again on the same data."""

    def __init__(self, binaries: Path, directory: Path, become: Sequence[str]) -> None:
        self._binaries = binaries
        self._directory = directory
        self._data = directory / "data"
        self._become = become
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database, as the store takes it."""
        return f"postgresql+psycopg://test@/{database}?host={self._directory}"

    def create(self) -> None:
        """Make the data directory."""
        # Nothing is in it yet that a power cut could harm; the server itself syncs.
        arguments = ["--no-sync", "--auth=trust", "--username=test", "--encoding=UTF8", "--locale=C"]
        subprocess.run(  # noqa: S603 # Debian's own binary
            [*self._become, self._binaries / "initdb", *arguments, "-D", self._data],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self._directory,
        )

    def start(self) -> None:
        """Start the server; it takes connections when this returns."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._directory),
            "max_connections": "200",
        }
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 # Debian's own binary
                [*self._become, self._binaries / "postgres", "-D", self._data, *options],
                stdout=log,
                stderr=log,
                cwd=self._directory,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"PostgreSQL did not start:\n{(self._directory / 'log').read_text()}")
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGINT) -> None:
        """Stop the server: SIGINT ends connections and shuts down, SIGQUIT is as good as a crash."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(STOP_TIMEOUT_S)
        self._process = None

    def _ready(self) -> bool:
        """Return whether the server says so: the eighth line of its pid file is its state."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"


def find_binaries() -> Path:
    """Return the directory of the newest server's binaries. Raises PostgresNotInstalled."""
    found = [
        path.parent for path in INSTALLATIONS.glob("*/bin/postgres") if (path.parent / "initdb").exists()
    ]
    if not found:
        raise PostgresNotInstalled(
            f"no PostgreSQL server under {INSTALLATIONS}: install Debian's package `postgresql` to run this"
        )
    return max(found, key=lambda path: float(path.parent.name))


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Yield a running server; stop it and remove its data at the end. Raises PostgresNotInstalled."""
    found, user = find_binaries(), _unprivileged()
    # By a program: Python would fork for it, and a fork disturbs gRPC in this process.
    become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] if user else []
    directory = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path has at most 107 bytes
    server = PostgresServer(found, directory, become)
    try:
        if user:
            os.chown(directory, user.pw_uid, user.pw_gid)
        server.create()
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)  # there is nothing to be written down for later
        shutil.rmtree(directory)


def _unprivileged() -> pwd.struct_passwd | None:
    """Return whom to become: the server refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresNotInstalled("neither a user `postgres` nor `nobody` to run PostgreSQL as")


_database_numbers = itertools.count()


def create_database(server: PostgresServer) -> str:
    """Create a database with the store's schema; return its URL."""
    name = f"test{next(_database_numbers)}"
    host = server.url().partition("host=")[2]
    with psycopg.connect(host=host, user="test", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    migrate(server.url(name))
    return server.url(name)
