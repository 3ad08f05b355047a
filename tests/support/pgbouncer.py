"""A PgBouncer before a PostgreSQL server of the tests, from the Debian package pgbouncer."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.polling import wait_until
from tests.support.postgres import PostgresServer, find_unprivileged_user

STOP_TIMEOUT_S = 10
CONFIG = """
[databases]
* = host={server} user=test
[pgbouncer]
pool_mode = {mode}
default_pool_size = {pool_size}
max_client_conn = 200
auth_type = any
listen_addr =
listen_port = 5432
unix_socket_dir = {directory}
"""


@contextmanager
def pgbouncer(server: PostgresServer, mode: str, *, pool_size: int) -> Iterator[Path]:
    """Yield the directory of its Unix socket. `pool_size` is the number of its connections to a database."""
    directory = Path(tempfile.mkdtemp(prefix="pgb-"))
    config, log = directory / "pgbouncer.ini", directory / "log"
    config.write_text(
        CONFIG.format(server=server.socket.parent, mode=mode, pool_size=pool_size, directory=directory)
    )
    command = ["pgbouncer", config]
    if user := find_unprivileged_user():  # it refuses to run as root
        os.chown(directory, user.pw_uid, user.pw_gid)
        command = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *command]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)  # noqa: S603 # our own arguments
    try:
        wait_until(lambda: (directory / ".s.PGSQL.5432").exists() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield directory
    finally:
        process.terminate()
        process.wait(STOP_TIMEOUT_S)
        shutil.rmtree(directory)
