"""A replica of OrderSyncService that a test kills and restarts, with the same ports and the same store."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.ports import reserve_ports
from tools.local_stack import ROOT, RunningProcess, kill, start_service, stop

TIMEOUT_S = 20
COMMAND_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The program of a replica."""

    module: str = "services.order_sync"
    """It serves OrderSyncService, or has its commands."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables, such as those that select the code of another release."""


ORDER_SYNC = Program()


@dataclass(slots=True, kw_only=True)
class Replica:
    """A name and addresses; each start runs a new process."""

    name: str
    gateway_url: str
    database_url: str
    settings: Mapping[str, str]
    program: Program
    grpc: str
    """host:port."""
    http: str
    """host:port of metrics and probes."""
    callback: str
    """host:port."""
    running: RunningProcess | None = None
    starts: int = 0

    def start(self) -> "Replica":
        """Start a process and wait until it is ready."""
        settings = {
            "NATIONALSITE_DIALECT": "national-site",  # it has an operation for each sync
            "NATIONALSITE_DATABASE_URL": self.database_url,
            "NATIONALSITE_LISTEN": self.grpc,
            "NATIONALSITE_HTTP_LISTEN": self.http,
            "NATIONALSITE_CALLBACK_LISTEN": self.callback,
            **self.settings,
            **self.program.variables,
        }
        self.starts += 1
        log = f"durability-{self.name}-{self.starts}"
        self.running = start_service(
            "order_sync", self.gateway_url, settings, log=log, module=self.program.module
        )
        return self

    def kill(self) -> None:
        """Kill the process, as a crash would."""
        assert self.running is not None
        kill(self.running)
        self.running = None

    def stop(self) -> int:
        """Stop the process; return its exit code, 0 if none runs."""
        if self.running is None:
            return 0
        code = stop(self.running)
        self.running = None
        return code

    def terminate(self) -> None:
        """Send SIGTERM, without waiting."""
        assert self.running is not None
        self.running.process.send_signal(signal.SIGTERM)

    def wait_for_exit(self) -> int:
        """Wait for the exit after `terminate`; return the exit code."""
        assert self.running is not None
        code = self.running.process.wait(TIMEOUT_S)
        self.running = None
        return code

    def is_ready(self) -> bool:
        """Return whether /readyz responds with 200."""
        try:
            with urllib.request.urlopen(f"http://{self.http}/readyz", timeout=TIMEOUT_S) as response:
                return response.status == 200
        except urllib.error.HTTPError as error:
            with error:
                assert error.code == 503
            return False

    def metrics(self) -> str:
        """Return the text of /metrics."""
        with urllib.request.urlopen(f"http://{self.http}/metrics", timeout=TIMEOUT_S) as response:
            return response.read().decode()

    def memory_mib(self) -> float:
        """Return the resident memory of the process."""
        assert self.running is not None
        with open(f"/proc/{self.running.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def migrate_by(program: Program, database_url: str) -> None:
    """Run the command `migrate` of a program."""
    subprocess.run(  # noqa: S603 # our own modules
        [sys.executable, "-m", program.module, "migrate"],
        cwd=ROOT,
        env={**os.environ, "NATIONALSITE_DATABASE_URL": database_url, **program.variables},
        check=True,
        timeout=COMMAND_TIMEOUT_S,
    )


def new_replica(
    name: str,
    gateway_url: str,
    database_url: str,
    settings: Mapping[str, str] | None = None,
    *,
    program: Program = ORDER_SYNC,
) -> Replica:
    """Return a replica with free ports, not started."""
    grpc, http, callback = (f"127.0.0.1:{port}" for port in reserve_ports(3))
    return Replica(
        name=name,
        gateway_url=gateway_url,
        database_url=database_url,
        settings=settings or {},
        program=program,
        grpc=grpc,
        http=http,
        callback=callback,
    )
