"""`make run`: runs the sandbox and the services on this machine until Ctrl-C.

`make demo` and the tests use the same processes. Each writes its output, and its store, to a folder under
build/logs that nobody else uses meanwhile.
"""

import fcntl
import itertools
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.usage import build_parser

ROOT = Path(__file__).resolve().parent.parent
LOG_DIR = ROOT / "build" / "logs"
"""Where the processes of this program write. `claim_log_dir` makes it a folder of the program's own."""
DIALECTS = ("open-platform", "national-site")
STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM}
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30

PORTS: Mapping[str, tuple[int, ...]] = {
    "sandbox": (8168,),
    "product": (50051, 9101),
    "order_sync": (50052, 9102),
    "account": (50053, 9103),
}
"""The usual ports. Of a service: gRPC, and the HTTP side."""
FREE_PORTS: Mapping[str, tuple[int, ...]] = {name: (0,) * len(ports) for name, ports in PORTS.items()}
SANDBOX_APP = {
    "NATIONALSITE_APP_KEY": "1000000",
    "NATIONALSITE_APP_SECRET": "test-app-secret",
    "NATIONALSITE_ACCESS_TOKEN": "test-access-token",
}
"""The made-up credentials that the sandbox accepts."""
SERVICE_SETTINGS: Mapping[str, Mapping[str, str]] = {
    "order_sync": {
        "NATIONALSITE_CALLBACK_LISTEN": "127.0.0.1:0",
        "NATIONALSITE_MESSAGE_MAX_AGE_DAYS": "3650",  # recorded messages become older
    }
}
"""What only one service reads."""
LOG_LINE_HOOKS: list[Callable[[str], None]] = []
"""Called with each line that a process writes. Tests add theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningProcess:
    """A process that is ready, and its addresses."""

    process: subprocess.Popen[str]
    address: str
    """host:port of gRPC; of the sandbox its URL."""
    http: str
    """URL of /metrics, /livez and /readyz."""
    callback: str = ""
    """URL that 1688 pushes messages to; empty if the service takes none."""
    log: Path


def start_sandbox(listen: str = "127.0.0.1:0", *, log: str = "sandbox") -> RunningProcess:
    """Start a sandbox and wait until it is ready."""
    settings = {"NATIONALSITE_SANDBOX_LISTEN": listen}
    process, line, path = _start("services.sandbox", settings, "listening on http://", log)
    url = line.rsplit(" ", 1)[-1].strip()
    return RunningProcess(process=process, address=url, http=url, log=path)


def start_service(
    name: str,
    gateway_url: str,
    settings: Mapping[str, str] | None = None,
    *,
    log: str = "",
    module: str = "",
) -> RunningProcess:
    """Start services.<name>, or another module that serves it, and wait until it is ready.

    An empty value in `settings` leaves out a variable that is set here.
    """
    log = log or name
    settings = {
        **SANDBOX_APP,
        "NATIONALSITE_GATEWAY_URL": gateway_url,
        "NATIONALSITE_LISTEN": "127.0.0.1:0",
        "NATIONALSITE_HTTP_LISTEN": "127.0.0.1:0",
        **SERVICE_SETTINGS.get(name, {}),
        **({} if name == "product" else {"NATIONALSITE_DATABASE_URL": _new_database_url(log)}),
        **(settings or {}),
    }
    settings = {variable: value for variable, value in settings.items() if value}
    process, line, path = _start(module or f"services.{name}", settings, '"serving"', log)
    event = json.loads(line)
    return RunningProcess(
        process=process,
        address=event["listen"],
        http=f"http://{event['http_listen']}",
        callback=_callback_url(path),
        log=path,
    )


def _callback_url(log: Path) -> str:
    """Return the callback URL that a ready service has logged; empty if there is none."""
    lines = (line for line in log.read_text().splitlines() if '"callback_listening"' in line)
    return next((f"http://{json.loads(line)['listen']}/callbacks/1688" for line in lines), "")


def _new_database_url(name: str) -> str:
    """Delete the database that an earlier process of this name left behind; return its URL."""
    database = LOG_DIR / f"{name}.db"
    for file in (database, *LOG_DIR.glob(f"{name}.db-*")):
        file.unlink(missing_ok=True)
    return f"sqlite+aiosqlite:///{database}"


def stop(running: RunningProcess) -> int:
    """Stop a process as Kubernetes does: SIGTERM, then SIGKILL; return its exit code."""
    if running.process.poll() is None:
        running.process.send_signal(signal.SIGTERM)
    try:
        return running.process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        running.process.kill()
        return running.process.wait()


def kill(running: RunningProcess) -> None:
    """Kill a process with SIGKILL, as a crash would."""
    running.process.kill()
    running.process.wait(STOP_TIMEOUT_S)


def _start(
    module: str, settings: Mapping[str, str], ready_text: str, log: str
) -> tuple[subprocess.Popen[str], str, Path]:
    """Start a module with only these settings; return its process, the line with ready_text, its log file."""
    LOG_DIR.mkdir(parents=True, exist_ok=True)
    path = LOG_DIR / f"{log}.log"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NATIONALSITE_")}
    process = subprocess.Popen(  # noqa: S603 # our own modules
        [sys.executable, "-m", module],
        cwd=ROOT,
        env=inherited | {"PYTHONUNBUFFERED": "1"} | dict(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    ready_lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_write_log, args=(process, path, ready_text, ready_lines), daemon=True).start()
    try:
        line = ready_lines.get(timeout=START_TIMEOUT_S)
    except queue.Empty:
        line = None
    if line is None:
        process.kill()
        process.wait()
        raise RuntimeError(f"{module} did not start; its log:\n{path.read_text()}")
    return process, line, path


def _write_log(
    process: subprocess.Popen[str], path: Path, ready_text: str, ready_lines: "queue.Queue[str | None]"
) -> None:
    """Copy the output of a process to its log; pass on the line with ready_text, and None at the end."""
    assert process.stdout is not None  # noqa: S101 # it is a pipe
    with path.open("w", buffering=1) as log, process.stdout:
        for line in process.stdout:
            log.write(line)
            for hook in LOG_LINE_HOOKS:
                hook(line)
            if ready_text in line:
                ready_lines.put(line)
    ready_lines.put(None)


def claim_log_dir(name: str) -> None:
    """Let this process write to build/logs/<name>, or to <name>-2, ... while another process uses that."""
    global LOG_DIR  # noqa: PLW0603 # all processes of a program write to one folder
    for number in itertools.count(1):
        folder = ROOT / "build" / "logs" / (name if number == 1 else f"{name}-{number}")
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_WRONLY | os.O_CREAT)  # the end of the process closes it
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        LOG_DIR = folder
        return


@contextmanager
def local_stack(
    dialect: str, ports: Mapping[str, tuple[int, ...]] = FREE_PORTS
) -> Iterator[dict[str, RunningProcess]]:
    """Yield a sandbox and every service in one dialect, by name; stop them at the end.

    The sandbox pushes its messages to the service that takes them. `ports` are as in PORTS; 0 is a free one.
    """
    with ExitStack() as exit_stack:
        processes: dict[str, RunningProcess] = {}

        def register(name: str, started: RunningProcess) -> RunningProcess:
            exit_stack.callback(stop, started)
            processes[name] = started
            return started

        addresses = {
            name: [f"127.0.0.1:{port}" for port in service_ports] for name, service_ports in ports.items()
        }
        sandbox = register("sandbox", start_sandbox(*addresses.pop("sandbox")))
        for name, (listen, http_listen) in addresses.items():
            settings = {
                "NATIONALSITE_DIALECT": dialect,
                "NATIONALSITE_LISTEN": listen,
                "NATIONALSITE_HTTP_LISTEN": http_listen,
            }
            service = register(name, start_service(name, sandbox.address, settings))
            if service.callback:
                _set_push_target(sandbox, service.callback)
        yield processes


def _set_push_target(sandbox: RunningProcess, callback_url: str) -> None:
    """Make a sandbox push its messages to this URL."""
    request = urllib.request.Request(  # noqa: S310 # our own sandbox
        f"{sandbox.address}/admin/push",
        method="PUT",
        data=json.dumps({"callback_url": callback_url}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=STOP_TIMEOUT_S):  # noqa: S310 # our own sandbox
        pass


def main() -> None:
    """Run the stack until SIGINT or SIGTERM."""
    parser = build_parser(
        "make run",
        __doc__,
        "make run DIALECT=national-site PORT=60000",
        "python -m tools.local_stack --port 60000",
    )
    parser.add_argument("--dialect", choices=DIALECTS, default=DIALECTS[0], help="default: %(default)s")
    parser.add_argument(
        "--port",
        type=int,
        help="use seven ports from this one on: gRPC of product, order_sync and account; HTTP of these; "
        "sandbox. Default: 50051 to 50053, 9101 to 9103, 8168; a free one in place of a port in use",
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    claim_log_dir("run")
    ports = _replace_used_ports(PORTS) if options.port is None else _count_ports(options.port)
    with local_stack(options.dialect, ports) as processes:
        for name, running in processes.items():
            http = "" if name == "sandbox" else f"{running.http}/metrics"
            print(f"{name:10} {running.address:22} {http:30} log {running.log.relative_to(ROOT)}")
        if ports != PORTS:
            print("the examples call these services after:")
            for name, running in processes.items():
                print(f"export NATIONALSITE_{name.upper()}={running.address}")
        print(f"the page of the sandbox: {processes['sandbox'].address}/")
        try:
            # Blocked, a signal that comes before sigwait is kept for it. signal.pause would miss it.
            signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
            print(f"dialect {options.dialect}; press Ctrl-C to stop", flush=True)
            signal.sigwait(STOP_SIGNALS)
        except KeyboardInterrupt:
            pass  # it came before it was blocked
        print("stopping")


def _count_ports(first: int) -> Mapping[str, tuple[int, ...]]:
    """Return successive ports, as --port says. Raises RuntimeError for one that cannot be used."""
    services = [name for name in PORTS if name != "sandbox"]
    ports: dict[str, tuple[int, ...]] = {
        name: (first + number, first + number + 3) for number, name in enumerate(services)
    }
    ports["sandbox"] = (first + 6,)
    for name, port in ((name, port) for name, both in ports.items() for port in both):
        if _is_used(port):
            raise RuntimeError(f"{name} cannot listen on port {port}: it is in use; choose another PORT")
    return {name: ports[name] for name in PORTS}


def _replace_used_ports(ports: Mapping[str, tuple[int, ...]]) -> Mapping[str, tuple[int, ...]]:
    """Return the ports with 0, a free port, in place of each that is in use; print which these are."""
    used = {port: name for name, both in ports.items() for port in both if _is_used(port)}
    for port, name in used.items():
        print(f"port {port} is in use: {name} uses a free port instead")
    return {name: tuple(0 if port in used else port for port in both) for name, both in ports.items()}


def _is_used(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):  # above 65535, or below 1024 without the right
            return True
    return False


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(str(error))
