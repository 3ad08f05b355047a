"""The identity of a caller, a SPIFFE id: forwarded by a trusted proxy, or from the caller's certificate.

Names of other types in a certificate are not used, even if their text is a SPIFFE id. A caller with several
URIs, or with one that is no SPIFFE id, is rejected: which of them its authority meant is not known.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote

from services.errors import CallerUnknown
from services.server.call import ServicerContext
from services.server.security.spiffe import is_spiffe_id
from services.server.settings import Network

if TYPE_CHECKING:
    from services.server.security.peer_certificate import PeerCertificate

ReadCertificate: TypeAlias = "Callable[[Mapping[str, Iterable[bytes]]], PeerCertificate | None]"
"""Reads the certificate in gRPC's authentication context. Raises ValueError."""

XFCC_HEADER = "x-forwarded-client-cert"

# One `Key=value` of the header, which Envoy defines, with the separator after it. A value that contains a
# separator is quoted.
_PAIR = re.compile(r'\s*([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^",;]*)([,;]|\Z)')
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Peer:
    """Who makes a call."""

    identity: str = ""
    """The SPIFFE id of the caller; empty if it is not known."""
    certificate: "PeerCertificate | None" = None
    """The client certificate of the connection. If a proxy forwards the call, it is the proxy's."""


class PeerIdentityResolver:
    """Resolves the identity of a call's caller."""

    def __init__(self, trusted: Iterable[Network], read_certificate: "ReadCertificate | None" = None) -> None:
        """`trusted`: the networks of trusted proxies. `read_certificate`: None if callers present none."""
        self._read_certificate = read_certificate
        self._trusted = tuple(trusted)
        self._is_trusted = lru_cache(maxsize=1024)(self._is_trusted_peer)

    def resolve(self, context: ServicerContext) -> Peer:
        """Return the peer; its identity is empty if it presents none. Raises CallerUnknown."""
        certificate = None
        if self._read_certificate:
            try:
                certificate = self._read_certificate(context.auth_context() or {})
            except ValueError:
                raise CallerUnknown("the client certificate cannot be read") from None
        if self._trusted and self._is_trusted(context.peer()):
            # A proxy calls for others, never for itself: its own certificate identifies no caller.
            return Peer(_forwarded_identity(_xfcc_lines(context)), certificate)
        return Peer(_to_identity(certificate.uris) if certificate else "", certificate)

    def _is_trusted_peer(self, peer: str) -> bool:
        address = _parse_address(peer)
        return any(address in network for network in self._trusted) if address else False


def parse_xfcc(line: str) -> list[list[str]]:
    """Return the values of `URI` in each element of a header line; no elements if it is malformed.

    Each proxy that appends to the header adds one element, which describes the peer that called it. A
    certificate without a URI has an empty value.
    """
    elements: list[list[str]] = []
    position, separator = 0, ","
    while position < len(line) or separator:
        pair = _PAIR.match(line, position)
        if not pair:
            return []
        if separator == ",":
            elements.append([])
        key, value, separator = pair[1].lower(), pair[2], pair[3]
        if key == "uri":
            elements[-1].append(_ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value)
        position = pair.end()
    return elements


def _forwarded_identity(lines: Sequence[str | bytes]) -> str:
    """Return the identity in the header's lines.

    Envoy does not quote names of a certificate: a name with a comma looks like another element, and a name
    with a semicolon like another URI. So more than one line, element or URI is rejected.
    """
    if not lines:
        return ""
    elements = parse_xfcc(lines[0]) if len(lines) == 1 and isinstance(lines[0], str) else []
    if len(elements) != 1:
        raise CallerUnknown(f"the proxy must send one {XFCC_HEADER} header with one element")
    return "" if elements[0] == [""] else _to_identity(elements[0])


def _to_identity(uris: Sequence[str]) -> str:
    if not uris:
        return ""
    if len(uris) > 1 or not is_spiffe_id(uris[0]):
        raise CallerUnknown("the caller's certificate must have exactly one URI, a SPIFFE id")
    return uris[0]


def _xfcc_lines(context: ServicerContext) -> list[str | bytes]:
    return [value for key, value in context.invocation_metadata() or () if key == XFCC_HEADER]


def _parse_address(peer: str) -> IPv4Address | IPv6Address | None:
    """Parse the address of a peer in gRPC's form: `ipv4:10.0.0.1:4711`, `ipv6:%5B::1%5D:4711`."""
    host = unquote(peer.partition(":")[2]).rpartition(":")[0].strip("[]").partition("%")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
