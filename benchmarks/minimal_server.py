"""Starts the minimal gRPC server (workers/minimal_server.py)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.load_client import Target
from benchmarks.processes import server_process


@contextmanager
def minimal_server(target: Target, response: bytes, *arguments: str) -> Iterator[Target]:
    """Run a server that returns the response of a service's method; yield the same call to it."""
    with TemporaryDirectory(prefix="minimal-server-") as directory:
        file = Path(directory) / "response"
        file.write_bytes(response)
        with server_process("minimal_server", target.method, str(file), *arguments) as server:
            yield replace(target, pid=server.pid, address=server.address, is_expected=response.__eq__)
