"""Free TCP ports for servers that need the same port each time they start."""

import itertools
import os
import socket

# Below the range that the kernel uses for outgoing connections, so that a port stays free while its server is
# down. Test processes that run at the same time start at distant numbers.
_candidates = itertools.count(20_000 + os.getpid() * 997 % 12_000)


def reserve_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Return ports that are free on a host and that no other call in this process returns."""
    ports: list[int] = []
    while len(ports) < count:
        port = next(_candidates)
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                server.bind((host, port))
            except OSError:
                continue
        ports.append(port)
    return ports


def reserve_successive_ports(count: int) -> list[int]:
    """Likewise, each the successor of the one before."""
    while True:
        ports = reserve_ports(count)
        if ports == list(range(ports[0], ports[0] + count)):
            return ports
