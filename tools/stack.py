"""The suite on this machine, as processes: a sandbox and services that speak to it.

`python tools/stack.py` keeps them up until it is interrupted (`make run`); the demo and the tests start them
the same way. Every process is stopped by its id, and writes its log to a file under build/logs.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "logs"
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30

PORTS = {"product": (50051, 9101), "order_sync": (50052, 9102), "account": (50053, 9103)}
"""Where each service listens when the ports are fixed: gRPC, and its HTTP side."""
SANDBOX_APP = {
    "NATIONALSITE_APP_KEY": "1000000",
    "NATIONALSITE_APP_SECRET": "test-app-secret",
    "NATIONALSITE_ACCESS_TOKEN": "test-access-token",
}
"""What the sandbox accepts; made up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A process that has said where it listens."""

    process: subprocess.Popen[str]
    address: str
    """host:port of gRPC, or the URL of the sandbox."""
    http: str
    """URL of /metrics, /livez and /readyz."""
    callback: str = ""
    """URL that 1688 pushes messages to, of the service that takes them."""
    log: Path


def start_sandbox(listen: str = "127.0.0.1:0", *, log: str = "sandbox") -> Running:
    """Start a sandbox; it is ready when this returns."""
    environment = {"NATIONALSITE_SANDBOX_LISTEN": listen}
    process, line, path = _start("services.sandbox", environment, "listening on http://", log)
    url = line.rsplit(" ", 1)[-1].strip()
    return Running(process=process, address=url, http=url, log=path)


def start_service(
    name: str,
    gateway_url: str,
    settings: Mapping[str, str] | None = None,
    *,
    log: str = "",
    module: str = "",
) -> Running:
    """Start services.<name>, or another module that serves it; it is ready when this returns."""
    log = log or name
    environment = {
        **SANDBOX_APP,
        **_own_store(log),
        "NATIONALSITE_GATEWAY_URL": gateway_url,
        "NATIONALSITE_LISTEN": "127.0.0.1:0",
        "NATIONALSITE_HTTP_LISTEN": "127.0.0.1:0",
        "NATIONALSITE_CALLBACK_LISTEN": "127.0.0.1:0",
        **(settings or {}),
    }
    process, line, path = _start(module or f"services.{name}", environment, '"serving"', log)
    told = json.loads(line)
    return Running(
        process=process,
        address=told["listen"],
        http=f"http://{told['http_listen']}",
        callback=_callback(path),
        log=path,
    )


def _callback(log: Path) -> str:
    """Return where a service that is ready takes messages, as its log says; empty where it does not."""
    lines = (line for line in log.read_text().splitlines() if '"callback_listening"' in line)
    return next((f"http://{json.loads(line)['listen']}/callbacks/1688" for line in lines), "")


def _own_store(name: str) -> dict[str, str]:
    """Return the setting of a new store: what an earlier process of the name kept is gone."""
    store = LOGS / f"{name}.db"
    for file in (store, *LOGS.glob(f"{name}.db-*")):
        file.unlink(missing_ok=True)
    return {"NATIONALSITE_DATABASE_URL": f"sqlite+aiosqlite:///{store}"}


def stop(running: Running) -> int:
    """Ask a process to end, as Kubernetes does; return its exit code."""
    if running.process.poll() is None:
        running.process.send_signal(signal.SIGTERM)
    try:
        return running.process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        running.process.kill()
        return running.process.wait()


def kill(running: Running) -> None:
    """End a process as a power cut would."""
    running.process.kill()
    running.process.wait(STOP_TIMEOUT_S)


def _start(
    module: str, settings: Mapping[str, str], ready: str, log: str
) -> tuple[subprocess.Popen[str], str, Path]:
    """Start a module with these settings alone, and wait for the line that says it is ready."""
    LOGS.mkdir(parents=True, exist_ok=True)
    path = LOGS / f"{log}.log"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NATIONALSITE_")}
    process = subprocess.Popen(  # noqa: S603 # our own modules
        [sys.executable, "-m", module],
        cwd=ROOT,
        env=inherited | {"PYTHONUNBUFFERED": "1"} | dict(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    found: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_keep_log, args=(process, path, ready, found), daemon=True).start()
    try:
        line = found.get(timeout=START_TIMEOUT_S)
    except queue.Empty:
        line = None
    if line is None:
        process.kill()
        process.wait()
        raise RuntimeError(f"{module} did not start; its log:\n{path.read_text()}")
    return process, line, path


def _keep_log(
    process: subprocess.Popen[str], path: Path, ready: str, found: "queue.Queue[str | None]"
) -> None:
    """Copy what a process prints to its log; hand over the line that it is ready with."""
    assert process.stdout is not None  # noqa: S101 # it is a pipe
    with path.open("w", buffering=1) as log, process.stdout:
        for line in process.stdout:
            log.write(line)
            if ready in line:
                found.put(line)
    found.put(None)


@contextmanager
def stack(dialect: str, *, fixed_ports: bool = False) -> Iterator[dict[str, Running]]:
    """Yield a sandbox and every service in one dialect, by name; stop them at the end.

    The sandbox pushes its messages to the service that takes them.
    """
    with ExitStack() as running:
        up: dict[str, Running] = {}

        def keep(name: str, started: Running) -> Running:
            running.callback(stop, started)
            up[name] = started
            return started

        sandbox = keep("sandbox", start_sandbox("127.0.0.1:8168" if fixed_ports else "127.0.0.1:0"))
        for name, (port, http_port) in PORTS.items():
            settings = {"NATIONALSITE_DIALECT": dialect}
            if fixed_ports:
                settings["NATIONALSITE_LISTEN"] = f"127.0.0.1:{port}"
                settings["NATIONALSITE_HTTP_LISTEN"] = f"127.0.0.1:{http_port}"
            started = keep(name, start_service(name, sandbox.address, settings))
            if started.callback:
                _push_to(sandbox, started.callback)
        yield up


def _push_to(sandbox: Running, callback: str) -> None:
    """Let a sandbox push 1688's messages there."""
    request = urllib.request.Request(  # noqa: S310 # our own sandbox
        f"{sandbox.address}/admin/push", method="PUT", data=json.dumps({"callback_url": callback}).encode()
    )
    with urllib.request.urlopen(request, timeout=STOP_TIMEOUT_S):  # noqa: S310 # likewise
        pass


def main() -> None:
    """Keep the suite up until SIGINT or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    dialect = sys.argv[1] if len(sys.argv) > 1 else "open-platform"
    with stack(dialect, fixed_ports=True) as up:
        for name, running in up.items():
            print(f"{name:10} {running.address:24} log {running.log.relative_to(ROOT)}")
        print(f"dialect {dialect}; interrupt to stop", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("stopping")


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(str(error))
