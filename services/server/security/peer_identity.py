"""The identity of a caller: from a trusted proxy's header, else from its own certificate, else none."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import unquote

from services.server.call import ServicerContext
from services.server.settings import Network

XFCC_HEADER = "x-forwarded-client-cert"

_SPIFFE = "spiffe://"
_CERTIFICATE_NAMES = ("peer_spiffe_id", "x509_subject_alternative_name")

# One `Key=value` of Envoy's header with the separator after it. A value that contains a separator is quoted.
_PAIR = re.compile(r'\s*([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^",;]*)([,;]|\Z)')
_ESCAPED = re.compile(r"\\(.)")


class PeerIdentityResolver:
    """Resolves the identity of a call's caller."""

    def __init__(self, trusted: Iterable[Network], *, certificates: bool = True) -> None:
        """Trust the header of peers in these networks; `certificates`: whether callers may present one."""
        self._certificates = certificates
        self._trusted = tuple(trusted)
        self._is_trusted = lru_cache(maxsize=1024)(self._is_trusted_peer)

    def resolve(self, context: ServicerContext) -> str:
        """Return the identity; empty if nothing trusted gives one."""
        if self._trusted and (header := _xfcc_header(context)) and self._is_trusted(context.peer()):
            return _preferred_name(parse_xfcc(header))
        if not self._certificates:
            return ""
        presented = context.auth_context() or {}
        names = (name for key in _CERTIFICATE_NAMES for name in presented.get(key, ()))
        return _preferred_name(name.decode(errors="replace") for name in names)

    def _is_trusted_peer(self, peer: str) -> bool:
        address = _parse_address(peer)
        return any(address in network for network in self._trusted) if address else False


def parse_xfcc(header: str) -> list[str]:
    """Return the URI and DNS names of the last element of the header; none if it is malformed.

    Each proxy appends one element, for its own peer. It has not verified the elements to the left of it.
    """
    names: list[str] = []
    position, separator = 0, ","
    while position < len(header) or separator:
        pair = _PAIR.match(header, position)
        if not pair:
            return []
        if separator == ",":
            names = []
        key, value, separator = pair[1].lower(), pair[2], pair[3]
        if key in ("uri", "dns") and value:
            names.append(_ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value)
        position = pair.end()
    return names


def _xfcc_header(context: ServicerContext) -> str:
    """Return the header. As in HTTP, several headers of one name are one, joined by commas."""
    values = [value for key, value in context.invocation_metadata() or () if key == XFCC_HEADER]
    return ",".join(value for value in values if isinstance(value, str))


def _preferred_name(names: Iterable[str]) -> str:
    """Return the first SPIFFE id, else the first name, else nothing."""
    candidates = list(names)
    return next((name for name in candidates if name.startswith(_SPIFFE)), next(iter(candidates), ""))


def _parse_address(peer: str) -> IPv4Address | IPv6Address | None:
    """Parse the address of a peer in gRPC's form: `ipv4:10.0.0.1:4711`, `ipv6:%5B::1%5D:4711`."""
    host = unquote(peer.partition(":")[2]).rpartition(":")[0].strip("[]").partition("%")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
