"""The upstream that takes its time (peers/delaying.py)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import listening


@contextmanager
def delaying(reply: bytes, delay_s: float) -> Iterator[str]:
    """Run it; yield its URL. Every call, of whatever operation, is answered with the reply after so long."""
    with TemporaryDirectory(prefix="delaying-") as directory:
        file = Path(directory) / "reply"
        file.write_bytes(reply)
        with listening("delaying", str(file), str(delay_s)) as running:
            yield f"http://{running.address}"
