"""Starts the upstream with a fixed delay (workers/delayed_upstream.py)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import server_process


@contextmanager
def delayed_upstream(response: bytes, delay_s: float) -> Iterator[str]:
    """Run an upstream that sends the response to every call after the delay; yield its URL."""
    with TemporaryDirectory(prefix="delayed-upstream-") as directory:
        file = Path(directory) / "response"
        file.write_bytes(response)
        with server_process("delayed_upstream", str(file), str(delay_s)) as server:
            yield f"http://{server.address}"
