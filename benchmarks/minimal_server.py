"""Starts the minimal gRPC servers: minimal_server, decoding_server, upload_server and cached_server."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.load_client import Check, Target
from benchmarks.processes import server_process


def minimal_server(
    target: Target, response: bytes, url: str = "", dialect: str = ""
) -> AbstractContextManager[Target]:
    """Run a server that returns the response of a service's method; yield the same call to it.

    With `url` it posts to this upstream first; with `dialect` it also decodes the upstream's response.
    """
    worker = "decoding_server" if dialect else "minimal_server"
    arguments = [argument for argument in (url, dialect) if argument]
    return _run(worker, target, response, *arguments, is_expected=target.is_expected if dialect else None)


def upload_server(target: Target, response: bytes) -> AbstractContextManager[Target]:
    """Run a server that reads, parses and validates uploads, and returns the response; yield a call to it."""
    return _run("upload_server", target, response)


def cached_server(target: Target, response: bytes) -> AbstractContextManager[Target]:
    """Run a server that returns the response, and does what any service has to do; yield a call to it."""
    return _run("cached_server", target, response)


@contextmanager
def _run(
    worker: str, target: Target, response: bytes, *arguments: str, is_expected: Check | None = None
) -> Iterator[Target]:
    """Run a worker; by default, exactly the response is expected of it."""
    with TemporaryDirectory(prefix="minimal-server-") as directory:
        file = Path(directory) / "response"
        file.write_bytes(response)
        with server_process(worker, target.method, str(file), *arguments) as server:
            yield replace(
                target, pid=server.pid, address=server.address, is_expected=is_expected or response.__eq__
            )
