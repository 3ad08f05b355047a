"""Replicas of a service, each on an address of its own and all on the same ports, as pods are."""

import itertools
import os
import signal
import socket
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.mesh.names import Names
from tests.support.certificates import CertificateAuthority
from tools.local_stack import RunningProcess, kill, start_service, stop

TIMEOUT_S = 20
ENDED_S = 60
NAMESPACE = "nationalsite"

# Below what the kernel gives to outgoing connections. Processes that test at the same time begin far apart.
_ports = itertools.count(20_000 + os.getpid() * 991 % 12_000)
_numbers = itertools.count(1)


def kubernetes_name(service: str) -> str:
    """Return what a service is called in deploy/."""
    return service.replace("_", "-")


@dataclass(slots=True, kw_only=True)
class Fleet:
    """Replicas of one service that come and go."""

    service: str
    gateway_url: str
    names: Names
    settings: Mapping[str, str] = field(default_factory=dict)
    members: dict[str, RunningProcess] = field(default_factory=dict)
    """RunningProcess replicas by their address."""
    port: int = field(init=False)
    http_port: int = field(init=False)
    callback_port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port, self.http_port, self.callback_port = _free_ports(3)

    @property
    def name(self) -> str:
        """What it is called in deploy/."""
        return kubernetes_name(self.service)

    def start(self, gateway_url: str = "", **settings: str) -> str:
        """Start a replica; return its address. Nobody is told of it."""
        number = next(_numbers)
        address = f"127.0.{1 + number // 250}.{1 + number % 250}"
        self.members[address] = start_service(
            self.service,
            gateway_url or self.gateway_url,
            {
                "NATIONALSITE_REPLAY_SECONDS": "0",
                "NATIONALSITE_LISTEN": f"{address}:{self.port}",
                "NATIONALSITE_HTTP_LISTEN": f"{address}:{self.http_port}",
                "NATIONALSITE_CALLBACK_LISTEN": f"{address}:{self.callback_port}",
                "NATIONALSITE_TRUSTED_PROXIES": "loopback",
                **self.settings,
                **settings,
            },
            log=f"mesh-{self.name}-{os.getpid()}-{number}",
        )
        return address

    def start_many(self, count: int) -> list[str]:
        """Start replicas side by side, and tell of them."""
        with ThreadPoolExecutor() as pool:
            addresses = list(pool.map(lambda _: self.start(), range(count)))
        self.tell()
        return addresses

    def tell(self, *but: str) -> None:
        """Let the name lead to all replicas, but for some."""
        self.names.set(
            f"{self.name}-headless.{NAMESPACE}.svc.cluster.local",
            (address for address in self.members if address not in but),
        )

    def signal(self, address: str) -> None:
        """Tell a replica to end, and do not wait for it."""
        self.members[address].process.send_signal(signal.SIGTERM)

    def ended(self, address: str) -> int:
        """Wait for the end of a replica that was told to; return its exit code."""
        return self.members.pop(address).process.wait(ENDED_S)

    def kill(self, address: str) -> None:
        """End a replica as a power cut would."""
        kill(self.members.pop(address))

    def stop_all(self) -> list[int]:
        """End every replica without its drain delay; return their exit codes."""
        for address in self.members:
            self.signal(address)
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda address: stop(self.members.pop(address)), list(self.members)))

    def calls(self, method: str) -> dict[str, int]:
        """Return how many calls of a method each replica has begun, by address."""
        return {address: _started(running, method) for address, running in self.members.items()}


def with_tls(service: str, authority: CertificateAuthority, folder: Path) -> dict[str, str]:
    """Return settings with which a service takes only callers that show a certificate."""
    folder.mkdir(exist_ok=True)
    uri = f"spiffe://cluster.local/ns/{NAMESPACE}/sa/{kubernetes_name(service)}"
    files = authority.issue(uri).write(folder)
    (folder / "ca").write_bytes(authority.cert)
    files["tls_client_ca_file"] = folder / "ca"
    return {f"NATIONALSITE_{name.upper()}": str(path) for name, path in files.items()}


def _started(running: RunningProcess, method: str) -> int:
    with urllib.request.urlopen(f"{running.http}/metrics", timeout=TIMEOUT_S) as answer:
        text = answer.read().decode()
    return sum(
        int(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "grpc_server_call_started_total"
        and sample.labels["grpc_method"].endswith(f"/{method}")
    )


def _free_ports(count: int) -> list[int]:
    found: list[int] = []
    for port in _ports:
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("0.0.0.0", port))  # noqa: S104 # free on every address
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            break
    return found
