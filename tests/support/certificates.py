"""A certificate authority that issues certificates during a test."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A certificate and its private key, in PEM."""

    cert: bytes
    key: bytes

    def write(self, directory: Path) -> dict[str, Path]:
        """Write both files; return their paths by the names of the TLS settings."""
        for name in ("cert", "key"):
            (directory / name).write_bytes(getattr(self, name))
        return {"tls_cert_file": directory / "cert", "tls_key_file": directory / "key"}


class CertificateAuthority:
    """Issues certificates that are valid from a day ago until tomorrow."""

    def __init__(self, name: str = "authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        builder = self._builder(self._name, self._key).add_extension(constraints, critical=True)
        self.cert = builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM)

    def issue(self, *uris: str, dns: str = "localhost", serial: int | None = None) -> KeyPair:
        """Issue a certificate for these URIs, a DNS name (empty: none), and the loopback address."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(dns)] if dns else []
        names += map(x509.UniformResourceIdentifier, uris)
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        builder = self._builder(subject, key, serial)
        cert = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return KeyPair(
            cert=cert.sign(self._key, SHA256()).public_bytes(Encoding.PEM),
            key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )

    def channel_credentials(self, client: KeyPair | None = None) -> grpc.ChannelCredentials:
        """Return credentials of a caller that trusts this authority, optionally with a client certificate."""
        return grpc.ssl_channel_credentials(
            self.cert, client.key if client else None, client.cert if client else None
        )

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, serial: int | None = None
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        day = datetime.timedelta(days=1)
        return x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=serial or x509.random_serial_number(),
            not_valid_before=now - day,
            not_valid_after=now + day,
        )
