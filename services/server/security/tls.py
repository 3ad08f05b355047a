"""The server's certificate and the authorities of client certificates. They are reloaded when they change."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc
import structlog

from services.errors import StartupError
from services.server.security.file_watcher import RELOAD_FAILURES, FileWatcher


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """PEM files, each with its environment variable."""

    cert: tuple[str, Path]
    key: tuple[str, Path]
    client_ca: tuple[str, Path] | None

    @property
    def all(self) -> tuple[tuple[str, Path], ...]:
        """The files that are set."""
        return tuple(filter(None, (self.cert, self.key, self.client_ca)))


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Return credentials that reload changed files at the next handshake. An invalid change is logged.

    Raises StartupError, with a line for each problem.
    """
    watcher = FileWatcher([path for _, path in files.all], interval_s=0)
    # Exported from the start, so that the first failure is an increase.
    failures = RELOAD_FAILURES.labels(files.cert[0])

    def reload() -> grpc.ServerCertificateConfiguration | None:
        """gRPC calls this at each handshake, in its own thread."""
        if not watcher.has_changed():
            return None
        log = structlog.get_logger()
        try:
            configuration = _read_configuration(files)
        except StartupError as error:
            failures.inc()
            log.error("certificate_rejected", problems=error.lines)
            return None
        log.info("certificate_loaded")
        return configuration

    return grpc.dynamic_ssl_server_credentials(
        _read_configuration(files),
        reload,  # type: ignore[arg-type] # the stubs do not know that None means no change
        require_client_authentication=files.client_ca is not None,
    )


def _read_configuration(files: TlsFiles) -> grpc.ServerCertificateConfiguration:
    contents: dict[str, bytes] = {}
    problems: list[str] = []
    for variable, path in files.all:
        try:
            contents[variable] = path.read_bytes()
        except OSError as error:
            problems.append(f"{variable}: cannot read {path}: {error.strerror}")
    if problems := problems or _find_invalid(files):
        raise StartupError(problems)
    authorities = contents[files.client_ca[0]] if files.client_ca else None
    return grpc.ssl_server_certificate_configuration(
        [(contents[files.key[0]], contents[files.cert[0]])], root_certificates=authorities
    )


def _find_invalid(files: TlsFiles) -> list[str]:
    """Return a problem for each invalid file. gRPC itself would only say that it cannot listen."""
    problems = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (cert_variable, cert), (_, key) = files.cert, files.key
    try:
        context.load_cert_chain(cert, key, password=_reject_encrypted_key)
    except (OSError, ValueError):
        problems.append(f"{cert_variable}: {cert} and {key} are no PEM certificate and its unencrypted key")
    if files.client_ca:
        variable, path = files.client_ca
        try:
            context.load_verify_locations(path)
        except (OSError, ValueError):
            problems.append(f"{variable}: {path} holds no PEM certificate")
    return problems


def _reject_encrypted_key() -> str:
    """OpenSSL would otherwise ask for a password at the terminal."""
    raise ValueError("the key is encrypted")
