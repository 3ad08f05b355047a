"""A certificate authority that issues certificates during a test."""

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

DAY_S = 24 * 60 * 60.0


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
    """Issues certificates that are valid from a day ago, by default until tomorrow."""

    def __init__(
        self,
        name: str = "authority",
        *,
        issuer: "CertificateAuthority | None" = None,
        valid_s: float = DAY_S,
    ) -> None:
        """Without an issuer its certificate is self-signed."""
        issuer = issuer or self
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        builder = issuer._builder(self._name, self._key, valid_s=valid_s).add_extension(
            constraints, critical=True
        )
        self.cert = builder.sign(issuer._key, SHA256()).public_bytes(Encoding.PEM)
        self._chain = b"" if issuer is self else self.cert

    def issue(
        self,
        *uris: str,
        dns: str = "localhost",
        emails: Sequence[str] = (),
        serial: int | None = None,
        valid_s: float = DAY_S,
        starts_s: float = -DAY_S,
    ) -> KeyPair:
        """Issue a certificate for these URIs, a DNS name (empty: none), e-mail addresses, and loopback.

        Names are not checked: authorities exist that do not check them either.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(dns)] if dns else []
        names += map(x509.UniformResourceIdentifier, uris)
        names += map(x509.RFC822Name._init_without_validation, emails)
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        builder = self._builder(subject, key, serial, valid_s, starts_s)
        cert = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return KeyPair(
            cert=cert.sign(self._key, SHA256()).public_bytes(Encoding.PEM) + self._chain,
            key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )

    def intermediate(self) -> "CertificateAuthority":
        """Return an authority with a certificate of this one, which it adds to those that it issues."""
        return CertificateAuthority("intermediate", issuer=self)

    def channel_credentials(self, client: KeyPair | None = None) -> grpc.ChannelCredentials:
        """Return credentials of a caller that trusts this authority, optionally with a client certificate."""
        return grpc.ssl_channel_credentials(
            self.cert, client.key if client else None, client.cert if client else None
        )

    def _builder(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        serial: int | None = None,
        valid_s: float = DAY_S,
        starts_s: float = -DAY_S,
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=serial or x509.random_serial_number(),
            not_valid_before=now + datetime.timedelta(seconds=starts_s),
            not_valid_after=now + datetime.timedelta(seconds=valid_s),
        )
