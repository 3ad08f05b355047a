"""How callers get in, as the settings have it: under TLS or not, known by what, by which policy."""

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
    """What stands between a connection and a call."""

    credentials: grpc.ServerCredentials | None
    """None: plaintext."""
    identities: PeerIdentityResolver
    policy: PolicyFile | None
    """None: everybody may call everything."""


def build_server_security(service: ServiceDefinition[S], settings: S) -> ServerSecurity:
    """Read the TLS files and the policy. Raises StartupError, with a line for each problem."""
    problems: list[str] = []

    def tried(make: Callable[[ServiceDefinition[S], S], T]) -> T | None:
        try:
            return make(service, settings)
        except StartupError as problem:
            problems.extend(problem.lines)
            return None

    credentials, policy = tried(_credentials), tried(_policy)
    if problems:
        raise StartupError(problems)
    identities = PeerIdentityResolver(settings.trusted_proxies, certificates=credentials is not None)
    return ServerSecurity(credentials=credentials, identities=identities, policy=policy)


def _credentials(service: ServiceDefinition[S], settings: S) -> grpc.ServerCredentials | None:
    def named(field: str, path: Path) -> tuple[str, Path]:
        return env_name(service.settings, field), path

    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    authorities = settings.tls_client_ca_file
    return server_credentials(
        TlsFiles(
            cert=named("tls_cert_file", settings.tls_cert_file),
            key=named("tls_key_file", settings.tls_key_file),
            client_ca=named("tls_client_ca_file", authorities) if authorities else None,
        )
    )


def _policy(service: ServiceDefinition[S], settings: S) -> PolicyFile | None:
    if settings.policy_file is None:
        return None
    return PolicyFile(env_name(service.settings, "policy_file"), settings.policy_file, service.descriptor)
