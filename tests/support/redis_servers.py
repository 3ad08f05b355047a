"""A master, its replicas and sentinels, as processes on TCP ports of 127.0.0.1."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.support.polling import wait_until
from tests.support.ports import reserve_ports

STOP_TIMEOUT_S = 10
MASTER = "shop"
PASSWORD = "hush-redis"


class RedisProcess:
    """A redis-server that listens on a port."""

    def __init__(self, directory: Path, port: int, *, sentinel: bool = False) -> None:
        self.port = port
        self._config = directory / f"{port}.conf"
        self._is_sentinel = sentinel
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *lines: str) -> None:
        """Start it with these lines of configuration, and wait until it answers."""
        self._config.write_text("\n".join([f"port {self.port}", "bind 127.0.0.1", "save ''", *lines, ""]))
        self._process = subprocess.Popen(  # noqa: S603 # our own arguments
            ["redis-server", self._config, *(["--sentinel"] if self._is_sentinel else [])],  # noqa: S607 # wherever it is installed
            cwd=self._config.parent,
            stdout=subprocess.DEVNULL,
        )
        wait_until(lambda: self.ask("PING") is not None)

    def ask(self, *command: str) -> object:
        """Return the response to a command; None if there is none."""
        password = None if self._is_sentinel else PASSWORD
        with Redis(port=self.port, password=password, socket_timeout=2, decode_responses=True) as client:
            try:
                return client.execute_command(*command)
            except RedisError:
                return None

    def kill(self) -> None:
        """Kill it, as the loss of its machine would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT_S)
            self._process = None


class RedisGroup:
    """A master with one replica, and three sentinels that watch it."""

    def __init__(self, directory: Path) -> None:
        first, second, *others = reserve_ports(5)
        self.master = RedisProcess(directory, first)
        self.replica = RedisProcess(directory, second)
        self.sentinels = [RedisProcess(directory, port, sentinel=True) for port in others]

    def start(self) -> None:
        """Start all, and wait until the sentinels know each other and the replica."""
        secrets = (f"requirepass {PASSWORD}", f"masterauth {PASSWORD}")
        self.master.start(*secrets)
        self.replica.start(*secrets, f"replicaof 127.0.0.1 {self.master.port}")
        for sentinel in self.sentinels:
            sentinel.start(
                f"sentinel monitor {MASTER} 127.0.0.1 {self.master.port} 2",
                f"sentinel auth-pass {MASTER} {PASSWORD}",
                f"sentinel down-after-milliseconds {MASTER} 1000",
                f"sentinel failover-timeout {MASTER} 5000",
            )
        wait_until(lambda: all(self._knows_all(sentinel) for sentinel in self.sentinels))

    @property
    def url(self) -> str:
        """The value of NATIONALSITE_REDIS_URL."""
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://:{PASSWORD}@{hosts}/{MASTER}/0"

    def fail_over(self) -> None:
        """Make the replica the master, and the master its replica, and wait until both are."""
        before = self.master_process()
        # Refused until the sentinels have finished an earlier one.
        wait_until(lambda: self.sentinels[0].ask("SENTINEL FAILOVER", MASTER) is not None)
        wait_until(lambda: self.master_port() not in (None, before.port))
        wait_until(lambda: before.ask("SET", "probe", "1") is None)

    def master_process(self) -> RedisProcess:
        """Return the server that the sentinels name as the master."""
        port = self.master_port()
        return next(each for each in (self.master, self.replica) if each.port == port)

    def master_port(self) -> int | None:
        """Return the port of the master as the first sentinel that answers knows it."""
        for sentinel in self.sentinels:
            if isinstance(address := sentinel.ask("SENTINEL GET-MASTER-ADDR-BY-NAME", MASTER), list | tuple):
                return int(address[1])
        return None

    def kill(self) -> None:
        """Kill all processes."""
        for process in (self.master, self.replica, *self.sentinels):
            process.kill()

    @staticmethod
    def _knows_all(sentinel: RedisProcess) -> bool:
        masters = sentinel.ask("SENTINEL MASTERS")
        state = masters.get(MASTER, {}) if isinstance(masters, dict) else {}
        return state.get("num-other-sentinels") == 2 and state.get("num-slaves") == 1


@contextmanager
def redis_group() -> Iterator[RedisGroup]:
    """Yield a running group; kill it at the end."""
    with tempfile.TemporaryDirectory(prefix="redis-group-") as directory, ExitStack() as stack:
        group = RedisGroup(Path(directory))
        stack.callback(group.kill)
        group.start()
        yield group


@contextmanager
def redis_process(*lines: str) -> Iterator[RedisProcess]:
    """Yield one running server with these lines of configuration; kill it at the end."""
    with tempfile.TemporaryDirectory(prefix="redis-") as directory, ExitStack() as stack:
        process = RedisProcess(Path(directory), reserve_ports(1)[0])
        stack.callback(process.kill)
        process.start(f"requirepass {PASSWORD}", *lines)
        yield process
