"""The client certificate of a connection, and the certificate authorities that accept it.

TLS verifies a certificate when a connection begins. The connection can outlive the certificate and its
authority. So two checks are repeated here, for each call: whether the certificate is still valid, and whether
the authorities in force still accept it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

MAX_INTERMEDIATES = 10
"""Certificates of the peer's chain that are considered. This bounds the number of signatures to verify."""

_CACHE_SIZE = 1024


@dataclass(frozen=True, slots=True, eq=False)
class PeerCertificate:
    """A client certificate. It is cached with its bytes, so results about the object can be cached too."""

    uris: tuple[str, ...]
    """The subject alternative names of type URI."""
    expires_at: datetime
    certificate: x509.Certificate
    intermediates: tuple[x509.Certificate, ...]
    """Other certificates that the peer has sent."""

    def remaining_s(self) -> float:
        """Return for how many seconds the certificate is still valid; 0 or less if it has expired."""
        return (self.expires_at - datetime.now(UTC)).total_seconds()


def peer_certificate(auth_context: Mapping[str, Iterable[bytes]]) -> PeerCertificate | None:
    """Return the certificate in gRPC's authentication context; None if the peer presented none.

    Raises ValueError if it cannot be parsed.
    """
    certificate = b"".join(auth_context.get("x509_pem_cert", ()))
    return _parse(certificate, b"".join(auth_context.get("x509_pem_cert_chain", ()))) if certificate else None


@lru_cache(_CACHE_SIZE)
def _parse(pem: bytes, chain_pem: bytes) -> PeerCertificate:
    certificate = x509.load_pem_x509_certificate(pem)
    chain = x509.load_pem_x509_certificates(chain_pem) if chain_pem else []
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = tuple(names.get_values_for_type(x509.UniformResourceIdentifier))
    except x509.ExtensionNotFound:
        uris = ()
    except x509.DuplicateExtension as error:
        raise ValueError(str(error)) from error
    return PeerCertificate(
        uris, certificate.not_valid_after_utc, certificate, tuple(chain[:MAX_INTERMEDIATES])
    )


class ClientAuthorities:
    """The authorities of client certificates that are in force."""

    def __init__(self, pem: bytes) -> None:
        """`pem` is the bundle of their certificates. Raises ValueError."""
        self.certificates = tuple(x509.load_pem_x509_certificates(pem))
        self.accept = lru_cache(_CACHE_SIZE)(self._accept)
        """Return whether signatures lead from a peer's certificate to an authority.

        The handshake has verified everything else about the chain.
        """

    def _accept(self, peer: PeerCertificate) -> bool:
        reached, remaining = [peer.certificate], list(peer.intermediates)
        for certificate in reached:  # which grows by the issuers that are found
            if any(_is_issued_by(certificate, authority) for authority in self.certificates):
                return True
            issuers = [each for each in remaining if _is_issued_by(certificate, each)]
            reached += issuers
            remaining = [each for each in remaining if each not in issuers]
        return any(certificate in self.certificates for certificate in reached)


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
