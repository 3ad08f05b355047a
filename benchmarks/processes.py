"""Processes beside the services: each says where it listens, or does what it is told."""

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
from pathlib import Path
from typing import IO, Any

from tools.local_stack import LOG_DIR, ROOT

START_S = 30
STOP_S = 10
COMMAND_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """A process that takes calls."""

    pid: int
    address: str
    """host:port."""


class Worker:
    """A process that carries out commands: one line of JSON in, one out (peers/worker.py)."""

    def __init__(self, process: "subprocess.Popen[str]", answers: "queue.Queue[str | None]") -> None:
        self._process = process
        self._answers = answers
        self.pid = process.pid

    def do(self, command: str, **arguments: object) -> Any:
        """Have a command carried out; return its answer."""
        assert self._process.stdin is not None  # noqa: S101 # it is a pipe
        self._process.stdin.write(json.dumps({"do": command} | arguments) + "\n")
        self._process.stdin.flush()
        return json.loads(_told(self._answers, COMMAND_S, f"{command}"))


@contextmanager
def worker(module: str, *arguments: str) -> Iterator[Worker]:
    """Run a module of peers that takes commands."""
    with _peer(module, arguments) as (process, lines):
        _told(lines, START_S, module)
        yield Worker(process, lines)


@contextmanager
def listening(module: str, *arguments: str) -> Iterator[Listening]:
    """Run a module of peers that takes calls."""
    with _peer(module, arguments) as (process, lines):
        yield Listening(pid=process.pid, address=_told(lines, START_S, module))


@contextmanager
def program(command: Sequence[str | Path], name: str, port: int) -> Iterator[Listening]:
    """Run a program that listens on a port of loopback."""
    LOG_DIR.mkdir(parents=True, exist_ok=True)
    with (LOG_DIR / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)  # noqa: S603 # told by us
    try:
        _until_it_listens(process, name, port)
        yield Listening(pid=process.pid, address=f"127.0.0.1:{port}")
    finally:
        stop(process)


def free_port() -> int:
    """Return a port of loopback that nobody has."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port: int = tried.getsockname()[1]
        return port


@contextmanager
def _peer(
    module: str, arguments: Sequence[str]
) -> Iterator[tuple["subprocess.Popen[str]", "queue.Queue[str | None]"]]:
    process = subprocess.Popen(  # noqa: S603 # our own modules
        [sys.executable, "-m", f"benchmarks.peers.{module}", *arguments],
        cwd=ROOT,
        env=os.environ | {"GRPC_VERBOSITY": "NONE"},  # that a server stops is no news
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None  # noqa: S101 # it is a pipe
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_hand_over, args=(process.stdout, lines), daemon=True).start()
    try:
        yield process, lines
    finally:
        stop(process)


def _hand_over(output: IO[str], lines: "queue.Queue[str | None]") -> None:
    with output:
        for line in output:
            lines.put(line.strip())
    lines.put(None)


def _told(lines: "queue.Queue[str | None]", within_s: float, what: str) -> str:
    try:
        line = lines.get(timeout=within_s)
    except queue.Empty:
        line = None
    if line is None:
        raise RuntimeError(f"{what}: no answer; what went wrong stands above")
    return line


def _until_it_listens(process: "subprocess.Popen[bytes]", name: str, port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(
        f"{name} did not start; its log ends so:\n{(LOG_DIR / f'{name}.log').read_text()[-2000:]}"
    )


def stop(process: "subprocess.Popen[Any]") -> None:
    """End a process, by force where it does not end by itself."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
