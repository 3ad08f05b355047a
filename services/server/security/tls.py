"""The server's certificate, and the authorities of client certificates, reloaded when they change."""

import ssl
import threading
from dataclasses import dataclass
from pathlib import Path

import grpc
import structlog

from services.errors import StartupError
from services.server.security.file_watcher import RELOAD_FAILURES, FileWatcher
from services.server.security.peer_certificate import ClientAuthorities


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """PEM files, each with the environment variable that names it."""

    cert: tuple[str, Path]
    key: tuple[str, Path]
    client_ca: tuple[str, Path] | None

    @property
    def all(self) -> tuple[tuple[str, Path], ...]:
        """The files that are set."""
        return tuple(filter(None, (self.cert, self.key, self.client_ca)))


class ServerTls:
    """The files of a server, reloaded when they change. An invalid change is logged, and not used."""

    def __init__(self, files: TlsFiles) -> None:
        """Raises StartupError, with a line for each problem."""
        self._files = files
        self._lock = threading.Lock()
        self._watcher = FileWatcher([path for _, path in files.all], interval_s=0)
        # Exported from the start with 0, so that alerts see the first failure as an increase.
        self._failures = RELOAD_FAILURES.labels(files.cert[0])
        self._configuration, self._authorities = _read_configuration(files)
        self._passed_to_grpc = self._configuration
        self.credentials = grpc.dynamic_ssl_server_credentials(
            self._configuration,
            self._changed_configuration,  # type: ignore[arg-type] # the stubs do not know that None means no change
            require_client_authentication=files.client_ca is not None,
        )
        """What gRPC listens with."""

    @property
    def authorities(self) -> ClientAuthorities | None:
        """The authorities of client certificates in force; None if callers need no certificate."""
        return self._authorities

    def reload(self) -> None:
        """Read the files if they have changed."""
        with self._lock:
            if not self._watcher.has_changed():
                return
            log = structlog.get_logger()
            try:
                self._configuration, self._authorities = _read_configuration(self._files)
            except StartupError as error:
                self._failures.inc()
                log.error("certificate_rejected", problems=error.lines)
            else:
                log.info("certificate_loaded")

    def _changed_configuration(self) -> grpc.ServerCertificateConfiguration | None:
        """Return the configuration if it has changed. gRPC calls this at each handshake, in a thread."""
        self.reload()
        with self._lock:
            if self._configuration is self._passed_to_grpc:
                return None
            self._passed_to_grpc = self._configuration
            return self._configuration


def _read_configuration(
    files: TlsFiles,
) -> tuple[grpc.ServerCertificateConfiguration, ClientAuthorities | None]:
    contents: dict[str, bytes] = {}
    problems: list[str] = []
    for variable, path in files.all:
        try:
            contents[variable] = path.read_bytes()
        except OSError as error:
            problems.append(f"{variable}: cannot read {path}: {error.strerror}")
    if problems := problems or _find_invalid(files):
        raise StartupError(problems)
    bundle = contents[files.client_ca[0]] if files.client_ca else None
    configuration = grpc.ssl_server_certificate_configuration(
        [(contents[files.key[0]], contents[files.cert[0]])], root_certificates=bundle
    )
    return configuration, ClientAuthorities(bundle) if bundle else None


def _find_invalid(files: TlsFiles) -> list[str]:
    """Return a problem for each invalid file. gRPC itself would only say that it cannot listen."""
    problems = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (cert_variable, cert), (_, key) = files.cert, files.key
    try:
        context.load_cert_chain(cert, key, password=_reject_encrypted_key)
    except (OSError, ValueError):
        problems.append(
            f"{cert_variable}: {cert} and {key} are not a PEM certificate and its unencrypted key"
        )
    if files.client_ca:
        variable, path = files.client_ca
        try:
            context.load_verify_locations(path)
            ClientAuthorities(path.read_bytes())
        except (OSError, ValueError):
            problems.append(f"{variable}: {path} holds no PEM certificate")
    return problems


def _reject_encrypted_key() -> str:
    """OpenSSL would otherwise ask for a password at the terminal."""
    raise ValueError("the key is encrypted")
