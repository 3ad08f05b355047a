"""The processes of a measurement beside the services: servers, and workers that run commands."""

import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from tools.local_stack import LOG_DIR, ROOT

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10
COMMAND_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A process that accepts calls."""

    pid: int
    address: str
    """host:port."""


class Worker:
    """A process that runs commands: one line of JSON in, one line out (workers/command_loop.py)."""

    def __init__(self, process: "subprocess.Popen[str]", lines: "queue.Queue[str | None]") -> None:
        self._process = process
        self._lines = lines
        self.pid = process.pid

    def run(self, command: str, *, timeout_s: float = COMMAND_TIMEOUT_S, **arguments: object) -> Any:
        """Run a command; return its result."""
        assert self._process.stdin is not None  # noqa: S101 # it is a pipe
        self._process.stdin.write(json.dumps({"command": command} | arguments) + "\n")
        self._process.stdin.flush()
        return json.loads(_read_line(self._lines, timeout_s, command))


@contextmanager
def worker_process(module: str, *arguments: str) -> Iterator[Worker]:
    """Run a module of benchmarks.workers that runs commands."""
    with _module_process(module, arguments) as (process, lines):
        _read_line(lines, START_TIMEOUT_S, module)
        yield Worker(process, lines)


@contextmanager
def server_process(module: str, *arguments: str) -> Iterator[Server]:
    """Run a module of benchmarks.workers that is a server and prints its address."""
    with _module_process(module, arguments) as (process, lines):
        yield Server(pid=process.pid, address=_read_line(lines, START_TIMEOUT_S, module))


@contextmanager
def program_process(command: Sequence[object], name: str, port: int) -> Iterator[Server]:
    """Run a program that listens on a loopback port."""
    LOG_DIR.mkdir(parents=True, exist_ok=True)
    with (LOG_DIR / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([*map(str, command)], stdout=log, stderr=log, cwd=ROOT)  # noqa: S603 # our own arguments
    try:
        _wait_until_listening(process, name, port)
        yield Server(pid=process.pid, address=f"127.0.0.1:{port}")
    finally:
        stop(process)


def free_port() -> int:
    """Return an unused loopback port."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


@contextmanager
def _module_process(
    module: str, arguments: Sequence[str]
) -> Iterator[tuple["subprocess.Popen[str]", "queue.Queue[str | None]"]]:
    process = subprocess.Popen(  # noqa: S603 # our own modules
        [sys.executable, "-m", f"benchmarks.workers.{module}", *arguments],
        cwd=ROOT,
        env=os.environ | {"GRPC_VERBOSITY": "NONE"},  # no messages when a server stops
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None  # noqa: S101 # it is a pipe
    assert process.stdout is not None  # noqa: S101 # it is a pipe
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_enqueue_lines, args=(process.stdout, lines), daemon=True).start()
    try:
        yield process, lines
    finally:
        stop(process)
        process.stdin.close()


def _enqueue_lines(output: IO[str], lines: "queue.Queue[str | None]") -> None:
    with output:
        for line in output:
            lines.put(line.strip())
    lines.put(None)


def _read_line(lines: "queue.Queue[str | None]", timeout_s: float, source: str) -> str:
    try:
        line = lines.get(timeout=timeout_s)
    except queue.Empty:
        line = None
    if line is None:
        raise RuntimeError(f"{source}: no output; see its errors above")
    return line


def _wait_until_listening(process: "subprocess.Popen[bytes]", name: str, port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(
        f"{name} did not start; the end of its log:\n{(LOG_DIR / f'{name}.log').read_text()[-2000:]}"
    )


def stop(process: "subprocess.Popen[Any]") -> None:
    """Terminate a process; kill it after STOP_TIMEOUT_S."""
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
