"""The forward proxy on the way to 1688, from the usual environment variables.

They are HTTPS_PROXY and NO_PROXY, in capitals or not; of both, the one in lower case counts. They are read
once, at the start.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import unquote, urlsplit

import yarl

from services.errors import StartupError

DEFAULT_PORT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A forward proxy, which is asked to connect to 1688 (CONNECT)."""

    variable: str
    """The environment variable that names it."""
    url: yarl.URL
    """Without credentials, so that it can be logged."""
    headers: Mapping[str, str] = field(repr=False)
    """The headers that only the proxy gets: its credentials."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """The texts that must not appear in logs or errors: the password, also as the header has it."""


def find_proxy(gateway_url: str, environment: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for calls of this gateway; None: they are sent directly.

    A gateway without TLS, or on this machine, is a sandbox and needs none. Raises StartupError; its text does
    not contain the value.
    """
    parts = urlsplit(gateway_url)
    host = parts.hostname or ""
    variable, value = _read(environment, "https_proxy")
    if not value or parts.scheme != "https" or _is_loopback(host):
        return None
    if _is_excluded(host, parts.port or 443, _read(environment, "no_proxy")[1]):
        return None
    return _parse(variable, value)


def _read(environment: Mapping[str, str], name: str) -> tuple[str, str]:
    """Return the variable that is set, and its value; an empty value if neither is."""
    variable = next((each for each in (name, name.upper()) if each in environment), name)
    return variable, environment.get(variable, "").strip()


def _parse(variable: str, value: str) -> Proxy:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        if not parts.hostname or parts.path.rstrip("/") or parts.query or re.search(r"[\s\x00-\x1f]", value):
            raise ValueError
        url = yarl.URL.build(scheme="http", host=parts.hostname, port=parts.port or DEFAULT_PORT)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if ":" in user:  # the proxy would take what follows as the password
            raise ValueError
    except ValueError:  # its text contains the value
        raise StartupError(
            [f"{variable}: must be the URL of a proxy, such as http://user:password@proxy.example.com:3128"]
        ) from None
    if parts.scheme != "http":
        raise StartupError(
            [
                f"{variable}: must be an http:// URL: TLS to the proxy itself is not supported; 1688's TLS"
                " connection passes through the proxy as it is"
            ]
        )
    if not user:
        return Proxy(variable=variable, url=url, headers={})
    encoded = b64encode(f"{user}:{password}".encode()).decode()
    return Proxy(
        variable=variable,
        url=url,
        headers={"Proxy-Authorization": f"Basic {encoded}"},
        secrets=tuple(filter(None, (password, encoded))),
    )


def _is_loopback(host: str) -> bool:
    address = _to_address(host)
    return host == "localhost" if address is None else address.is_loopback


def _is_excluded(host: str, port: int, no_proxy: str) -> bool:
    """Whether NO_PROXY has the host: by name, by a domain, by address or network, with or without a port."""
    address = _to_address(host)
    for entry in re.split(r"[,\s]+", no_proxy.lower()):
        if entry == "*":
            return True
        has_port = re.search(r"^[^:]*:\d+$|\]:\d+$", entry)  # an IPv6 address has colons of its own
        name, _, entry_port = entry.rpartition(":") if has_port else (entry, "", "")
        if entry_port and entry_port != str(port):
            continue
        if address is not None and _contains(name, address):
            return True
        domain = name.removeprefix("*").lstrip(".")
        if domain and (host == domain or host.endswith(f".{domain}")):
            return True
    return False


def _contains(network: str, address: IPv4Address | IPv6Address) -> bool:
    try:
        return address in ip_network(network.strip("[]"), strict=False)
    except ValueError:
        return False


def _to_address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
