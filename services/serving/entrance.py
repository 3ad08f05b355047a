"""How callers get in, as the settings have it: under TLS or not, known by what, by which policy."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import grpc

from services.environment import variable_of
from services.errors import CannotStart
from services.serving.identity import Identities
from services.serving.policy import PolicyFile
from services.serving.service import S, Service
from services.serving.tls import TlsFiles, server_credentials

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """What stands between a connection and a call."""

    credentials: grpc.ServerCredentials | None
    """None: plaintext."""
    identities: Identities
    policy: PolicyFile | None
    """None: everybody may call everything."""


def entrance(service: Service[S], settings: S) -> Entrance:
    """The entrance of a service. Raises CannotStart, with a line for each thing that is wrong with a file."""
    problems: list[str] = []

    def tried(make: Callable[[Service[S], S], T]) -> T | None:
        try:
            return make(service, settings)
        except CannotStart as problem:
            problems.extend(problem.lines)
            return None

    credentials, policy = tried(_credentials), tried(_policy)
    if problems:
        raise CannotStart(problems)
    identities = Identities(settings.trusted_proxies, certificates=credentials is not None)
    return Entrance(credentials=credentials, identities=identities, policy=policy)


def _credentials(service: Service[S], settings: S) -> grpc.ServerCredentials | None:
    def named(field: str, path: Path) -> tuple[str, Path]:
        return variable_of(service.settings, field), path

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


def _policy(service: Service[S], settings: S) -> PolicyFile | None:
    if settings.policy_file is None:
        return None
    return PolicyFile(variable_of(service.settings, "policy_file"), settings.policy_file, service.descriptor)
