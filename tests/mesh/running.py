"""Envoy, replicas and a sandbox of one test, under one authority for certificates."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import grpc.aio

from tests.mesh.envoy import Change, Envoy, running_envoy
from tests.mesh.fleet import Fleet, with_tls
from tests.mesh.names import Names
from tests.support.certificates import CertificateAuthority, KeyPair
from tests.support.sandbox_client import SandboxClient
from tools.local_stack import start_sandbox, stop

REPLICAS = 3
CALLERS = {
    "product": "spiffe://cluster.local/ns/shop/sa/web",
    "order-sync": "spiffe://cluster.local/ns/shop/sa/orders",
    "account": "spiffe://cluster.local/ns/shop/sa/signup",
}
"""Whom deploy/ lets call which service."""


@dataclass(slots=True, kw_only=True)
class Mesh:
    """What a test starts it starts here, and it is stopped at the test's end."""

    folder: Path
    authority: CertificateAuthority
    names: Names
    database: Callable[[], str]
    """Makes a database of the test's own; returns its URL."""
    stack: ExitStack
    fleets: list[Fleet] = field(default_factory=list)
    envoy: Envoy = field(init=False)

    def sandbox(self) -> SandboxClient:
        """Start a sandbox."""
        started = start_sandbox(log=f"{self.folder.name}-sandbox")
        self.stack.callback(_stopped, started)
        return SandboxClient(started.address)

    def fleet(
        self,
        service: str,
        sandbox: SandboxClient,
        replicas: int = REPLICAS,
        *,
        tls: bool = True,
        **settings: str,
    ) -> Fleet:
        """Start replicas of a service."""
        fleet = Fleet(service=service, gateway_url=sandbox.url, names=self.names)
        own = with_tls(service, self.authority, self.folder / service) if tls else {}
        if service != "product":
            own["NATIONALSITE_DATABASE_URL"] = self.database()
        fleet.settings = {**own, **settings}
        self.stack.callback(_all_stopped, fleet)
        self.fleets.append(fleet)
        fleet.start_many(replicas)
        return fleet

    def start_envoy(self, *changes: Change) -> Envoy:
        """Start Envoy before the fleets; what is changed in its configuration is the test's to say."""
        self.envoy = self.stack.enter_context(
            running_envoy(self.folder, self.names.port, self.fleets, *changes)
        )
        return self.envoy

    def channel(self, identity: str, pair: KeyPair | None = None) -> grpc.Channel:
        """Return a caller's way to Envoy, by its identity or with a certificate."""
        credentials = self._credentials(identity, pair)
        return self.stack.enter_context(grpc.secure_channel(self.envoy.address("grpc"), credentials))

    def channel_of_tasks(self, identity: str) -> grpc.aio.Channel:
        """Return the same for coroutines, which close it."""
        return grpc.aio.secure_channel(self.envoy.address("grpc"), self._credentials(identity))

    def _credentials(self, identity: str, pair: KeyPair | None = None) -> grpc.ChannelCredentials:
        return self.authority.channel_credentials(pair or self.authority.issue(identity))


def _all_stopped(fleet: Fleet) -> None:
    codes = fleet.stop_all()
    assert codes == [0] * len(codes)


def _stopped(started) -> None:
    assert stop(started) == 0
