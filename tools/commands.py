"""Runs the commands of the toolchains."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tools.generation.sources import ROOT

TIMEOUT_S = 900
"""Of one command. The first time, it downloads the packages of others."""


class BuildError(Exception):
    """A package or its bill of materials cannot be made, or does not work."""


def run(*command: str | Path, folder: Path = ROOT, environment: Mapping[str, str] | None = None) -> str:
    """Run a command; return its output. Raises BuildError."""
    try:
        finished = subprocess.run(  # noqa: S603 # our own commands
            command,
            check=False,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            encoding="utf-8",
            timeout=TIMEOUT_S,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{command[0]}: {error}") from None
    if finished.returncode:
        text = " ".join(str(part) for part in command)
        raise BuildError(f"{text[:200]} failed:\n{finished.stdout}{finished.stderr}")
    return finished.stdout
