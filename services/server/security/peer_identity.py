"""Who a caller is: by what a trusted proxy forwards of it, else by its own certificate, else nobody."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias
from urllib.parse import unquote

from services.server.call import ServicerContext

Network: TypeAlias = IPv4Network | IPv6Network

FORWARDED = "x-forwarded-client-cert"
LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))

_SPIFFE = "spiffe://"
_CERTIFICATE_NAMES = ("peer_spiffe_id", "x509_subject_alternative_name")

# One `Key=value` of Envoy's header with the mark behind it; a value with a mark of its own is quoted.
_PAIR = re.compile(r'\s*([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^",;]*)([,;]|\Z)')
_ESCAPED = re.compile(r"\\(.)")


class PeerIdentityResolver:
    """Knows callers. Proxies at these addresses are believed what they forward."""

    def __init__(self, trusted: Iterable[Network], *, certificates: bool = True) -> None:
        """`certificates` says whether callers may have shown one."""
        self._certificates = certificates
        self._trusted = tuple(trusted)
        self._is_trusted = lru_cache(maxsize=1024)(self._stands_in)

    def of(self, context: ServicerContext) -> str:
        """The identity of a call's caller; empty where nothing trustworthy tells it."""
        if self._trusted and (forwarded := _forwarded(context)) and self._is_trusted(context.peer()):
            return _first(parse_xfcc(forwarded))
        if not self._certificates:
            return ""
        presented = context.auth_context() or {}
        names = (name for key in _CERTIFICATE_NAMES for name in presented.get(key, ()))
        return _first(name.decode(errors="replace") for name in names)

    def _stands_in(self, peer: str) -> bool:
        address = _address(peer)
        return any(address in network for network in self._trusted) if address else False


def parse_xfcc(header: str) -> list[str]:
    """The URI and DNS names of the caller that is nearest to us; none where the header makes no sense.

    Every proxy appends an element for the caller it saw itself. Those before the last were only told to it.
    """
    names: list[str] = []
    at, mark = 0, ","
    while at < len(header) or mark:
        pair = _PAIR.match(header, at)
        if not pair:
            return []
        if mark == ",":
            names = []
        key, value, mark = pair[1].lower(), pair[2], pair[3]
        if key in ("uri", "dns") and value:
            names.append(_ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value)
        at = pair.end()
    return names


def _forwarded(context: ServicerContext) -> str:
    """The header; several of them count as one, as HTTP has it."""
    values = [value for key, value in context.invocation_metadata() or () if key == FORWARDED]
    return ",".join(value for value in values if isinstance(value, str))


def _first(names: Iterable[str]) -> str:
    """The SPIFFE id among the names, else the first of them."""
    found: Iterator[str] | list[str] = list(names)
    return next((name for name in found if name.startswith(_SPIFFE)), next(iter(found), ""))


def _address(peer: str) -> object:
    """The address of a peer as gRPC writes it: `ipv4:10.0.0.1:4711`, `ipv6:%5B::1%5D:4711`."""
    host = unquote(peer.partition(":")[2]).rpartition(":")[0].strip("[]").partition("%")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
