"""A replica of OrderSyncService that dies and comes back: always at the same addresses, on the same store."""

import itertools
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from tools.local_stack import RunningProcess, kill, start_service, stop

FAST_TIMEOUTS = "tests.durability.fast_timeouts"
TIMEOUT_S = 20

# Below what the kernel gives to outgoing connections: nobody takes a port while its owner is dead. Processes
# that test at the same time begin far from each other.
_ports = itertools.count(20_000 + os.getpid() * 997 % 12_000)


@dataclass(slots=True, kw_only=True)
class Replica:
    """One process after the other under one name."""

    name: str
    gateway_url: str
    database_url: str
    settings: Mapping[str, str]
    module: str
    grpc: str
    """host:port."""
    http: str
    callback: str
    """host:port of the callback's listener."""
    running: RunningProcess | None = None
    starts: int = 0

    def start(self) -> "Replica":
        """Start; it is ready when this returns."""
        settings = {
            "NATIONALSITE_DATABASE_URL": self.database_url,
            "NATIONALSITE_LISTEN": self.grpc,
            "NATIONALSITE_HTTP_LISTEN": self.http,
            "NATIONALSITE_CALLBACK_LISTEN": self.callback,
            **self.settings,
        }
        self.starts += 1
        log = f"durability-{self.name}-{self.starts}"
        self.running = start_service("order_sync", self.gateway_url, settings, log=log, module=self.module)
        return self

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.running is not None
        kill(self.running)
        self.running = None

    def stop(self) -> int:
        """Ask it to end; return its exit code."""
        if self.running is None:
            return 0
        code = stop(self.running)
        self.running = None
        return code

    def ready(self) -> bool:
        """Return what /readyz says."""
        try:
            with urllib.request.urlopen(f"http://{self.http}/readyz", timeout=TIMEOUT_S) as answer:
                return answer.status == 200
        except urllib.error.HTTPError as error:
            with error:
                assert error.code == 503
            return False

    def metrics(self) -> str:
        """Return the text of /metrics."""
        with urllib.request.urlopen(f"http://{self.http}/metrics", timeout=TIMEOUT_S) as answer:
            return answer.read().decode()

    def memory_mib(self) -> float:
        """Return the resident memory."""
        assert self.running is not None
        with open(f"/proc/{self.running.process.pid}/statm") as told:
            return int(told.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def replica(
    name: str,
    gateway_url: str,
    database_url: str,
    settings: Mapping[str, str] | None = None,
    *,
    module: str = FAST_TIMEOUTS,
) -> Replica:
    """Return one that is to be started."""
    grpc, http, callback = (f"127.0.0.1:{_free_port()}" for _ in range(3))
    return Replica(
        name=name,
        gateway_url=gateway_url,
        database_url=database_url,
        settings=settings or {},
        module=module,
        grpc=grpc,
        http=http,
        callback=callback,
    )


def _free_port() -> int:
    for port in _ports:
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("no end to the numbers")
