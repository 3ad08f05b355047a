"""The environment of a test: Envoy, replicas, a sandbox, and one certificate authority."""

import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import grpc.aio

from tests.mesh.envoy import Change, Envoy, running_envoy
from tests.mesh.fake_dns import FakeDnsServer
from tests.mesh.fleet import Fleet, tls_settings
from tests.support.certificates import CertificateAuthority, KeyPair
from tests.support.sandbox_client import SandboxClient
from tools.local_stack import RunningProcess, start_sandbox, stop

REPLICAS = 3
CALLERS = {
    "product": "spiffe://cluster.local/ns/shop/sa/web",
    "order-sync": "spiffe://cluster.local/ns/shop/sa/orders",
    "account": "spiffe://cluster.local/ns/shop/sa/signup",
}
"""Service -> the caller that deploy/ allows."""


@dataclass(slots=True, kw_only=True)
class Mesh:
    """Starts the processes of a test, and stops them at its end."""

    folder: Path
    authority: CertificateAuthority
    dns: FakeDnsServer
    create_database: Callable[[], str]
    """Creates a database for the test; returns its URL."""
    stack: ExitStack
    fleets: list[Fleet] = field(default_factory=list)
    envoy: Envoy = field(init=False)

    def start_sandbox(self) -> SandboxClient:
        """Start a sandbox."""
        sandbox = start_sandbox(log=f"{self.folder.name}-sandbox")
        self.stack.callback(_stop_process, sandbox)
        return SandboxClient(sandbox.address)

    def start_fleet(
        self,
        service: str,
        sandbox: SandboxClient,
        replicas: int = REPLICAS,
        *,
        tls: bool = True,
        **settings: str,
    ) -> Fleet:
        """Start replicas of a service."""
        fleet = Fleet(service=service, gateway_url=sandbox.url, dns=self.dns)
        base_settings = tls_settings(service, self.authority, self.folder / service) if tls else {}
        if service != "product":
            base_settings["NATIONALSITE_DATABASE_URL"] = self.create_database()
        fleet.settings = {**base_settings, **settings}
        self.stack.callback(_stop_fleet, fleet)
        self.fleets.append(fleet)
        fleet.start_many(replicas)
        return fleet

    def start_envoy(self, *changes: Change) -> Envoy:
        """Start Envoy in front of the fleets, with changes to its configuration."""
        self.envoy = self.stack.enter_context(
            running_envoy(self.folder, self.dns.port, self.fleets, *changes)
        )
        return self.envoy

    def channel(self, identity: str, pair: KeyPair | None = None) -> grpc.Channel:
        """Return a channel to Envoy, for an identity or with a certificate."""
        credentials = self._credentials(identity, pair)
        return self.stack.enter_context(grpc.secure_channel(self.envoy.address("grpc"), credentials))

    def aio_channel(self, identity: str) -> grpc.aio.Channel:
        """Return an asyncio channel, which the test closes."""
        return grpc.aio.secure_channel(self.envoy.address("grpc"), self._credentials(identity))

    def _credentials(self, identity: str, pair: KeyPair | None = None) -> grpc.ChannelCredentials:
        return self.authority.channel_credentials(pair or self.authority.issue(identity))


def _stop_fleet(fleet: Fleet) -> None:
    exit_codes = fleet.stop_all()
    # The second signal of `stop_all` can come when Python has already removed its handlers.
    assert set(exit_codes) <= {0, -signal.SIGTERM}, exit_codes


def _stop_process(process: RunningProcess) -> None:
    assert stop(process) == 0
