"""A small container runtime: runs a process with its own root file system, user, environment and process ids.

Starting a container needs root. The process itself has no capabilities, and cannot gain any.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

_CLONE_NEWNS, _CLONE_NEWPID, _CLONE_NEWNET = 0x00020000, 0x20000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 24, 38
_DEVICES = ("null", "zero", "random", "urandom")
_KILL_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file or directory of the host that is mounted in a container."""

    source: str
    path: str
    """In the container; created if it is missing."""
    read_only: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The configuration of a container image, and where its file system is mounted."""

    root: str
    entry_point: Sequence[str]
    environment: Mapping[str, str]
    directory: str
    user: int
    group: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What to run, and in which environment."""

    command: Sequence[str]
    environment: Mapping[str, str]
    user: int
    group: int
    directory: str = "/"
    image: str = ""
    """The directory that becomes the root; empty: a root with only the mounts."""
    read_only: bool = True
    """Whether the root is read-only; each mount has its own setting."""
    mounts: Sequence[Mount] = field(default_factory=tuple)
    new_privileges: bool = False
    own_network: bool = False
    """Whether it gets an isolated network, where every port is free; else it shares its starter's network."""

    def start(self, root: Path, log: IO[bytes]) -> "RunningContainer":
        """Start it, with its root mounted on an empty directory; its output goes to the log."""
        runtime = subprocess.Popen(  # noqa: S603 # this module
            [sys.executable, __file__, str(root), json.dumps(asdict(self))],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
        return RunningContainer(runtime)


class RunningContainer:
    """A started container."""

    def __init__(self, runtime: "subprocess.Popen[bytes]") -> None:
        self._runtime = runtime

    @property
    def pid(self) -> int:
        """The host's id of the process; of its runtime as long as the process does not exist."""
        children = Path(f"/proc/{self._runtime.pid}/task/{self._runtime.pid}/children")
        pids = children.read_text().split() if children.exists() else []
        return int(pids[0]) if pids else self._runtime.pid

    def exit_code(self) -> int | None:
        """Return the exit code; None while it runs."""
        return self._runtime.poll()

    def signal(self, number: int) -> None:
        """Send a signal to the process."""
        if self._runtime.poll() is None:
            os.kill(self.pid, number)

    def wait(self, timeout_s: float) -> int:
        """Wait for its end; return the exit code. Raises subprocess.TimeoutExpired."""
        return self._runtime.wait(timeout_s)

    def kill(self) -> None:
        """Send SIGKILL, unless it has ended."""
        self.signal(signal.SIGKILL)
        self.wait(_KILL_TIMEOUT_S)


def _run(root: Path, specification: dict[str, object]) -> int:
    """Act as the runtime of one container; return its exit code."""
    container = Container(**{**specification, "mounts": [Mount(**each) for each in specification["mounts"]]})
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # the runtime ends with its starter
    if libc.unshare(_CLONE_NEWNS | _CLONE_NEWPID | (_CLONE_NEWNET if container.own_network else 0)):
        print(f"a container needs root: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        return 1
    child = os.fork()  # the first process of the new namespace
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    _mount("--make-rprivate", "/")
    _mount_root(container, root)
    os.chroot(root)
    os.chdir(container.directory)
    _drop_privileges(container, libc)
    os.execvpe(container.command[0], list(container.command), dict(container.environment))  # noqa: S606 # the caller chooses the command


def _mount_root(container: Container, root: Path) -> None:
    """Mount the root and everything below it."""
    if container.image:
        _mount("--bind", container.image, str(root))
    else:
        _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(root))
    mounts = [
        *(Mount(source=f"/dev/{name}", path=f"/dev/{name}", read_only=False) for name in _DEVICES),
        *container.mounts,
    ]
    (root / "proc").mkdir(exist_ok=True)
    for mount in mounts:
        _create_mount_point(Path(mount.source), root / mount.path.lstrip("/"))
    _mount("-t", "proc", "proc", str(root / "proc"))
    for mount in mounts:
        mount_point = str(root / mount.path.lstrip("/"))
        _mount("--bind", mount.source, mount_point)
        if mount.read_only:
            _mount("-o", "remount,bind,ro", mount_point)
    if container.read_only:
        _mount("-o", "remount,bind,ro", str(root))


def _create_mount_point(source: Path, mount_point: Path) -> None:
    """Create a directory or a file, like the source."""
    if mount_point.exists():
        return
    if source.is_dir():
        mount_point.mkdir(parents=True)
    else:
        mount_point.parent.mkdir(parents=True, exist_ok=True)
        mount_point.touch()


def _drop_privileges(container: Container, libc: ctypes.CDLL) -> None:
    if not container.new_privileges:
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    last_capability = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for capability in range(last_capability + 1):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setresgid(container.group, container.group, container.group)
    os.setresuid(container.user, container.user, container.user)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of the user clears it


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)  # noqa: S603, S607 # mount is the system's


if __name__ == "__main__":
    sys.exit(_run(Path(sys.argv[1]), json.loads(sys.argv[2])))
