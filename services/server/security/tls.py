"""The server's certificate, and its callers' authorities: checked at start, read again when they change."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc
import structlog

from services.errors import StartupError
from services.server.security.file_watcher import RELOAD_FAILURES, FileWatcher


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """PEM files, each with the variable that names it."""

    cert: tuple[str, Path]
    key: tuple[str, Path]
    client_ca: tuple[str, Path] | None

    @property
    def given(self) -> tuple[tuple[str, Path], ...]:
        """Those there are."""
        return tuple(filter(None, (self.cert, self.key, self.client_ca)))


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Credentials that take changed files over at the next handshake; bad ones are logged, and not taken.

    Raises StartupError, with a line for each file that is wrong.
    """
    watch = FileWatcher([path for _, path in files.given], every_s=0)
    failures = RELOAD_FAILURES.labels(files.cert[0])  # from now on, so that the first one is a step

    def changed() -> grpc.ServerCertificateConfiguration | None:
        """Called by gRPC at each handshake, in a thread of its own."""
        if not watch.changed():
            return None
        log = structlog.get_logger()
        try:
            configuration = _read(files)
        except StartupError as problem:
            failures.inc()
            log.error("certificate_refused", problems=problem.lines)
            return None
        log.info("certificate_loaded")
        return configuration

    return grpc.dynamic_ssl_server_credentials(
        _read(files),
        changed,  # type: ignore[arg-type] # the stubs do not know that None stands for no change
        require_client_authentication=files.client_ca is not None,
    )


def _read(files: TlsFiles) -> grpc.ServerCertificateConfiguration:
    contents: dict[str, bytes] = {}
    problems: list[str] = []
    for variable, path in files.given:
        try:
            contents[variable] = path.read_bytes()
        except OSError as error:
            problems.append(f"{variable}: cannot read {path}: {error.strerror}")
    if problems := problems or _nonsense(files):
        raise StartupError(problems)
    authorities = contents[files.client_ca[0]] if files.client_ca else None
    return grpc.ssl_server_certificate_configuration(
        [(contents[files.key[0]], contents[files.cert[0]])], root_certificates=authorities
    )


def _nonsense(files: TlsFiles) -> list[str]:
    """What is wrong with the contents. gRPC itself would only say that it cannot listen."""
    problems = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (cert_variable, cert), (_, key) = files.cert, files.key
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except (OSError, ValueError):
        problems.append(f"{cert_variable}: {cert} and {key} are no PEM certificate and its unencrypted key")
    if files.client_ca:
        variable, path = files.client_ca
        try:
            context.load_verify_locations(path)
        except (OSError, ValueError):
            problems.append(f"{variable}: {path} holds no PEM certificate")
    return problems


def _no_password() -> str:
    """Instead of a question at the terminal."""
    raise ValueError("the key is encrypted")
