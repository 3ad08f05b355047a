"""Opens listening sockets. If one cannot be opened, a StartupError names its setting."""

import re
import socket
from ipaddress import IPv4Address, IPv6Address

from services.errors import StartupError

_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_NUMERIC = re.compile(r"(^|\.)[0-9]+\.?$")
"""The end of a host that can only be an IPv4 address."""


def parse_address(address: str) -> tuple[str, int]:
    """Parse `0.0.0.0:50051` or `[::]:50051` into host and port. Raises ValueError."""
    host, _, port = address.rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    is_port = port.isascii() and port.isdigit() and int(port) <= 65535
    if not is_port or not _is_host(host, is_bracketed=is_bracketed):
        raise ValueError("must be host:port, such as 0.0.0.0:50051")
    return (host[1:-1] if is_bracketed else host), int(port)


def _is_host(host: str, *, is_bracketed: bool) -> bool:
    """Whether a host is an address or a name, for gRPC too: the resolver accepts `*` and `1.2.3`."""
    try:
        if is_bracketed:
            return IPv6Address(host[1:-1]).version == 6
        if _NUMERIC.search(host):
            return IPv4Address(host).version == 4
    except ValueError:
        return False
    return _NAME.fullmatch(host) is not None


def replace_port(address: str, port: int) -> str:
    """Return the address with this port instead of its own, which may be 0."""
    return f"{address.rpartition(':')[0]}:{port}"


def open_listener(variable: str, address: str) -> socket.socket:
    """Open a socket that listens on the address. Raises StartupError, which names the variable."""
    host, port = parse_address(address)
    try:
        family, kind, protocol, _, socket_address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(socket_address)
            listener.listen()
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise StartupError([f"{variable}: cannot listen on {address}: {error.strerror}"]) from error
    return listener


def check_port_available(variable: str, address: str) -> None:
    """Raise StartupError if the port is taken. gRPC opens its own socket, without a clear error."""
    open_listener(variable, address).close()
