"""Addresses to listen on, and the one clear line where that cannot be done."""

import socket

from services.errors import StartupError


def parse_address(address: str) -> tuple[str, int]:
    """`0.0.0.0:50051` or `[::]:50051` as host and port. Raises ValueError for anything else."""
    host, _, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    is_port = port.isascii() and port.isdigit() and int(port) <= 65535
    if not is_port or not _is_host(host, bracketed=bracketed):
        raise ValueError("must be host:port, such as 0.0.0.0:50051")
    return (host[1:-1] if bracketed else host), int(port)


def _is_host(host: str, *, bracketed: bool) -> bool:
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return bool(host) and (bracketed or ":" not in host)


def with_port(address: str, port: int) -> str:
    """The address with the actual port in place of the one asked for."""
    return f"{address.rpartition(':')[0]}:{port}"


def listening_socket(variable: str, address: str) -> socket.socket:
    """A socket that listens on the address. Raises StartupError, naming the variable it came from."""
    host, port = parse_address(address)
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen()
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise StartupError([f"{variable}: cannot listen on {address}: {error.strerror}"]) from error
    return listener


def check_port_available(variable: str, address: str) -> None:
    """Raises StartupError where nobody can listen. For gRPC, which binds for itself and names no cause."""
    listening_socket(variable, address).close()
