"""Runs a process as a container's runtime would, as far as Linux does that by itself.

Needs root, which the process does not keep: it has the file system, the user and the environment that it is
given, no capability, no way to gain any, and process id 1 of its own.
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

_NEWNS, _NEWPID, _NEWNET = 0x00020000, 0x20000000, 0x40000000
_PDEATHSIG, _CAPBSET_DROP, _NO_NEW_PRIVS = 1, 24, 38
_DEVICES = ("null", "zero", "random", "urandom")
_START_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """Something of this machine that a container sees."""

    source: str
    path: str
    """In the container; made where it is missing."""
    read_only: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What to run, and what it may see."""

    command: Sequence[str]
    environment: Mapping[str, str]
    user: int
    group: int
    directory: str = "/"
    image: str = ""
    """A directory that becomes the root; empty: nothing but the mounts."""
    read_only: bool = True
    """The root, but not the mounts that are not."""
    mounts: Sequence[Mount] = field(default_factory=tuple)
    new_privileges: bool = False
    own_network: bool = False
    """One without a way out, where every port is free; else it shares the network of who starts it."""

    def start(self, root: Path, log: IO[bytes]) -> "Running":
        """Start it with an empty directory as the place of its root; its output goes to the log."""
        runtime = subprocess.Popen(  # noqa: S603 # this module
            [sys.executable, __file__, str(root), json.dumps(asdict(self))],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
        return Running(runtime)


class Running:
    """A container that was started."""

    def __init__(self, runtime: "subprocess.Popen[bytes]") -> None:
        self._runtime = runtime

    @property
    def pid(self) -> int:
        """The process, as this machine knows it; its runtime until there is one."""
        children = Path(f"/proc/{self._runtime.pid}/task/{self._runtime.pid}/children")
        found = children.read_text().split() if children.exists() else []
        return int(found[0]) if found else self._runtime.pid

    def exit_code(self) -> int | None:
        """Return how it ended; None while it runs."""
        return self._runtime.poll()

    def signal(self, number: int) -> None:
        """Send a signal to the process."""
        if self._runtime.poll() is None:
            os.kill(self.pid, number)

    def wait(self, timeout_s: float) -> int:
        """Return how it ended. Raises subprocess.TimeoutExpired."""
        return self._runtime.wait(timeout_s)

    def kill(self) -> None:
        """End it at once; nothing happens where it has ended."""
        self.signal(signal.SIGKILL)
        self.wait(_START_S)


def _run(root: Path, specification: dict[str, object]) -> int:
    """Become the runtime of one container; return its exit code."""
    container = Container(**{**specification, "mounts": [Mount(**each) for each in specification["mounts"]]})  # type: ignore[arg-type,attr-defined] # as it was written
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PDEATHSIG, signal.SIGKILL)  # nothing outlives who started it
    if libc.unshare(_NEWNS | _NEWPID | (_NEWNET if container.own_network else 0)):
        print(f"a container needs root: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        return 1
    child = os.fork()  # the first process of the new namespace
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    _mount("--make-rprivate", "/")
    _build(container, root)
    os.chroot(root)
    os.chdir(container.directory)
    _give_up_rights(container, libc)
    os.execvpe(container.command[0], list(container.command), dict(container.environment))  # noqa: S606 # asked for


def _build(container: Container, root: Path) -> None:
    """Make the root, with everything mounted below it."""
    if container.image:
        _mount("--bind", container.image, str(root))
    else:
        _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(root))
    system = [
        *(Mount(source=f"/dev/{name}", path=f"/dev/{name}", read_only=False) for name in _DEVICES),
        *container.mounts,
    ]
    (root / "proc").mkdir(exist_ok=True)
    for one in system:
        _make(Path(one.source), root / one.path.lstrip("/"))
    _mount("-t", "proc", "proc", str(root / "proc"))
    for one in system:
        place = str(root / one.path.lstrip("/"))
        _mount("--bind", one.source, place)
        if one.read_only:
            _mount("-o", "remount,bind,ro", place)
    if container.read_only:
        _mount("-o", "remount,bind,ro", str(root))


def _make(source: Path, place: Path) -> None:
    """Make what is mounted on, of the same kind."""
    if place.exists():
        return
    if source.is_dir():
        place.mkdir(parents=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()


def _give_up_rights(container: Container, libc: ctypes.CDLL) -> None:
    if not container.new_privileges:
        libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for capability in range(last + 1):
        libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setresgid(container.group, container.group, container.group)
    os.setresuid(container.user, container.user, container.user)
    libc.prctl(_PDEATHSIG, signal.SIGKILL)  # a change of user forgets it


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)  # noqa: S603, S607 # the system's own


if __name__ == "__main__":
    sys.exit(_run(Path(sys.argv[1]), json.loads(sys.argv[2])))
