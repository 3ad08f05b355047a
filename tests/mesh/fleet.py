"""Replicas of a service: like pods, they have different addresses and the same ports."""

import itertools
import os
import signal
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.mesh.fake_dns import FakeDnsServer
from tests.support.certificates import CertificateAuthority
from tests.support.ports import reserve_ports
from tools.local_stack import RunningProcess, kill, start_service, stop

TIMEOUT_S = 20
EXIT_TIMEOUT_S = 60
NAMESPACE = "nationalsite"

_numbers = itertools.count(1)


def kubernetes_name(service: str) -> str:
    """Return the name of a service in deploy/."""
    return service.replace("_", "-")


@dataclass(slots=True, kw_only=True)
class Fleet:
    """Replicas of one service, which can be added and removed."""

    service: str
    gateway_url: str
    dns: FakeDnsServer
    settings: Mapping[str, str] = field(default_factory=dict)
    members: dict[str, RunningProcess] = field(default_factory=dict)
    """The running replicas by address."""
    port: int = field(init=False)
    http_port: int = field(init=False)
    callback_port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port, self.http_port, self.callback_port = reserve_ports(
            3,
            "0.0.0.0",  # noqa: S104 # free on every address
        )

    @property
    def name(self) -> str:
        """The name of the service in deploy/."""
        return kubernetes_name(self.service)

    def start(self, gateway_url: str = "", **settings: str) -> str:
        """Start a replica without publishing its address; return the address."""
        number = next(_numbers)
        address = f"127.0.{1 + number // 250}.{1 + number % 250}"
        self.members[address] = start_service(
            self.service,
            gateway_url or self.gateway_url,
            {
                "NATIONALSITE_DIALECT": "national-site",  # it has an operation for each sync
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
        """Start replicas at the same time, and publish their addresses."""
        with ThreadPoolExecutor() as pool:
            addresses = list(pool.map(lambda _: self.start(), range(count)))
        self.publish()
        return addresses

    def publish(self, *excluded: str) -> None:
        """Publish the addresses of all replicas in DNS, except the excluded ones."""
        self.dns.set(
            f"{self.name}-headless.{NAMESPACE}.svc.cluster.local",
            (address for address in self.members if address not in excluded),
        )

    def signal(self, address: str) -> None:
        """Send SIGTERM to a replica, without waiting."""
        self.members[address].process.send_signal(signal.SIGTERM)

    def wait_for_exit(self, address: str) -> int:
        """Wait for the exit of a replica after `signal`; return its exit code."""
        return self.members.pop(address).process.wait(EXIT_TIMEOUT_S)

    def kill(self, address: str) -> None:
        """Kill a replica with SIGKILL."""
        kill(self.members.pop(address))

    def stop_all(self) -> list[int]:
        """Stop every replica; return the exit codes. A second signal skips the drain delay."""
        for address in self.members:
            self.signal(address)
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda address: stop(self.members.pop(address)), list(self.members)))

    def calls(self, method: str) -> dict[str, int]:
        """Return the number of calls of a method that each replica has started, by address."""
        return {address: _started_calls(running, method) for address, running in self.members.items()}


def tls_settings(service: str, authority: CertificateAuthority, folder: Path) -> dict[str, str]:
    """Return settings for mTLS: the service accepts only callers with a certificate."""
    folder.mkdir(exist_ok=True)
    uri = f"spiffe://cluster.local/ns/{NAMESPACE}/sa/{kubernetes_name(service)}"
    files = authority.issue(uri).write(folder)
    (folder / "ca").write_bytes(authority.cert)
    files["tls_client_ca_file"] = folder / "ca"
    return {f"NATIONALSITE_{name.upper()}": str(path) for name, path in files.items()}


def _started_calls(running: RunningProcess, method: str) -> int:
    with urllib.request.urlopen(f"{running.http}/metrics", timeout=TIMEOUT_S) as response:
        text = response.read().decode()
    return sum(
        int(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "grpc_server_call_started_total"
        and sample.labels["grpc_method"].endswith(f"/{method}")
    )
