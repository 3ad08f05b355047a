"""The server's certificate, and the authorities of client certificates, reloaded when they change."""

import ssl
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc
import structlog
from cryptography import x509
from prometheus_client import Gauge

from services.errors import StartupError
from services.server.security.file_watcher import RELOAD_FAILURES, FileWatcher
from services.server.security.peer_certificate import (
    ClientAuthorities,
    PeerCertificate,
    peer_certificate,
)

_starts_at = Gauge(
    "nationalsite_certificate_start_timestamp_seconds",
    "When the certificate in use became valid, by the setting of its file.",
    ["setting"],
)
_expires_at = Gauge(
    "nationalsite_certificate_expiry_timestamp_seconds",
    "When the certificate in use expires; of several authorities, the one that expires last.",
    ["setting"],
)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """The content of valid files."""

    configuration: grpc.ServerCertificateConfiguration
    authorities: ClientAuthorities | None
    certificates: tuple[tuple[str, x509.Certificate], ...]
    """Whose validity is exported, each with its setting."""


class _InvalidFiles(StartupError):
    """Files that must not be used."""

    def __init__(self, lines: Sequence[str], valid_from: datetime | None = None) -> None:
        super().__init__(lines)
        self.valid_from = valid_from
        """When the same files may be valid; None if only other files can be."""


class _NotValidNow(Exception):
    """A certificate has expired, or is not valid yet. The text says which, and when."""

    def __init__(self, certificate: x509.Certificate, now: datetime) -> None:
        is_early = now < certificate.not_valid_before_utc
        self.valid_from = certificate.not_valid_before_utc if is_early else None
        super().__init__(
            f"is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M:%S} UTC"
            if is_early
            else f"expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC"
        )


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ServerTls:
    """The files of a server, reloaded when they change. An invalid change is logged, and not used.

    A certificate that has expired, or is not valid yet, is invalid too: callers would reject it, while the
    one in use may still be valid.
    """

    def __init__(self, files: TlsFiles, *, now: Callable[[], datetime] = _utc_now) -> None:
        """Raises StartupError, with a line for each problem."""
        self._files = files
        self._now = now
        self._lock = threading.Lock()
        self._watcher = FileWatcher([path for _, path in files.all], interval_s=0)
        # Exported from the start with 0, so that alerts see the first failure as an increase.
        self._failures = RELOAD_FAILURES.labels(files.cert[0])
        self._retry_at: datetime | None = None
        """When files that were rejected because they are not valid yet are read again."""
        self._loaded = self._load()
        self._passed_to_grpc = self._loaded.configuration
        self.credentials = grpc.dynamic_ssl_server_credentials(
            self._passed_to_grpc,
            self._changed_configuration,  # type: ignore[arg-type] # the stubs do not know that None means no change
            require_client_authentication=files.client_ca is not None,
        )
        """What gRPC listens with."""

    def read_certificate(self, auth_context: Mapping[str, Iterable[bytes]]) -> PeerCertificate | None:
        """Return the certificate that a peer has presented, or None. Raises ValueError."""
        return peer_certificate(auth_context)

    @property
    def authorities(self) -> ClientAuthorities | None:
        """The authorities of client certificates in force; None if callers need no certificate."""
        return self._loaded.authorities

    def reload(self) -> None:
        """Read the files if they have changed, or if rejected ones have become valid."""
        with self._lock:
            has_become_valid = self._retry_at is not None and self._now() >= self._retry_at
            if not self._watcher.has_changed() and not has_become_valid:
                return
            log = structlog.get_logger()
            self._retry_at = None
            try:
                self._loaded = self._load()
            except _InvalidFiles as error:
                self._retry_at = error.valid_from
                self._failures.inc()
                log.error("certificate_rejected", problems=error.lines)
            else:
                log.info("certificate_loaded")

    def _load(self) -> _Loaded:
        loaded = _read_files(self._files, self._now())
        for setting, certificate in loaded.certificates:
            _starts_at.labels(setting).set(certificate.not_valid_before_utc.timestamp())
            _expires_at.labels(setting).set(certificate.not_valid_after_utc.timestamp())
        return loaded

    def _changed_configuration(self) -> grpc.ServerCertificateConfiguration | None:
        """Return the configuration if it has changed. gRPC calls this at each handshake, in a thread."""
        self.reload()
        with self._lock:
            if self._loaded.configuration is self._passed_to_grpc:
                return None
            self._passed_to_grpc = self._loaded.configuration
            return self._passed_to_grpc


def _read_files(files: TlsFiles, now: datetime) -> _Loaded:
    """Raise _InvalidFiles, with a line for each problem."""
    contents: dict[str, bytes] = {}
    problems: list[str] = []
    for variable, path in files.all:
        try:
            contents[variable] = path.read_bytes()
        except OSError as error:
            problems.append(f"{variable}: cannot read {path}: {error.strerror}")
    if problems:
        raise _InvalidFiles(problems)
    certificates: list[tuple[str, x509.Certificate]] = []
    starts: list[datetime] = []
    authorities: ClientAuthorities | None = None

    def add_valid(variable: str, path: Path, candidates: Iterable[x509.Certificate]) -> None:
        try:
            certificates.append((variable, _find_valid(candidates, now)))
        except _NotValidNow as error:
            problems.append(f"{variable}: the certificate in {path} {error}")
            starts.extend(filter(None, [error.valid_from]))

    (cert_variable, cert), (key_variable, key) = files.cert, files.key
    try:
        # gRPC itself would only say that it cannot listen.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password=_reject_encrypted_key)
        chain = x509.load_pem_x509_certificates(contents[cert_variable])
    except (OSError, ValueError):
        problems.append(
            f"{cert_variable}: {cert} and {key} are not a PEM certificate and its unencrypted key"
        )
    else:
        # Only the first: an expired intermediate may be one that callers do not use.
        add_valid(cert_variable, cert, chain[:1])
    bundle = None
    if files.client_ca:
        variable, path = files.client_ca
        bundle = contents[variable]
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=bundle.decode("ascii"))
            authorities = ClientAuthorities(bundle)
        except (OSError, ValueError):
            problems.append(f"{variable}: {path} holds no PEM certificate")
        else:
            add_valid(variable, path, authorities.certificates)
    if problems:
        only_early = len(starts) == len(problems)
        raise _InvalidFiles(problems, valid_from=max(starts) if only_early else None)
    configuration = grpc.ssl_server_certificate_configuration(
        [(contents[key_variable], contents[cert_variable])], root_certificates=bundle
    )
    return _Loaded(configuration=configuration, authorities=authorities, certificates=tuple(certificates))


def _find_valid(certificates: Iterable[x509.Certificate], now: datetime) -> x509.Certificate:
    """Return the valid certificate that expires last. Raises _NotValidNow if none is valid."""
    latest = sorted(certificates, key=lambda certificate: certificate.not_valid_after_utc)
    valid = [each for each in latest if each.not_valid_before_utc <= now < each.not_valid_after_utc]
    if not valid:
        raise _NotValidNow(latest[-1], now)
    return valid[-1]


def _reject_encrypted_key() -> str:
    """OpenSSL would otherwise ask for a password at the terminal."""
    raise ValueError("the key is encrypted")
