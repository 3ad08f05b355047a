"""The security of a server as its settings say: TLS, identification of callers, and the policy."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import grpc

from services.errors import StartupError
from services.server.security.peer_identity import PeerIdentityResolver
from services.server.security.policy import PolicyFile
from services.server.security.tls import TlsFiles, server_credentials
from services.server.service_definition import S, ServiceDefinition
from services.settings_loader import env_name

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSecurity:
    """The checks of each connection and each call."""

    credentials: grpc.ServerCredentials | None
    """None: plaintext."""
    peer_identities: PeerIdentityResolver
    policy: PolicyFile | None
    """None: every caller may call every method."""


def build_server_security(service: ServiceDefinition[S], settings: S) -> ServerSecurity:
    """Read the TLS files and the policy. Raises StartupError, with a line for each problem."""
    problems: list[str] = []

    def attempt(build: Callable[[ServiceDefinition[S], S], T]) -> T | None:
        try:
            return build(service, settings)
        except StartupError as error:
            problems.extend(error.lines)
            return None

    credentials, policy = attempt(_build_credentials), attempt(_read_policy)
    if problems:
        raise StartupError(problems)
    peer_identities = PeerIdentityResolver(settings.trusted_proxies, certificates=credentials is not None)
    return ServerSecurity(credentials=credentials, peer_identities=peer_identities, policy=policy)


def _build_credentials(service: ServiceDefinition[S], settings: S) -> grpc.ServerCredentials | None:
    def with_variable(field: str, path: Path) -> tuple[str, Path]:
        return env_name(service.settings, field), path

    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    authorities = settings.tls_client_ca_file
    return server_credentials(
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
