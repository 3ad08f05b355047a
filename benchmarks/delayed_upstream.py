"""Starts the upstream with a fixed delay (workers/delayed_upstream.py)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import server_process


@contextmanager
def delayed_upstream(reply: bytes, delay_s: float) -> Iterator[str]:
    """Run an upstream that sends the reply to every call after the delay; yield its URL."""
    with TemporaryDirectory(prefix="delayed-upstream-") as directory:
        file = Path(directory) / "reply"
        file.write_bytes(reply)
        with server_process("delayed_upstream", str(file), str(delay_s)) as server:
            yield f"http://{server.address}"
