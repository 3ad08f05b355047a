"""The security of a server by its settings: TLS, the identities of callers, and the policy."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import grpc
import structlog

from services.background_tasks import background_tasks
from services.caller import Caller
from services.errors import CallerForbidden, CallerUnknown, StartupError
from services.server.security.access import Access, read_access
from services.server.security.peer_identity import Peer, PeerIdentityResolver
from services.server.security.policy import PolicyFile
from services.server.security.running_streams import RunningStreams
from services.server.service_definition import S, ServiceDefinition
from services.settings_loader import env_name

if TYPE_CHECKING:
    from services.server.security.peer_certificate import PeerCertificate
    from services.server.security.tls import ServerTls

T = TypeVar("T")

CHECK_INTERVAL_S = 1.0
"""How often the files are checked for changes that end streams."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSecurity:
    """The checks of each connection and each call."""

    tls: "ServerTls | None"
    """None: without TLS."""
    peer_identities: PeerIdentityResolver
    policy: PolicyFile | None
    """None: a caller may call every method."""
    access: Access
    streams: RunningStreams = field(default_factory=RunningStreams)

    @property
    def credentials(self) -> grpc.ServerCredentials | None:
        """The credentials to listen with; None: without TLS."""
        return self.tls.credentials if self.tls else None

    def authorize(self, peer: Peer, method: str) -> Caller:
        """Return the caller. Raises CallerUnknown or CallerForbidden if it may not call the method."""
        if peer.certificate:
            self._check_certificate(peer.certificate)
        if not peer.identity and self.access.callers != "anyone":
            raise CallerUnknown("the caller is not known: no client certificate, and none forwarded")
        if self.policy is None:
            return Caller(peer.identity)
        policy = self.policy.current()
        if not policy.allows(peer.identity, method):
            raise CallerForbidden("the caller may not call this method")
        return Caller(peer.identity, is_operator=policy.is_operator(peer.identity, method))

    def _check_certificate(self, certificate: "PeerCertificate") -> None:
        """Raise CallerUnknown if the certificate is no longer accepted, which a connection can outlive."""
        if certificate.remaining_s() <= 0:
            raise CallerUnknown("the client certificate has expired")
        if self.tls and self.tls.authorities and not self.tls.authorities.accept(certificate):
            raise CallerUnknown("the authority of the client certificate is no longer accepted")

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """While the context is open, end the streams that changed files no longer allow."""
        async with background_tasks(self._watch()):
            yield

    async def _watch(self) -> None:
        in_force: tuple[object, object] | None = None
        while True:
            try:
                previous, in_force = in_force, self._reload()
                if in_force != previous:
                    self.streams.end_unauthorized()
            except Exception:  # a bug must not end the watching
                structlog.get_logger().exception("watching_failed")
            await asyncio.sleep(CHECK_INTERVAL_S)

    def _reload(self) -> tuple[object, object]:
        """Read changed files. Return what is in force, which is another object after a change."""
        if self.tls:
            self.tls.reload()
        return self.tls and self.tls.authorities, self.policy and self.policy.current()


def build_server_security(service: ServiceDefinition[S], settings: S) -> ServerSecurity:
    """Read the TLS files and the policy. Raises StartupError, with a line for each problem."""
    problems: list[str] = []

    def attempt(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except StartupError as error:
            problems.extend(error.lines)
            return None

    tls = attempt(lambda: _build_tls(service, settings))
    policy = attempt(lambda: _read_policy(service, settings))
    access = attempt(lambda: read_access(settings))
    if problems or access is None:
        raise StartupError(problems)
    peer_identities = PeerIdentityResolver(settings.trusted_proxies, tls.read_certificate if tls else None)
    return ServerSecurity(tls=tls, peer_identities=peer_identities, policy=policy, access=access)


def _build_tls(service: ServiceDefinition[S], settings: S) -> "ServerTls | None":
    def with_variable(field: str, path: Path) -> tuple[str, Path]:
        return env_name(service.settings, field), path

    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    from services.server.security.tls import ServerTls, TlsFiles  # noqa: PLC0415 # cryptography: 8 MiB

    authorities = settings.tls_client_ca_file
    return ServerTls(
        TlsFiles(
            cert=with_variable("tls_cert_file", settings.tls_cert_file),
            key=with_variable("tls_key_file", settings.tls_key_file),
            client_ca=with_variable("tls_client_ca_file", authorities) if authorities else None,
        )
    )


def _read_policy(service: ServiceDefinition[S], settings: S) -> PolicyFile | None:
    if settings.policy_file is None:
        return None
    return PolicyFile(env_name(service.settings, "policy_file"), settings.policy_file, service.descriptor)
