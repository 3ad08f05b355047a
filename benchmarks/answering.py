"""Starts the floor and the echo: peers that answer what a service answered before."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.calling import Target
from benchmarks.processes import listening


@contextmanager
def answering(peer: str, target: Target, answer: bytes, *arguments: str) -> Iterator[Target]:
    """Run a peer that answers a service's method with the bytes that the service gave."""
    with TemporaryDirectory(prefix=f"{peer}-") as directory:
        file = Path(directory) / "answer"
        file.write_bytes(answer)
        with listening(peer, target.method, str(file), *arguments) as running:
            right: Callable[[bytes], bool] = answer.__eq__
            yield replace(target, pid=running.pid, address=running.address, right=right)
