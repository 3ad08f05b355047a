"""A language's own generators: built or fetched once into build/tools, as its manifest pins them."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.generation.sources import ROOT

TOOLS = ROOT / "build" / "tools"


class MissingToolchain(Exception):
    """A language cannot be generated on this machine; the text says what to install."""


def need(program: str, what: str) -> str:
    """Where a program is. Raises MissingToolchain, which names `what` to install, if it is nowhere."""
    path = shutil.which(program)
    if path is None:
        raise MissingToolchain(f"{program} is not in PATH: install {what}")
    return path


def tools(language: str, *, pins: Sequence[Path], install: Callable[[Path], None]) -> Path:
    """The folder with a language's generators; `install` fills it, again when a file of `pins` changed."""
    folder = TOOLS / language
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in pins)).hexdigest()
    mark = folder / ".pins"
    if not mark.is_file() or mark.read_text() != digest:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install(folder)
        mark.write_text(digest)
    return folder


def run(*command: str | Path, folder: Path, environment: Mapping[str, str] | None = None) -> None:
    """Run an installer. Raises MissingToolchain with the end of what it printed, where it fails."""
    done = subprocess.run(  # noqa: S603 # our own modules' commands
        command,
        check=False,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise MissingToolchain(f"{command[0]} failed:\n{done.stdout[-2000:].rstrip()}")
