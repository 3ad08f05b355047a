"""The generators of a language, installed into build/tools in the versions that its manifests pin."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.generation.sources import ROOT

TOOLS_DIR = ROOT / "build" / "tools"


class MissingToolchain(Exception):
    """A language cannot be generated on this machine. The text says what to install."""


def require_tool(program: str, package: str) -> str:
    """Return the path of a program. Raises MissingToolchain, which says to install `package`."""
    path = shutil.which(program)
    if path is None:
        raise MissingToolchain(f"{program} is not in PATH: install {package}")
    return path


def install_once(language: str, *, manifests: Sequence[Path], install: Callable[[Path], None]) -> Path:
    """Return the directory of a language's generators. `install` fills it, again after a manifest changed."""
    directory = TOOLS_DIR / language
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in manifests)).hexdigest()
    installed = directory / ".manifests.sha256"
    if not installed.is_file() or installed.read_text() != digest:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        install(directory)
        installed.write_text(digest)
    return directory


def run(*command: str | Path, cwd: Path, environment: Mapping[str, str] | None = None) -> None:
    """Run an installer. Raises MissingToolchain with the end of its output if it fails."""
    completed = subprocess.run(  # noqa: S603 # commands of the modules in this package
        command,
        check=False,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if completed.returncode:
        raise MissingToolchain(f"{command[0]} failed:\n{completed.stdout[-2000:].rstrip()}")
