"""The processes of a benchmark: started by it, told to it by where they listen, stopped by their ids."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import replies
from benchmarks.peers import transcoder
from tools.stack import LOGS, ROOT, SANDBOX_APP, STOP_TIMEOUT_S

START_S = 30
CHECKOUT = Path(os.environ.get("BENCH_CHECKOUT", ROOT))
"""Where the services come from: another checkout, to compare with this one, has to be set up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One that runs."""

    name: str
    process: "subprocess.Popen[str]"
    address: str = ""
    """host:port, or the URL of an upstream."""
    callback: str = ""
    """Where 1688's messages go, of order sync."""

    @property
    def pid(self) -> int:
        """Its id."""
        return self.process.pid


@contextmanager
def upstream() -> Iterator[Process]:
    """Run the static upstream."""
    with _module("benchmarks.upstream", "listening on ") as (process, line):
        yield Process(name="upstream", process=process, address=line.split()[-1])


@contextmanager
def forwarding(rpc: str, answer: bytes, url: str = "") -> Iterator[Process]:
    """Run the floor, or without a URL the echo."""
    file = LOGS / f"answer-{'floor' if url else 'echo'}.binpb"
    LOGS.mkdir(parents=True, exist_ok=True)
    file.write_bytes(answer)
    with _module("benchmarks.peers.floor", "listening on ", rpc, str(file), *filter(None, [url])) as (
        process,
        line,
    ):
        yield Process(name="floor" if url else "echo", process=process, address=line.split()[-1])


@contextmanager
def hand(url: str) -> Iterator[Process]:
    """Run the work by hand; it makes rounds when it is told to."""
    command = [sys.executable, "-m", "benchmarks.peers.hand", url]
    with _running(command, {}, stdin=subprocess.PIPE) as process:
        yield Process(name="hand", process=process)


@contextmanager
def envoy(url: str) -> Iterator[Process]:
    """Run the transcoder before an upstream."""
    host, _, port = url.removeprefix("http://").partition(":")
    own, admin = _free_port(), _free_port()
    descriptor_set = LOGS / "transcoder.binpb"
    descriptor_set.parent.mkdir(parents=True, exist_ok=True)
    descriptor_set.write_bytes(transcoder.descriptors(replies.reply("search-20")))
    config = transcoder.configuration(own, admin, (host, int(port)), descriptor_set)
    binary = Path(sys.executable).with_name("envoy")
    command = [str(binary), "--concurrency", "1", "--config-yaml", config, "--log-level", "error"]
    command += ["--disable-hot-restart"]
    with _running(command, {}, log="bench-envoy") as process:
        _until_ready(f"http://127.0.0.1:{admin}/ready", process)
        yield Process(name="envoy", process=process, address=f"127.0.0.1:{own}")


@contextmanager
def service(
    name: str, url: str, settings: Mapping[str, str] | None = None, *, log: str = ""
) -> Iterator[Process]:
    """Run one of the suite's services, with what it does by default."""
    log = log or f"bench-{name}"
    store = LOGS / f"{log}.db"
    for file in (store, *LOGS.glob(f"{log}.db-*")):
        file.unlink(missing_ok=True)
    environment = {
        **SANDBOX_APP,
        "NATIONALSITE_DIALECT": "open-platform",
        "NATIONALSITE_GATEWAY_URL": url,
        "NATIONALSITE_LISTEN": "127.0.0.1:0",
        "NATIONALSITE_HTTP_LISTEN": "127.0.0.1:0",
        "NATIONALSITE_CALLBACK_LISTEN": "127.0.0.1:0",
        "NATIONALSITE_DATABASE_URL": f"sqlite+aiosqlite:///{store}",
        **(settings or {}),
    }
    python = str(CHECKOUT / ".venv" / "bin" / "python")
    with _running([python, "-m", f"services.{name}"], environment, log=log, cwd=CHECKOUT) as process:
        told = _events(LOGS / f"{log}.log", process)
        callback = told.get("callback_listening", {}).get("listen", "")
        yield Process(
            name=name,
            process=process,
            address=told["serving"]["listen"],
            callback=f"http://{callback}/callbacks/1688" if callback else "",
        )


def _events(log: Path, process: "subprocess.Popen[str]") -> dict[str, dict[str, str]]:
    """Return the events of a log until the service serves, by name."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        lines = [line for line in log.read_text().splitlines() if line.startswith("{") and line.endswith("}")]
        events = {event["event"]: event for event in map(json.loads, lines)}
        if "serving" in events:
            return events
        time.sleep(0.02)
    raise RuntimeError(f"the service did not start; its log:\n{log.read_text()}")


def _until_ready(url: str, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 # our own Envoy
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("Envoy did not start; see build/logs/bench-envoy.log")


@contextmanager
def _module(module: str, ready: str, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    with _running([sys.executable, "-m", module, *arguments], {}) as process:
        assert process.stdout is not None  # noqa: S101 # it is a pipe
        line = process.stdout.readline()
        if not line.startswith(ready):
            raise RuntimeError(f"{module} did not start")
        yield process, line


@contextmanager
def _running(
    command: list[str],
    settings: Mapping[str, str],
    *,
    log: str = "",
    stdin: int = subprocess.DEVNULL,
    cwd: Path = ROOT,
) -> Iterator["subprocess.Popen[str]"]:
    LOGS.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NATIONALSITE_")}
    out = (LOGS / f"{log}.log").open("w") if log else None
    process = subprocess.Popen(  # noqa: S603 # our own modules, and Envoy
        command,
        cwd=cwd,
        env=kept | {"PYTHONUNBUFFERED": "1"} | dict(settings),
        stdin=stdin,
        stdout=out or subprocess.PIPE,
        stderr=subprocess.STDOUT if out else None,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(STOP_TIMEOUT_S)
        for stream in (process.stdin, process.stdout, out):
            if stream is not None:
                stream.close()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
